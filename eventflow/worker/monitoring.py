"""A worker's eyes for its operators: metrics where they are on, and what its rules are silent about."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from eventflow.delivery import Claim, Finish, Outcome
from eventflow.events import Event
from eventflow.metrics import meter
from eventflow.records import DeadLetter
from eventflow.routing import PlannedDelivery
from eventflow.rules import ARCHIVE
from eventflow.transport.messages import DEAD_LETTERS, ROUTE
from eventflow.worker.context import WorkerContext
from eventflow.worker.silence import SilenceNotes

if TYPE_CHECKING:
    from eventflow.metrics.serving import ServedMetrics

__all__ = ["Monitoring", "count_finish", "count_routed"]


class Monitoring:
    """Switches on what a worker counts and serves.

    Args:
        context: Its parts.
    """

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._served: ServedMetrics | None = None

    def begin(self) -> None:
        """Begin to count, in the main process, before a pool forks from it."""
        settings = self._context.settings
        self._context.silence = SilenceNotes(self._context.ledgers)
        if settings.metrics_port:
            from eventflow.metrics.serving import ServedMetrics  # noqa: PLC0415 - for who asks

            self._served = ServedMetrics(
                address=settings.metrics_address, port=settings.metrics_port
            )

    def serve(self, queues: Collection[str]) -> None:
        """Open the endpoint, where metrics are on.

        Args:
            queues: The queues that this process reads: they say whose numbers it serves.
        """
        if self._served is None:
            return
        from eventflow.worker.readings import Readings, read_ledgers, read_store  # noqa: PLC0415

        readers = [read_ledgers(self._context)] if ROUTE in queues else []
        if DEAD_LETTERS in queues:
            readers.append(read_store(self._context))
        self._served.serve([Readings(readers)])


def count_routed(
    context: WorkerContext,
    bus: str,
    event: Event | None,
    planned: Sequence[PlannedDelivery],
    letters: Sequence[DeadLetter],
) -> None:
    """Count an event that was routed.

    Args:
        context: The process's parts.
        bus: Its bus.
        event: The event; None where it cannot be read.
        planned: What came of it.
        letters: Its dead letters.
    """
    counting = meter()
    is_dead = len(letters) > 0 and not planned
    # What an archive's delivery has for rules are names of archives.
    matched = [
        (item.target.name, item.rules if item.target.name != ARCHIVE else ()) for item in planned
    ]
    counting.routed(bus, matched, dead=is_dead)
    for letter in letters:
        counting.died(bus, letter.target or ROUTE, letter.reason.value)
    if context.silence is not None and event is not None and not is_dead:
        rules = {rule for _, names in matched for rule in names}
        context.silence.saw(bus, rules, event.source, event.type)


def count_finish(bus: str, target: str, claim: Claim, finish: Finish, *, late: float = 0.0) -> None:
    """Count an attempt, and what it brought to an end.

    Args:
        bus: Its bus.
        target: Its target.
        claim: Its claim.
        finish: How it went.
        late: Seconds for which it waited for others of its list after its claim.
    """
    counting = meter()
    counting.attempted(bus, target, finish.outcome.value, finish.duration)
    if finish.outcome is Outcome.DONE:
        # By the ledger's clock, which both times are of.
        counting.delivered(bus, target, claim.now - claim.accepted_at + late + finish.duration)
    elif finish.outcome is Outcome.DEAD and finish.letter is not None:
        counting.died(bus, target, finish.letter.reason.value)
