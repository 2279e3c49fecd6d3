"""What the ledger tells of one event that is in flight: where it is, and each of its deliveries."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["DeliverySight", "EventSight", "Place"]


class Place(StrEnum):
    """Where an event or a delivery is at a moment."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PARKED = "parked"
    NOWHERE = "nowhere"
    """Known, and in none of these: an event that is routed, or a delivery that is to be repaired."""


@dataclass(frozen=True, slots=True)
class DeliverySight:
    """A delivery that is in flight. Times are seconds since the epoch by the ledger's clock.

    Attributes:
        delivery_id: Its id.
        target: Its target.
        place: Where it is.
        at: Queued: since when. Running: until when it is leased. Waiting: when it is due. Parked:
            when its event was accepted. Else 0.
        attempts: Attempts that were begun, a running one among them.
        crashes: How often it ended its worker.
        redrives: How often it was redriven.
        accepted_at: When its budget of time began.
        first_attempt_at: When it was first tried; 0 if never.
        rules: The rules that matched.
        error_type: The last error's class.
        error: The last error's text.
    """

    delivery_id: str
    target: str
    place: Place
    at: float = 0.0
    attempts: int = 0
    crashes: int = 0
    redrives: int = 0
    accepted_at: float = 0.0
    first_attempt_at: float = 0.0
    rules: tuple[str, ...] = ()
    error_type: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class EventSight:
    """An event that the ledger knows: in flight, or remembered for its id alone.

    Attributes:
        event_id: The id by which the ledger knows it, a replay's name included.
        accepted_at: When it was accepted, seconds since the epoch by the ledger's clock; 0 where
            only a redrive brought it back.
        is_routed: Whether its deliveries were registered.
        place: Where it is on its way to a router; nowhere once it is routed.
        attempts: How often it was handed to a router.
        left: Deliveries that are in flight.
        body: Its JSON; empty once all is delivered.
        deliveries: Those in flight, of the targets that were asked about.
    """

    event_id: str
    accepted_at: float
    is_routed: bool
    place: Place = Place.NOWHERE
    attempts: int = 0
    left: int = 0
    body: bytes = b""
    deliveries: tuple[DeliverySight, ...] = ()
