"""What became of deliveries that were sent again: told by the ledger, then by the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from eventflow.delivery import BreakerState, Ledger, Ledgers
from eventflow.errors import LedgerError
from eventflow.records import DeadLetter
from eventflow.store import DeadLetterFilter, DeadLetterStore, State, StoredDeadLetter

__all__ = ["Course", "Fate", "LedgerCourse", "Standing"]


class Fate(StrEnum):
    """Where a delivery stands that was sent again."""

    OPEN = "open"
    """Not tried yet, or at its first attempt."""
    FAILING = "failing"
    """It has failed, and will be tried again."""
    SUCCEEDED = "succeeded"
    DIED = "died"
    """It is a dead letter again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A delivery's fate, with what is known of its failure.

    Attributes:
        fate: Where it stands.
        failures: How many attempts have failed, as far as it is in flight.
        error: The last error, class and text; empty where there is none.
    """

    fate: Fate
    failures: int = 0
    error: str = ""


class Course(Protocol):
    """What tells how it goes with what was sent."""

    def look(self, letters: Sequence[StoredDeadLetter]) -> Mapping[str, Standing]:
        """Tell where deliveries stand, by id.

        Args:
            letters: As they were before they were sent.
        """

    def obstacle(self, bus: str, target: str) -> str:
        """Say why a target gets nothing now, such as an open breaker; empty where it does."""


class LedgerCourse:
    """What the ledger and the store know, asked in the order in which a death goes through them.

    A delivery that dies is taken from the ledger's deliveries and put to its dead letters in one
    step; the recorder writes it to the store first, and has the ledger forget it second. So asked
    in this order, no death is missed.

    Args:
        ledgers: The ledgers.
        store: Where dead letters are recorded.
    """

    def __init__(self, ledgers: Ledgers, store: DeadLetterStore) -> None:
        self._ledgers = ledgers
        self._store = store

    def look(self, letters: Sequence[StoredDeadLetter]) -> dict[str, Standing]:
        """Tell where deliveries stand; see `Course`."""
        found: dict[str, Standing] = {}
        for bus in sorted({stored.bus for stored in letters}):
            of_bus = [stored for stored in letters if stored.bus == bus]
            found |= _in_flight(self._ledgers.of(bus), of_bus)
            gone = [stored for stored in of_bus if stored.id not in found]
            found |= _unrecorded(self._ledgers.of(bus), gone)
        found |= self._recorded([stored for stored in letters if stored.id not in found])
        return found

    def obstacle(self, bus: str, target: str) -> str:
        """Say why a target gets nothing now; see `Course`."""
        ledger = self._ledgers.of(bus)
        if pause := ledger.pauses([target]).get(target):
            why = f"by {pause.by}: {pause.reason}".removeprefix("by : ").strip(": ")
            return f"{target} is paused" + (f" ({why})" if why else "")
        breaker = ledger.breakers([target])[target]
        if breaker.state is BreakerState.OPEN:
            why = breaker.reason or breaker.error
            return f"the circuit breaker of {target} is open" + (f" ({why})" if why else "")
        return ""

    def _recorded(self, letters: Sequence[StoredDeadLetter]) -> dict[str, Standing]:
        if not letters:
            return {}
        ids = tuple(stored.id for stored in letters)
        now = {
            item.id: item for item in self._store.list(DeadLetterFilter(ids=ids), limit=len(ids))
        }
        found = {}
        for before in letters:
            after = now.get(before.id)
            found[before.id] = Standing(Fate.SUCCEEDED)
            if after is not None and after.state is State.DEAD:
                is_new = (after.redrives, after.died_at) != (before.redrives, before.died_at)
                error = _words(after.error_type, after.error)
                found[before.id] = Standing(Fate.DIED, error=error) if is_new else _OPEN
        return found


_OPEN = Standing(Fate.OPEN)


def _in_flight(ledger: Ledger, letters: Sequence[StoredDeadLetter]) -> dict[str, Standing]:
    found = {}
    answers = ledger.progress([stored.id for stored in letters])
    for stored, progress in zip(letters, answers, strict=True):
        if progress is None:
            continue
        fate = Fate.FAILING if progress.failed else Fate.OPEN
        error = _words(progress.error_type, progress.error)
        found[stored.id] = Standing(fate, progress.failed, error)
    return found


def _unrecorded(ledger: Ledger, letters: Sequence[StoredDeadLetter]) -> dict[str, Standing]:
    """Find those that died again and wait for the recorder."""
    found = {}
    before = {stored.id: stored for stored in letters}
    for identity, text in ledger.letters(list(before)) if before else ():
        try:
            letter = DeadLetter.from_json(text)
        except LedgerError:  # of another version: it died all the same
            found[identity] = Standing(Fate.DIED)
            continue
        # The death that was redriven may not be forgotten yet, where its recorder was cut off.
        if (letter.redrives, letter.died_at) != (
            before[identity].letter.redrives,
            before[identity].died_at,
        ):
            error = _words(letter.error_type, letter.error)
            found[identity] = Standing(Fate.DIED, error=error)
    return found


def _words(error_type: str, error: str) -> str:
    return f"{error_type}: {error}".strip(": ")
