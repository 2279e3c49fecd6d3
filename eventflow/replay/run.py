"""One replay, run from where it stands to its end: read, select, send, write down how far it is.

What was sent is written down after it was sent. Killed in between, the next run sends the same events
again, with the same ids, and the ledger takes none of them twice.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from eventflow.errors import EventflowError, LedgerError, StoreError
from eventflow.replay.outlet import MOST_AT_ONCE, Outlet
from eventflow.replay.pace import Pace
from eventflow.replay.selection import Selection
from eventflow.store.archive import ArchiveStore
from eventflow.store.archived import ArchiveCursor, ArchivedEvent
from eventflow.store.replay_records import ReplayProgress, ReplayState, StoredReplay
from eventflow.store.replays import ReplayStore
from eventflow.units import Rate, system_clock

__all__ = ["ReplayRun", "Tell"]

Tell = Callable[[ReplayProgress], None]
"""Is told how far a replay is."""

_PAGE = 500  # events read at once: what a replay has in memory, twice
_BEAT = 1.0  # seconds between two signs of life, at most
_FLUSH = 0.5  # seconds that what is to be sent may be held back, to be sent with more
_WAIT = 0.2  # seconds between two looks, while there is no room
_LEDGER_PATIENCE = 60.0  # seconds that the ledger may be away


class _Stopped(Exception):  # noqa: N818 - no error: somebody else decided
    """The replay is not this process's to run any more."""


class ReplayRun:
    """Runs one replay, of which this process is the owner.

    Args:
        replay: The replay, as it was created or taken.
        selection: Which events.
        outlet: Where they leave.
        archive: Where they come from.
        replays: Where it is written down.
        rate: How fast; None for as fast as it goes.
    """

    def __init__(
        self,
        replay: StoredReplay,
        selection: Selection,
        outlet: Outlet,
        *,
        archive: ArchiveStore,
        replays: ReplayStore,
        rate: Rate | None = None,
    ) -> None:
        self._replay = replay
        self._selection = selection
        self._outlet = outlet
        self._archive = archive
        self._replays = replays
        self._pace = Pace(rate, time.monotonic)
        self.progress = replay.progress
        self._pending: list[tuple[ArchivedEvent, int]] = []  # and how many were seen by then
        self._tell: Tell = lambda _progress: None
        self._beat_at = self._flush_at = time.monotonic()
        self._ledger_away_since: float | None = None

    def run(
        self, tell: Tell, *, prepare: Callable[[Callable[[str], None]], None] | None = None
    ) -> StoredReplay:
        """Run it to its end, or until it is cancelled or interrupted (Ctrl-C).

        Args:
            tell: Is told how far it is, several times a second.
            prepare: What comes first; given a function to be called with what it waits for, at
                least every second.

        Returns:
            The replay as it ended.

        Raises:
            EventflowError: When the archive, the store or the ledger cannot be used; the replay has
                failed then, and can be resumed.
        """
        self._tell = tell
        try:
            if prepare is not None:
                prepare(self._wait)
            self._send_all()
        except _Stopped:
            return self._replays.get(self._replay.name)
        except KeyboardInterrupt:
            return self._end(ReplayState.INTERRUPTED)
        except EventflowError as error:
            self.progress = replace(self.progress, note=str(error))
            with contextlib.suppress(StoreError):  # it may be what failed
                self._end(ReplayState.FAILED)
            raise
        return self._end(ReplayState.COMPLETED)

    def _send_all(self) -> None:
        if not self.progress.total:
            total = self._archive.count(self._selection.filters)
            self.progress = replace(self.progress, total=total)
        seen, last = self.progress.seen, None
        for last in self._events():
            seen += 1
            if self._selection.of(last) is not None:
                self._pending.append((last, seen))
            if len(self._pending) >= MOST_AT_ONCE or time.monotonic() >= self._flush_at:
                self._flush()
                self._reach(last, seen)
        self._flush()
        if last is not None:
            self._reach(last, seen)

    def _events(self) -> Iterator[ArchivedEvent]:
        """Read the archive, a page at a time, from where it stands."""
        after = None
        if self.progress.cursor_id:
            place = (self.progress.cursor_at, self.progress.cursor_id, self._replay.bus)
            after = ArchiveCursor(*place)
        while page := self._archive.read(self._selection.filters, after=after, limit=_PAGE):
            yield from page
            after = page[-1].cursor

    def _flush(self) -> None:
        """Send what is to be sent, as fast as there is room and time for it."""
        while self._pending:
            number = self._pace.allowed(min(len(self._pending), MOST_AT_ONCE))
            if not number:
                self._wait(self.progress.note, min(self._pace.pause, _WAIT))
                continue
            crowd, taken = self._offer([event for event, _ in self._pending[:number]])
            if taken:
                last, seen = self._pending[taken - 1]
                self._pending = self._pending[taken:]
                self._pace.note(taken)
                self.progress = replace(self.progress, sent=self.progress.sent + taken)
                self._reach(last, seen)
            if crowd:
                self._wait(crowd)
        self._flush_at = time.monotonic() + _FLUSH

    def _reach(self, event: ArchivedEvent, seen: int) -> None:
        """Write down that everything up to an event is done, and that this process lives."""
        self.progress = replace(
            self.progress,
            cursor_at=event.accepted_at,
            cursor_id=event.event_id,
            seen=seen,
            note="",
        )
        self._beat()

    def _offer(self, events: list[ArchivedEvent]) -> tuple[str, int]:
        """Have events accepted; return why some were not, and how many were before the first such."""
        try:
            if crowd := self._outlet.crowd():
                return crowd, 0
            taken = self._outlet.offer(events)
        except LedgerError as error:
            now = time.monotonic()
            since = self._ledger_away_since = self._ledger_away_since or now
            if now - since > _LEDGER_PATIENCE:
                raise
            return error.message, 0
        self._ledger_away_since = None
        return "" if taken == len(events) else "as many events wait to be routed as may", taken

    def _wait(self, note: str, seconds: float = _WAIT) -> None:
        if note != self.progress.note:
            self.progress = replace(self.progress, note=note)
            self._tell(self.progress)
        if time.monotonic() - self._beat_at >= _BEAT:
            self._beat()
        time.sleep(seconds)

    def _beat(self) -> None:
        """Write how far it is, and that this process lives."""
        self._tell(self.progress)
        self._beat_at = time.monotonic()
        name, owner = self._replay.name, self._replay.owner
        if not self._replays.advance(name, owner, self.progress, system_clock()):
            raise _Stopped

    def _end(self, state: ReplayState) -> StoredReplay:
        name, owner = self._replay.name, self._replay.owner
        self._replays.end(name, owner, state, self.progress, system_clock())
        self._tell(self.progress)
        return self._replays.get(name)
