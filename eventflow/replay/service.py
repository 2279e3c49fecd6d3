"""Replays as the command line has them: looked at, started, resumed, cancelled; the parts put together."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Engine

from eventflow.app import EventFlow
from eventflow.errors import ReplayError
from eventflow.events import is_replay_name
from eventflow.replay.estimate import Estimate, estimate
from eventflow.replay.newcomer import await_archived, await_routers
from eventflow.replay.outlet import Outlet
from eventflow.replay.owner import is_dead, owner_name
from eventflow.replay.request import ReplayRequest
from eventflow.replay.run import ReplayRun, Tell
from eventflow.replay.selection import Selection
from eventflow.rules import RuleSet
from eventflow.store.archive import ArchiveStore
from eventflow.store.replay_records import PATIENCE, ReplayFilter, StoredReplay
from eventflow.store.replays import ReplayStore
from eventflow.transport.messages import ARCHIVE
from eventflow.units import system_clock

__all__ = ["Replayer"]

_FORGET_AFTER = 7 * 86400.0  # seconds after its end, when all of a replay's events are long routed
_REPORTS = 6  # intervals: a router has read its files, and reported that


class Replayer:
    """Starts and resumes replays, in this process.

    Args:
        flow: Its ledgers, its way to the broker and its rules are used.
        engine: The store's.
    """

    def __init__(self, flow: EventFlow, engine: Engine) -> None:
        self._settings = flow.settings
        self._ledgers = flow.context.ledgers
        self._sender = flow.context.sender
        self._source = flow.context.rules
        self._archive = ArchiveStore(engine, flow.settings.archive_keys)
        self.replays = ReplayStore(engine)

    @property
    def rules(self) -> RuleSet:
        """The rules as they are here.

        Raises:
            RuleError: When they are not without fault.
        """
        return self._source.current()

    def now(self) -> float:
        """Return the ledger's time, by which events are archived, in seconds since the epoch.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        return self._ledgers.processes().clock()[0]

    def unarchived(self, bus: str) -> int:
        """Return how many events of a bus were routed and are not in the archive yet.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        count = self._ledgers.of(bus).status([ARCHIVE])[ARCHIVE]
        return count.queued + count.running + count.waiting + count.parked

    def count(self, request: ReplayRequest, name: str) -> int:
        """Return how many archived events a replay would look at.

        Raises:
            StoreError: When the archive cannot be used.
        """
        return self._archive.count(Selection(request, self.rules, name).filters)

    def estimate(
        self, request: ReplayRequest, name: str, tell: Callable[[int, int], None]
    ) -> Estimate:
        """Find what a replay would do; change nothing.

        Args:
            request: What is replayed.
            name: Its name.
            tell: Is told how many events were looked at, and how many there are.

        Raises:
            ReplayError: When it cannot be done.
            StoreError: When the archive cannot be used.
        """
        rules = self.rules
        request.check(rules)
        selection = Selection(request, rules, name)
        return estimate(self._archive, selection, rate=request.pace, tell=tell)

    def start(self, request: ReplayRequest, name: str, by: str, tell: Tell) -> StoredReplay:
        """Run a new replay to its end.

        Args:
            request: What is replayed.
            name: Its name; no other replay had it.
            by: Who starts it.
            tell: Is told how far it is.

        Returns:
            The replay as it ended.

        Raises:
            ReplayError: When it cannot be done.
            StoreError: When the name is taken, or the store cannot be used.
            LedgerError: When the ledger cannot be used.
        """
        if not is_replay_name(name):
            message = f"{name!r} is no replay's name: 1 to 64 letters, digits, and .-_"
            raise ReplayError(message)
        request.check(self.rules)
        now = system_clock()
        replay = StoredReplay(
            name=name,
            bus=request.bus,
            arguments=request.to_document(),
            owner=owner_name(),
            started_by=by,
            started_at=now,
            updated_at=now,
        )
        self._forget(request.bus, now)
        self.replays.create(replay)
        return self._run(replay, request, tell)

    def begin_target(
        self, request: ReplayRequest, name: str, by: str, tell: Tell, wait: Callable[[str], None]
    ) -> StoredReplay:
        """Give a new target what it was not sent since a moment: run that replay to its end.

        Args:
            request: From when on, and how fast; `until` is set here.
            name: The replay's name.
            by: Who starts it.
            tell: Is told how far it is.
            wait: Passes a moment; given what is waited for before it begins.

        Returns:
            The replay as it ended.

        Raises:
            ReplayError: When it cannot be done, as long as one router has other rules than those here.
            StoreError: When the name is taken, or the store cannot be used.
            LedgerError: When the ledger cannot be used.
        """
        request.check(self.rules)
        patience = _REPORTS * self._settings.report_interval
        await_routers(self._ledgers, self.rules, wait, patience=patience)
        until = self.now() + self._settings.route_lease
        return self.start(replace(request, until=until), name, by, tell)

    def resume(self, name: str, tell: Tell, rate: str | None = None) -> StoredReplay:
        """Go on with a replay that was interrupted, or has failed.

        Args:
            name: Its name.
            tell: Is told how far it is.
            rate: How fast from here on, such as `50/s`; None for as it was started.

        Returns:
            The replay as it ended.

        Raises:
            ReplayError: When it cannot be done any more, by the rules as they are now.
            StoreError: When there is none, another process runs it, or it is over.
            LedgerError: When the ledger cannot be used.
        """
        request = ReplayRequest.from_document(self.replays.get(name).arguments)
        request = replace(request, rate=rate) if rate is not None else request
        request.check(self.rules)
        patience = -PATIENCE if is_dead(self.replays.get(name).owner) else PATIENCE
        taken = self.replays.take(name, owner_name(), system_clock(), patience=patience)
        return self._run(taken, request, tell)

    def _run(self, replay: StoredReplay, request: ReplayRequest, tell: Tell) -> StoredReplay:
        ledger = self._ledgers.of(replay.bus)
        selection = Selection(request, self.rules, replay.name)
        most = self._settings.max_backlog // 2 or self._settings.replay_backlog
        outlet = Outlet(
            ledger,
            self._sender,
            replay.name,
            targets=selection.targets,
            most_waiting=max(1, min(most, self._settings.replay_backlog)),
        )
        run = ReplayRun(
            replay,
            selection,
            outlet,
            archive=self._archive,
            replays=self.replays,
            rate=request.pace,
        )

        def prepare(wait: Callable[[str], None]) -> None:
            # Again when it is resumed: a ledger that was lost meanwhile has to be told anew.
            ledger.restrict(replay.name, request.restriction.to_json())
            if request.unsent_to:
                await_archived(self._ledgers, replay.bus, request.until, wait)

        return run.run(tell, prepare=prepare)

    def _forget(self, bus: str, now: float) -> None:
        """Take out of the ledger what it knew of replays that ended long ago."""
        ended = ReplayFilter(bus=bus, ended_before=now - _FORGET_AFTER)
        over = self.replays.list(ended, now=now, limit=1000)
        self._ledgers.of(bus).lift([replay.name for replay in over])
