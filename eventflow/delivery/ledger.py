"""What a ledger does: the record of every event and delivery in flight, and its contract.

Every method may be called from any thread and process, and may be repeated: a call whose answer
was lost is made again, and nothing happens twice. Lists are handled in one round trip, each entry
on its own. All methods raise LedgerError when the ledger cannot be reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from eventflow.records import DeadLetter

__all__ = [
    "Acceptance",
    "Claim",
    "DeliveryState",
    "Finish",
    "Ledger",
    "Moved",
    "Outcome",
    "Planned",
    "RouteWork",
    "TargetStatus",
    "Verdict",
]


class Acceptance(StrEnum):
    """What became of an event that was published."""

    NEW = "new"
    PENDING = "pending"
    """Known and not yet routed: its message may have been lost, so it is sent again."""
    DUPLICATE = "duplicate"
    FULL = "full"
    """Not taken: as many events wait to be routed as may."""


class Verdict(StrEnum):
    """What the claim decided about a delivery."""

    RUN = "run"
    GONE = "gone"
    LEASED = "leased"
    WAITING = "waiting"
    MAX_ATTEMPTS = "max_attempts"
    MAX_AGE = "max_age"


class Outcome(StrEnum):
    """How an attempt went."""

    DONE = "done"
    RETRY = "retry"
    DEAD = "dead"
    RELEASE = "release"
    """Given back untried; the attempt is not counted."""


@dataclass(frozen=True, slots=True)
class RouteWork:
    """An event for a router.

    Attributes:
        event_id: Its id.
        body: Its JSON.
        accepted_at: When it was accepted, seconds since the epoch by the ledger's clock.
        attempts: How often it was handed to a router, this time included.
    """

    event_id: str
    body: bytes
    accepted_at: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A delivery to register.

    Attributes:
        target: The target's name.
        rules: The rules that matched.
        input: The shaped input as JSON; None for the event itself.
    """

    target: str
    rules: tuple[str, ...]
    input: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim's answer for one delivery. Only `run`, `max_attempts` and `max_age` fill the rest.

    Attributes:
        delivery_id: Its id.
        verdict: What may be done.
        attempt: The number of this attempt, from 1; with a spent budget, of the last one.
        body: The event's JSON.
        input: The shaped input's JSON; None for the event itself.
        rules: The rules that matched.
        accepted_at: When its budget of time began, by the ledger's clock.
        first_attempt_at: When it was first tried; 0 if never.
        redrives: How often it was redriven.
        now: The ledger's clock at the claim.
        error_type: The last attempt's error, its class.
        error: The last attempt's error, its text.
    """

    delivery_id: str
    verdict: Verdict
    attempt: int = 0
    body: bytes = b""
    input: str | None = None
    rules: tuple[str, ...] = ()
    accepted_at: float = 0.0
    first_attempt_at: float = 0.0
    redrives: int = 0
    now: float = 0.0
    error_type: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Finish:
    """How an attempt went, for the ledger.

    Attributes:
        delivery_id: Its id.
        attempt: The claim's number; an outcome of an older attempt than the last is passed over,
            except a success.
        outcome: What to do.
        delay: Seconds until it is due again, for `retry`.
        letter: What to record, for `dead`.
        error_type: The error's class, for `retry`.
        error: The error's text, for `retry`.
    """

    delivery_id: str
    attempt: int
    outcome: Outcome
    delay: float = 0.0
    letter: DeadLetter | None = None
    error_type: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a mover has queued again.

    Attributes:
        by_target: The deliveries' ids, by target.
        lost: Those of them whose lease ended without an outcome.
        nearest: Seconds until the next is due; None when none waits.
    """

    by_target: dict[str, list[str]]
    lost: list[str]
    nearest: float | None


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """How many deliveries of one target are where.

    Attributes:
        queued: Waiting for a worker.
        running: Leased to a worker.
        waiting: Waiting for their next attempt's time.
        delivered: Delivered since the ledger began.
        retried: Attempts that failed and were to be tried again.
        dead: Dead letters since the ledger began.
    """

    queued: int
    running: int
    waiting: int
    delivered: int
    retried: int
    dead: int


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """One delivery that waits for its next attempt.

    Attributes:
        delivery_id: Its id.
        target: Its target.
        attempts: How often it was tried.
        due_at: When it is due, seconds since the epoch.
        error_type: The last error's class.
        error: The last error's text.
    """

    delivery_id: str
    target: str
    attempts: int
    due_at: float
    error_type: str
    error: str


class Ledger(Protocol):
    """The record of one bus."""

    @property
    def bus(self) -> str:
        """The bus whose events it knows."""

    def accept(self, events: Sequence[tuple[str, bytes]]) -> list[Acceptance]:
        """Take events, as pairs of id and JSON; when this returns, they are safe."""

    def begin_route(self, event_ids: Sequence[str]) -> list[RouteWork]:
        """Hand out those of the events that are not routed yet, and count the attempt."""

    def finish_route(
        self,
        event_id: str,
        event_type: str,
        deliveries: Sequence[Planned],
        letters: Sequence[DeadLetter],
    ) -> bool:
        """Register all deliveries and mark the event routed, in one step; False if it was."""

    def claim(
        self,
        target: str,
        delivery_ids: Sequence[str],
        *,
        lease: float,
        max_attempts: int,
        max_age: float,
    ) -> list[Claim]:
        """Decide for each delivery whether it may run now; if so, count the attempt, lease it."""

    def finish(self, target: str, finishes: Sequence[Finish]) -> list[bool]:
        """Record outcomes; False where the delivery was finished or claimed by another since."""

    def move(self, targets: Sequence[str], limit: int) -> Moved:
        """Queue again what is due, and what was lost with its worker; so many of each target."""

    def stale(self, names: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Tell, for each name with anything queued, its oldest age and its lag behind claims."""

    def requeue(self, name: str, older_than: float, *, empty: bool, limit: int) -> list[str]:
        """Take what has been queued too long, to send its message again."""

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters that belong to no delivery, for the recorder."""

    def letters(self, ids: Sequence[str]) -> list[tuple[str, bytes]]:
        """Return those of the dead letters that are still to be recorded, as id and JSON."""

    def recorded(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Forget dead letters that are safely in the store."""

    def revive(self, letter: DeadLetter) -> bool:
        """Register a dead letter's delivery again; False if it is in flight or was revived."""

    def announce(self, targets: Mapping[str, str]) -> None:
        """Make targets known to workers and movers: name to definition, as JSON."""

    def targets(self) -> dict[str, str]:
        """Return the targets that were announced."""

    def describe(self, delivery_ids: Sequence[str]) -> list[tuple[str, int]]:
        """Return each delivery's event type and attempts so far; `("", 0)` where it is gone."""

    def status(self, targets: Sequence[str]) -> dict[str, TargetStatus]:
        """Count each target's deliveries."""

    def waiting(self, target: str, limit: int) -> list[DeliveryState]:
        """List deliveries that wait for their next attempt, soonest first."""
