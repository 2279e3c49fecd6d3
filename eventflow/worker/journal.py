"""The task `eventflow.journal`: the journal's entries from the ledger into the store, in batches."""

import logging
import time
from typing import TYPE_CHECKING

from eventflow.errors import StoreError
from eventflow.units import system_clock
from eventflow.worker.context import WorkerContext

if TYPE_CHECKING:
    from eventflow.store import JournalStore

__all__ = ["BATCH", "JournalRecorder"]

_log = logging.getLogger("eventflow.record")

BATCH = 1_000
"""Entries in one transaction."""

_PRUNE_EVERY = 60.0  # seconds: it counts the store's rows
_MOST_PRUNED = 20_000  # rows at a time: entries that wait are not kept waiting for long


class JournalRecorder:
    """One process's recorder of journals.

    Args:
        context: The process's parts.
        store: Where entries go to.
    """

    def __init__(self, context: WorkerContext, store: "JournalStore") -> None:
        self._context = context
        self._store = store
        self._next_prune = 0.0

    def record(self, bus: str) -> int:
        """Write a bus's entries to the store, and let the ledger forget them.

        It ends when none is left, or after a while: then another message is sent, and other buses
        and dead letters have their turn. An entry is written before it is forgotten, and writing it
        again changes nothing; so a recorder may be killed at any step.

        Args:
            bus: The bus.

        Returns:
            How many were written.

        Raises:
            StoreError: When the store cannot be written; the ledger keeps the entries, and another
                message is sent after a while.
            LedgerError: When the ledger cannot be reached.
        """
        ledger = self._context.ledgers.of(bus)
        deadline = time.monotonic() + self._context.settings.requeue_after
        count = 0
        while entries := ledger.journal_entries(BATCH):
            self._store.record(entries)
            ledger.journal_recorded([entry.id for entry in entries])
            count += len(entries)
            self._prune()
            if time.monotonic() >= deadline or self._context.stopping.is_set():
                break
        self._prune()
        ledger.recorder_answered()
        return count

    def _prune(self) -> None:
        if time.monotonic() < self._next_prune:
            return
        settings = self._context.settings
        oldest = system_clock() - settings.journal_retention
        try:
            number = self._store.prune(oldest, settings.journal_rows, at_most=_MOST_PRUNED)
        except StoreError as error:
            # What is new is written all the same: a user that may not delete holds nothing up.
            _log.warning("%s", error, extra={"action": "journal_not_pruned"})
            number = 0
        if number < _MOST_PRUNED:  # else there may be more: a part of it after the next batch
            self._next_prune = time.monotonic() + _PRUNE_EVERY
