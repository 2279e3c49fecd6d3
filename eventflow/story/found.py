"""An event that a search has found, and what the search could not see."""

from dataclasses import dataclass, field

__all__ = ["Found", "Search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An event that was found.

    Attributes:
        event_id: Its own id.
        bus: Its bus.
        source: Its source; empty where only its id is known.
        type: Its type; likewise.
        accepted_at: When it was accepted, seconds since the epoch; 0 where unknown.
        place: Where it was found: `ledger`, `dead letters`, `archive` or `journal`.
    """

    event_id: str
    bus: str
    source: str = ""
    type: str = ""
    accepted_at: float = 0.0
    place: str


@dataclass(frozen=True, slots=True)
class Search:
    """What a search brought.

    Attributes:
        found: The events, each once.
        looked_at: How many were looked at, by place.
        cut: The places of which more is there than was looked at.
        away: What could not be asked, and why.
    """

    found: list[Found]
    away: dict[str, str]
    looked_at: dict[str, int] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
