"""The task `eventflow.journal`: the journal's entries from the ledger into the store, in batches."""

import time
from typing import TYPE_CHECKING

from eventflow.worker.context import WorkerContext

if TYPE_CHECKING:
    from eventflow.store import JournalStore

__all__ = ["BATCH", "record_journal"]

BATCH = 1_000
"""Entries in one transaction."""


def record_journal(context: WorkerContext, store: "JournalStore", bus: str) -> int:
    """Write a bus's entries to the store, and let the ledger forget them.

    It ends when it has read all that there were, or after a while; what came meanwhile is for the next
    message, so that other buses and dead letters have their turn, and few commits write much. An entry
    is written before it is forgotten, and writing it again changes nothing; so a recorder may be killed
    at any step.

    Args:
        context: The process's parts.
        store: Where entries go to.
        bus: The bus.

    Returns:
        How many were written.

    Raises:
        StoreError: When the store cannot be written; the ledger keeps the entries, and another
            message is sent after a while.
        LedgerError: When the ledger cannot be reached.
    """
    ledger = context.ledgers.of(bus)
    deadline = time.monotonic() + context.settings.requeue_after
    count = 0
    while entries := ledger.journal_entries(BATCH):
        store.record(entries)
        ledger.journal_recorded([entry.id for entry in entries])
        count += len(entries)
        is_all = len(entries) < BATCH
        if is_all or time.monotonic() >= deadline or context.stopping.is_set():
            break
    ledger.recorder_answered()
    return count
