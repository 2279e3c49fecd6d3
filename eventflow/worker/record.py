"""The task `eventflow.record`: dead letters from the ledger into the store."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eventflow.errors import LedgerError
from eventflow.metrics import meter
from eventflow.records import DeadLetter
from eventflow.worker.context import WorkerContext

if TYPE_CHECKING:
    from eventflow.store import DeadLetterStore

__all__ = ["record_letters"]

_log = logging.getLogger("eventflow.record")


def record_letters(
    context: WorkerContext, store: "DeadLetterStore", bus: str, letter_ids: Sequence[str]
) -> int:
    """Write dead letters to the store, then let the ledger forget them.

    Args:
        context: The process's parts.
        store: Where to.
        bus: Their bus.
        letter_ids: Their ids; those that are written already are passed over.

    Returns:
        How many were written.

    Raises:
        StoreError: When the store cannot be written; the ledger keeps them, the mover tries again.
        LedgerError: When the ledger cannot be reached.
    """
    ledger = context.ledgers.of(bus)
    kept = ledger.letters(letter_ids)
    letters: list[DeadLetter] = []
    written: list[tuple[str, bytes]] = []
    for letter_id, text in kept:
        try:
            letters.append(DeadLetter.from_json(text))
        except LedgerError as error:
            # A version that we do not know wrote it: it stays where it is, and is said loudly.
            _log.error("%s: %s", letter_id, error, extra={"action": "dead_letter_unreadable"})
            continue
        written.append((letter_id, text))
    if letters:
        store.record(letters)
        ledger.recorded(written)
        meter().recorded(bus, len(letters))
    return len(letters)
