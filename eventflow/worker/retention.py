"""Retention: what the store need not keep any longer is deleted now and then, a little at a time."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eventflow.errors import StoreError
from eventflow.settings import Settings
from eventflow.worker.stopping import StopRequest
from eventflow.worker.stores import ProcessStores

__all__ = ["Pruning", "Retention", "prunings"]

_log = logging.getLogger("eventflow.retention")

_BREATH = 0.1  # seconds between two steps: SQLite has one lock for all who write
_MOST_EVENTS = 2_000  # deleted in one step
_MOST_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class Pruning:
    """One kind of what is deleted by age.

    Attributes:
        name: Its kind, as logs name it.
        step: Deletes a bounded number of what is over at a moment (seconds since the epoch), and
            tells how many those were; 0 once there is no more.
    """

    name: str
    step: Callable[[float], int]


def prunings(stores: ProcessStores, settings: Settings) -> tuple[Pruning, ...]:
    """Return what a recorder deletes.

    Args:
        stores: The process's.
        settings: Say how long, and how much, is kept.
    """

    def prune_journal(now: float) -> int:
        oldest = now - settings.journal_retention
        # Many at a time, in transactions that are short: each call counts the rows.
        return stores.journal.prune(oldest, settings.journal_rows, at_most=_MOST_ENTRIES)

    return (
        Pruning("archive", lambda now: sum(stores.archive.prune(now, most=_MOST_EVENTS))),
        Pruning("journal", prune_journal),
    )


class Retention:
    """A thread that deletes what is over until it is stopped; any number may run at once.

    Args:
        kinds: What to delete.
        every: Seconds between two looks.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self,
        kinds: Sequence[Pruning],
        *,
        every: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kinds = tuple(kinds)
        self._every = every
        self._clock = clock
        self._stopping = StopRequest()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="eventflow-retention", daemon=True).start()

    def stop_soon(self) -> None:
        """Stop it after its current step; safe in a signal's handler."""
        self._stopping.set()

    def look(self) -> None:
        """Delete what is over, step by step. A store that is away is asked the next time."""
        for kind in self._kinds:
            deleted = 0
            try:
                while number := kind.step(self._clock()):
                    deleted += number
                    if self._stopping.wait(_BREATH):
                        break
            except StoreError as error:
                # Recording may go well all the same: a user that may write and not delete.
                _log.warning("%s", error, extra={"action": "pruning_failed", "kind": kind.name})
            if deleted:
                _log.info(
                    "deleted %d of the %s that are kept no longer",
                    deleted,
                    kind.name,
                    extra={"action": "pruned", "kind": kind.name, "count": deleted},
                )

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - logged; a store that fills up is worse
                _log.exception("deleting what is over failed", extra={"action": "pruning_failed"})
