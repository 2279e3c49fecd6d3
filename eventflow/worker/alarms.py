"""Alarms: a line in the log when a number crosses its limit, and another when it is back.

Routers watch what waits in the ledger, recorders what lies in the store; each change is told once,
by whichever of them sees it first.
"""

import logging
import time
from collections.abc import Collection, Sequence

import eventflow.store as sql
from eventflow.delivery import AlarmChange, Backlog, Level
from eventflow.errors import StoreError
from eventflow.events import DEFAULT_BUS
from eventflow.settings import Settings
from eventflow.transport.messages import DEAD_LETTERS, ROUTE
from eventflow.worker.context import WorkerContext

__all__ = ["DEAD_LETTERS_LIMIT", "LIMITS", "Alarms", "levels_of"]

_log = logging.getLogger("eventflow.alarms")

DEAD_LETTERS_LIMIT = "dead_letters"
LIMITS = {
    "unrouted": "events wait to be routed",
    "queued": "deliveries are queued or parked",
    "waiting": "deliveries wait for another attempt",
    "unrecorded": "dead letters wait for the recorder",
    DEAD_LETTERS_LIMIT: "dead letters are in the store",
}
"""Each limit's name, and what its number counts. The setting is `alarm_` and the name."""

_COUNTS_EVERY = 12  # intervals between two counts in the store: they read all of its rows


def levels_of(backlog: Backlog, settings: Settings) -> list[Level]:
    """Return the numbers of a bus that have limits.

    Args:
        backlog: What waits.
        settings: The limits.
    """
    levels = [
        Level("unrouted", "", backlog.unrouted, settings.alarm_unrouted),
        Level("unrecorded", "", backlog.unrecorded, settings.alarm_unrecorded),
    ]
    for name, target in backlog.targets.items():
        waits = target.queued + target.parked
        levels.append(Level("queued", name, waits, settings.alarm_queued))
        levels.append(Level("waiting", name, target.waiting, settings.alarm_waiting))
    return levels


class Alarms:
    """Looks for limits that are crossed.

    Args:
        context: The process's parts.
    """

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._next_count = 0.0

    def look(self, queues: Collection[str], named_targets: Sequence[str]) -> None:
        """Look at what this process is there to watch.

        Args:
            queues: The queues that it reads.
            named_targets: The targets that the rules name; others that are known are watched too.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        if ROUTE in queues:
            for bus in self._context.ledgers.buses():
                watch = self._context.ledgers.watch(bus)
                names = sorted({*self._context.book.of(bus), *named_targets})
                levels = levels_of(watch.backlog(names), self._context.settings)
                self._tell(bus, watch.update(levels))
        if DEAD_LETTERS in queues and time.monotonic() >= self._next_count:
            self._count_letters()

    def _count_letters(self) -> None:
        settings = self._context.settings
        self._next_count = time.monotonic() + settings.report_interval * _COUNTS_EVERY
        try:
            store = self._context.stores.dead_letters
            number = store.count(sql.DeadLetterFilter(state=sql.State.DEAD)).total
        except StoreError as error:
            # Recording says it loudly.
            _log.debug("%s", error, extra={"action": "alarm_failed"})
            return
        level = Level(DEAD_LETTERS_LIMIT, "", number, settings.alarm_dead_letters)
        watch = self._context.ledgers.watch(DEFAULT_BUS)
        self._tell(DEFAULT_BUS, watch.update([level]))

    def _tell(self, bus: str, changes: Sequence[AlarmChange]) -> None:
        for change in changes:
            level = change.level
            what = f"{level.number:,} {LIMITS[level.limit]}"
            if level.target:
                what += f" for the target '{level.target}'"
            facts = {"limit": level.limit, "target": level.target, "number": level.number}
            if change.is_raised:
                _log.warning(
                    "%s on the bus '%s', and the alarm is at %s: `eventflow doctor` says more; "
                    "EVENTFLOW_ALARM_%s moves it",
                    what,
                    bus,
                    f"{level.most:,}",
                    level.limit.upper(),
                    extra={"action": "alarm_raised", "bus": bus, **facts},
                )
            else:
                _log.warning(
                    "%s on the bus '%s': the alarm is over after %.0f s",
                    what,
                    bus,
                    change.lasted,
                    extra={"action": "alarm_over", "bus": bus, **facts},
                )
