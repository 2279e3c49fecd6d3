"""What the store gives back: dead letters as they stand, filters, counts, and a place in a list."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from eventflow.records import DeadLetter, Reason

__all__ = [
    "Cursor",
    "DeadLetterCount",
    "DeadLetterFilter",
    "DeadLetterSummary",
    "State",
    "StoredDeadLetter",
    "redrive_refusal",
]

_PUBLISH = "correct the fault and publish the event again, with a new id"


class State(StrEnum):
    """Where a dead letter stands."""

    DEAD = "dead"
    REDRIVEN = "redriven"
    """Sent to its target again; if it dies again, it is dead again."""


class Cursor(NamedTuple):
    """A place in a listing: after this dead letter.

    Attributes:
        died_at: Its time of death, seconds since the epoch.
        id: Its id.
    """

    died_at: float
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Which dead letters are meant: those that every field given fits. None means any.

    Attributes:
        ids: Their ids, complete.
        target: The target's name.
        reason: Why they died.
        event_type: The event's type.
        source: The event's source.
        event_id: The event's id.
        rule: A rule that matched.
        error: Text that the error, or its class, contains, in any case.
        since: Died then or later, seconds since the epoch.
        until: Died then or earlier, seconds since the epoch.
        group: The id of a group of failures.
        redrives_below: Redriven less often than this.
        state: Where they stand.
    """

    ids: tuple[str, ...] | None = None
    target: str | None = None
    reason: Reason | None = None
    event_type: str | None = None
    source: str | None = None
    event_id: str | None = None
    rule: str | None = None
    error: str | None = None
    since: float | None = None
    until: float | None = None
    group: str | None = None
    redrives_below: int | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterSummary:
    """A dead letter as it stands, without what it carries. Times are seconds since the epoch.

    Attributes:
        id: The delivery's id, or the message's.
        bus: The event's bus.
        target: The target's name; empty where there is none.
        reason: Why it died last.
        rules: The rules that matched.
        event_id: The event's id; empty for a message that could not be read.
        event_type: The event's type; likewise.
        source: The event's source; likewise.
        error_type: The last error's class.
        error: The last error's text.
        attempts: How often it was tried before it died last.
        accepted_at: When the event was accepted first; 0 where unknown.
        first_attempt_at: When it was first tried before it died last; 0 if never.
        first_died_at: When it died the first time.
        died_at: When it died last.
        state: Where it stands.
        redrives: How often it was redriven.
        redriven_at: When it was redriven last; 0 if never.
        group_id: The same for all letters of its target that died by the same fault; empty where
            an older eventflow recorded it and nobody has asked for groups since.
        place: Where in the user's code its error was raised, as ``folder/file.py:line function``;
            empty where that is not known.
    """

    id: str
    bus: str
    target: str
    reason: Reason
    rules: tuple[str, ...]
    event_id: str
    event_type: str
    source: str
    error_type: str
    error: str
    attempts: int
    accepted_at: float
    first_attempt_at: float
    first_died_at: float
    died_at: float
    state: State
    redrives: int
    redriven_at: float
    group_id: str
    place: str

    @property
    def cursor(self) -> Cursor:
        """Its place in a listing, to go on after it."""
        return Cursor(self.died_at, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDeadLetter(DeadLetterSummary):
    """A dead letter as it stands, with all that it carries.

    Attributes:
        letter: The record of its last death, as the ledger wrote it, with the count of redrives
            that the store knows: what a redrive hands to the ledger.
    """

    letter: DeadLetter = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeadLetterCount:
    """How many dead letters fit a filter.

    Attributes:
        groups: The number for each target and reason that has any.
        newest: When the last of them died, seconds since the epoch; 0 where there is none.
    """

    groups: Mapping[tuple[str, Reason], int]
    newest: float = 0.0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.groups.values())

    @property
    def by_target(self) -> dict[str, int]:
        """The number for each target, the largest first."""
        return self._by(0)

    @property
    def by_reason(self) -> dict[str, int]:
        """The number for each reason, the largest first."""
        return self._by(1)

    def _by(self, place: int) -> dict[str, int]:
        numbers: Counter[str] = Counter()
        for group, number in self.groups.items():
            numbers[str(group[place])] += number
        return dict(numbers.most_common())


def redrive_refusal(stored: StoredDeadLetter) -> str:
    """Say why a dead letter cannot be redriven; empty when it can.

    Args:
        stored: The dead letter.

    Returns:
        The reason, for people.
    """
    if stored.state is State.REDRIVEN:
        return "it was redriven already, and has not died again since"
    if stored.letter.event is None:
        return "it is a message that could not be read: there is no event to send"
    if not stored.target:
        return f"no target is known for its event: {_PUBLISH}"
    if stored.reason is Reason.INPUT and stored.letter.input is None:
        # The ledger would take no input for "the event itself", which the target does not expect.
        return f"the input that its rule asks for was never made: {_PUBLISH}"
    return ""
