"""What the archive is given and gives back: events, filters, and a place in a list."""

from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "ArchiveCursor",
    "ArchiveFilter",
    "ArchiveHolding",
    "ArchivedEvent",
    "ArchivedSummary",
    "Pruned",
]


class ArchiveCursor(NamedTuple):
    """A place in the archive's order: after this event.

    Attributes:
        accepted_at: When it was accepted, seconds since the epoch.
        event_id: Its id.
        bus: Its bus.
    """

    accepted_at: float
    event_id: str
    bus: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFilter:
    """Which archived events are meant: those that every field given fits. None means any.

    Attributes:
        bus: Their bus.
        archive: An archive that holds them.
        since: Accepted then or later, seconds since the epoch.
        until: Accepted before then: what ends at a moment and what begins at it share no event.
        sources: One of these sources.
        types: One of these types.
    """

    bus: str | None = None
    archive: str | None = None
    since: float | None = None
    until: float | None = None
    sources: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedSummary:
    """An archived event without its content. Times are seconds since the epoch.

    Attributes:
        event_id: Its id.
        bus: Its bus.
        source: Its source.
        type: Its type.
        accepted_at: When it was accepted, by the ledger's clock.
        archives: The archives that hold it.
        kept_until: When it may be deleted; infinity for never.
        size: Bytes that the event has, neither compressed nor encrypted.
        targets: The targets that it was sent to when it was routed.
    """

    event_id: str
    bus: str
    source: str
    type: str
    accepted_at: float
    archives: tuple[str, ...] = ()
    kept_until: float = float("inf")
    size: int = 0
    targets: tuple[str, ...] = ()

    @property
    def cursor(self) -> ArchiveCursor:
        """Where a listing goes on after this event."""
        return ArchiveCursor(self.accepted_at, self.event_id, self.bus)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedEvent(ArchivedSummary):
    """An archived event with its content; `size` is its body's length, whatever was given.

    Attributes:
        body: The event as JSON, byte for byte as it was accepted.
    """

    body: bytes = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", len(self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveHolding:
    """What is stored for one set of archives of one bus.

    Attributes:
        bus: The bus.
        archives: The archives that hold these events, and no others.
        events: How many.
        oldest: When the oldest was accepted, seconds since the epoch.
        newest: When the newest was accepted, seconds since the epoch.
        size: Bytes that the events have.
        stored: Bytes that their bodies take in the store, compressed and encrypted as they are.
    """

    bus: str
    archives: tuple[str, ...]
    events: int
    oldest: float
    newest: float
    size: int
    stored: int


class Pruned(NamedTuple):
    """What one step of deleting deleted.

    Attributes:
        events: Events that were deleted one by one.
        days: Days that were dropped as a whole, on PostgreSQL.
    """

    events: int
    days: int
