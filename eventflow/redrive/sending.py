"""Redriving dead letters: the ledger first, the store second, in batches, safe to repeat."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from eventflow.records import DeadLetter
from eventflow.store import (
    Cursor,
    DeadLetterFilter,
    DeadLetterStore,
    State,
    StoredDeadLetter,
    redrive_refusal,
)
from eventflow.units import Clock, system_clock

__all__ = [
    "BATCH",
    "Outcome",
    "Redriven",
    "Redriver",
    "batches_of",
    "preview",
    "redrive_letters",
]

BATCH = 100
"""Letters of a batch, at most: what a crash leaves to be marked by the next call."""


class Redriver(Protocol):
    """What revives dead letters: an EventFlow."""

    def redrive(self, letters: Sequence[DeadLetter]) -> list[str]:
        """Register and send them again; return the ids that were revived now.

        Those that it does not return are in flight, or were revived before for this same death.
        Anything else that keeps one from being sent is an exception.
        """


class Outcome(StrEnum):
    """What became of a dead letter that was to be redriven."""

    REDRIVEN = "redriven"
    ALREADY = "already"
    REFUSED = "refused"
    WOULD = "would be redriven"


@dataclass(frozen=True, slots=True)
class Redriven:
    """One dead letter, and what became of it.

    Attributes:
        letter: The dead letter, as it was before.
        outcome: What became of it.
        why: Why it was not sent; empty where it was.
    """

    letter: StoredDeadLetter
    outcome: Outcome
    why: str = ""


def batches_of(
    store: DeadLetterStore, filters: DeadLetterFilter, limit: int | None, size: int = BATCH
) -> Iterator[list[StoredDeadLetter]]:
    """Read what is to be redriven, each letter once.

    Args:
        store: Where from.
        filters: Which.
        limit: The most in all; None for no end.
        size: The most of a batch.

    Yields:
        Batches. One that dies again while this runs is not read again: a fault that persists
        must not make an endless loop.
    """
    seen: set[str] = set()
    after: Cursor | None = None
    while limit is None or len(seen) < limit:
        most = size if limit is None else min(size, limit - len(seen))
        found = store.begin_redrive(filters, limit=most, after=after)
        if not found:
            return
        after = found[-1].cursor
        batch = [stored for stored in found if stored.id not in seen]
        seen.update(stored.id for stored in batch)
        yield batch


def redrive_letters(
    store: DeadLetterStore,
    flow: Redriver,
    batches: Iterable[Sequence[StoredDeadLetter]],
    *,
    most_redrives: int | None = None,
    clock: Clock = system_clock,
) -> Iterator[Redriven]:
    """Redrive, batch by batch; what is told to be redriven is sent and marked.

    Args:
        store: Where they are marked.
        flow: What sends them.
        batches: From `batches_of`, or the store's answers.
        most_redrives: Letters that were redriven so often are refused; None for no such guard.
        clock: For the time of the mark.

    Yields:
        What became of each.

    Raises:
        LedgerError: When the ledger cannot be reached. Then, as with every other exception, the
            batch is not marked; the ledger knows what it has revived, so doing it again is safe.
        TransportError: When the broker cannot be.
        StoreError: When the store cannot be.
    """
    for batch in batches:
        told = [_judge(stored, most_redrives) for stored in batch]
        able = [item.letter for item in told if item.outcome is Outcome.WOULD]
        revived = set(flow.redrive([stored.letter for stored in able])) if able else set()
        if able:
            # Those that the ledger revived before, too: an earlier call was cut off between.
            store.mark_redriven(able, clock())
        for item in told:
            if item.outcome is not Outcome.WOULD:
                yield item
            elif item.letter.id in revived:
                yield Redriven(item.letter, Outcome.REDRIVEN)
            else:
                yield Redriven(item.letter, Outcome.ALREADY, "it is on its way already")


def preview(
    batches: Iterable[Sequence[StoredDeadLetter]], *, most_redrives: int | None = None
) -> Iterator[Redriven]:
    """Tell what a redrive would do, and do nothing.

    Args:
        batches: As for `redrive_letters`.
        most_redrives: Likewise.
    """
    for batch in batches:
        yield from (_judge(stored, most_redrives) for stored in batch)


def _judge(stored: StoredDeadLetter, most_redrives: int | None) -> Redriven:
    refusal = redrive_refusal(stored)
    if not refusal and most_redrives is not None and stored.redrives >= most_redrives:
        refusal = (
            f"it was redriven {stored.redrives} times and died each time (EVENTFLOW_MAX_REDRIVES): "
            "mend what it fails by, then --force sends it"
        )
    if not refusal:
        return Redriven(stored, Outcome.WOULD)
    if stored.state is State.REDRIVEN:
        return Redriven(stored, Outcome.ALREADY, refusal)
    return Redriven(stored, Outcome.REFUSED, refusal)
