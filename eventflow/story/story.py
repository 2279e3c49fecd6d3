"""An event's story, told: its runs, their deliveries, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from eventflow.delivery.sights import Place
from eventflow.journal import JournalEntry
from eventflow.rules.answers import RuleAnswer
from eventflow.store import ArchivedSummary
from eventflow.story.evidence import Body

__all__ = ["DeliveryStory", "Fate", "RuleChange", "Run", "Story"]


class Fate(StrEnum):
    """What became of a delivery, or where it is."""

    DELIVERED = "delivered"
    DEAD = "dead"
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PARKED = "parked"
    FINISHED = "finished"
    """It is not in flight and no dead letter, so it was delivered; the journal does not say when."""
    LOST = "lost"
    """The ledger has it in none of its places; the reconciler enqueues it again."""
    UNKNOWN = "unknown"
    """Neither journal nor store say, and the ledger cannot be asked."""


_FINAL = frozenset({Fate.DELIVERED, Fate.DEAD, Fate.FINISHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStory:
    """What happened to one delivery. Times are seconds since the epoch.

    Attributes:
        delivery_id: Its id.
        target: Its target.
        rules: The rules that matched, as they were; empty where nobody knows.
        fate: What became of it.
        at: Delivered, dead: when. Queued: since when. Running: until when it is leased. Waiting:
            when it is due. Parked: when its event was accepted. 0 where unknown.
        attempts: How often it was tried; a running attempt counts.
        held_by: What holds back a parked one: `paused`, `breaker`, `in_flight`, `rate`, `turn`; or
            empty.
        held_why: The same in words, as far as it is known.
        reason: Why a dead one died.
        error: The last error, with its class; empty where there was none.
        letter_id: Its dead letter's id; empty where there is none in the store.
        redrives: How often it was redriven.
        entries: Its part of the journal, in order.
    """

    delivery_id: str
    target: str
    rules: tuple[str, ...] = ()
    fate: Fate
    at: float = 0.0
    attempts: int = 0
    held_by: str = ""
    held_why: str = ""
    reason: str = ""
    error: str = ""
    letter_id: str = ""
    redrives: int = 0
    entries: tuple[JournalEntry, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.fate in _FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An event's way through the bus: the first time, or in a replay.

    Attributes:
        replay_name: The replay; empty for the first time.
        accepted_at: When it was accepted, seconds since the epoch; 0 where unknown.
        place: Where it is on its way to a router; nowhere once it is routed.
        is_routed: Whether it was routed; None where nobody knows.
        attempts: How often it was handed to a router.
        deliveries: Its deliveries.
        entries: The event's own part of the journal, in order.
    """

    replay_name: str
    accepted_at: float = 0.0
    place: Place = Place.NOWHERE
    is_routed: bool | None = None
    attempts: int = 0
    deliveries: tuple[DeliveryStory, ...] = ()
    entries: tuple[JournalEntry, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.is_routed is not False and all(each.is_final for each in self.deliveries)


@dataclass(frozen=True, slots=True)
class RuleChange:
    """How the rules of now differ from those by which the event was routed.

    Attributes:
        gained: Rules that match now, and did not then.
        lost: Rules that matched then, and do not now.
    """

    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is known of an event.

    Attributes:
        event_id: The event's own id.
        bus: Its bus.
        source: Its source; empty where nobody knows.
        type: Its type; likewise.
        time: The event's own time, as it says it; empty where its content is gone.
        now: When the story was told, seconds since the epoch.
        runs: The first time, then each replay.
        body: Its content; None where nothing has it any more.
        archived: What the archive says; None where it does not have it.
        answers: What the rules of now make of it: those that match first, then the nearest; None
            where there is no content, or no rules.
        rules_fault: Why the rules could not be asked; empty where they could.
        change: How those that match now differ from those that matched.
        dropped: Journal entries of the bus that were never written, of any event.
        away: What could not be asked, and why.
    """

    event_id: str
    bus: str
    source: str
    type: str
    time: str
    now: float
    runs: tuple[Run, ...]
    body: Body | None = None
    archived: ArchivedSummary | None = None
    answers: tuple[RuleAnswer, ...] | None = None
    rules_fault: str = ""
    change: RuleChange = RuleChange()
    dropped: int = 0
    away: Mapping[str, str]

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself, as far as anybody can say."""
        if "ledger" in self.away and not all(run.is_routed for run in self.runs):
            return False
        is_blind = bool(self.away) and not self.runs
        return not is_blind and all(run.is_final for run in self.runs)
