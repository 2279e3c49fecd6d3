"""All that is known of one event, as each place tells it; nothing is concluded here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eventflow.delivery import BreakerStatus
from eventflow.delivery.balances import Pause
from eventflow.delivery.sights import EventSight
from eventflow.journal import JournalEntry
from eventflow.records import DeadLetter
from eventflow.store import ArchivedSummary, DeadLetterSummary

__all__ = ["Body", "Evidence"]


@dataclass(frozen=True, slots=True)
class Body:
    """An event's content, and who has it.

    Attributes:
        event: The event by EventBridge's names, as JSON has it.
        source: Where it was read: `ledger`, `archive` or `dead letters`.
    """

    event: Mapping[str, Any] = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of one event of one bus, its replays among it.

    Attributes:
        event_id: The event's own id.
        bus: Its bus.
        now: When it was gathered, seconds since the epoch.
        entries: The journal, in order: what the store has, and what is on its way there.
        sights: What the ledger knows, by the name of the replay; the first time has none.
        letters: Its dead letters in the store.
        unrecorded: Its dead letters that are on their way to the store.
        breakers: The circuit breakers of the targets that have something in flight.
        pauses: Those of them that are paused.
        archived: What the archive says; None where it does not have it.
        body: Its content; None where nothing has it any more.
        dropped: Journal entries of the bus that were never written, of any event.
        away: What could not be asked, and why.
    """

    event_id: str
    bus: str
    now: float
    entries: tuple[JournalEntry, ...] = ()
    sights: Mapping[str, EventSight] = field(default_factory=dict)
    letters: tuple[DeadLetterSummary, ...] = ()
    unrecorded: tuple[DeadLetter, ...] = ()
    breakers: Mapping[str, BreakerStatus] = field(default_factory=dict)
    pauses: Mapping[str, Pause] = field(default_factory=dict)
    archived: ArchivedSummary | None = None
    body: Body | None = None
    dropped: int = 0
    away: Mapping[str, str] = field(default_factory=dict)
