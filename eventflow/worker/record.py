"""The task `eventflow.record`: dead letters from the ledger into the store.

A message that names one is taken for a sign that there are more: what came just now is written along,
so that a database commits once for many, and keeps up with an integration that refuses everything. The
messages of those find nothing left to do.
"""

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
_ALSO = 100  # dead letters that are written along


def record_letters(
    context: WorkerContext, store: "DeadLetterStore", bus: str, letter_ids: Sequence[str]
) -> int:
    """Write dead letters to the store, then let the ledger forget them.

    Args:
        context: The process's parts.
        store: Where to.
        bus: Their bus.
        letter_ids: Their ids; those that are written already are passed over, and others that came
            just now are written along.

    Returns:
        How many were written, and not by another recorder before.

    Raises:
        StoreError: When the store cannot be written; the ledger keeps them, the mover tries again.
        LedgerError: When the ledger cannot be reached.
    """
    ledger = context.ledgers.of(bus)
    kept = ledger.letters(letter_ids, also=_ALSO)
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
    if not letters:
        return 0
    store.record(letters)
    count = ledger.recorded(written)
    meter().recorded(bus, count)
    return count
