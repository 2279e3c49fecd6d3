"""What the ledger is told and what it answers: plain values, the same for every backend."""

from dataclasses import dataclass
from enum import StrEnum

from eventflow.records import DeadLetter

__all__ = [
    "Acceptance",
    "BreakerChange",
    "BreakerState",
    "BreakerStatus",
    "Claim",
    "DeliveryState",
    "Finish",
    "Finished",
    "Moved",
    "Outcome",
    "Planned",
    "Progress",
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
    PARKED = "parked"
    """Its target may not be called now; no attempt is spent, and a mover queues it when it may."""
    APART = "apart"
    """It has ended a worker before: it is to travel in a message of its own."""
    POISON = "poison"
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
        lane: Its source and type, as `accept` was told.
    """

    event_id: str
    body: bytes
    accepted_at: float
    attempts: int
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A delivery to register.

    Attributes:
        target: The target's name.
        rules: The rules that matched.
        input: The shaped input as JSON; None for the event itself.
        trace: The traceparent of the routing, which the first attempt is linked to; or empty.
    """

    target: str
    rules: tuple[str, ...]
    input: str | None
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim's answer for one delivery.

    Only `run`, and what spends a budget (`poison`, `max_attempts`, `max_age`), fill the rest.

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
        trace: The traceparent of the step before: of the routing, or of the last attempt that was
            to be tried again; empty where it had none.
        parked_by: For `parked`: `paused`, `breaker`, `in_flight`, `rate`, or `turn` where others
            of its target were parked before it.
        paused: Seconds for which its target was paused since it was registered: they do not count
            against its age.
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
    trace: str = ""
    parked_by: str = ""
    paused: float = 0.0


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
        error_type: The error's class.
        error: The error's text.
        succeeded: For the circuit breaker: whether the integration answered as it should; None
            where it was not called.
        duration: How long the call took, in seconds.
        trace: For `retry`: the attempt's traceparent, which the next one is linked to; or empty.
        leased_until: For `release`: when the lease ends that is given back, by the ledger's clock; 0 for
            whichever there is. So what is said late gives nothing back that was claimed since.
    """

    delivery_id: str
    attempt: int
    outcome: Outcome
    delay: float = 0.0
    letter: DeadLetter | None = None
    error_type: str = ""
    error: str = ""
    succeeded: bool | None = None
    duration: float = 0.0
    trace: str = ""
    leased_until: float = 0.0


class BreakerState(StrEnum):
    """Whether a target's deliveries may run."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """Its time is over: one delivery at a time is let through, to see how it goes."""


class BreakerChange(StrEnum):
    """What the outcomes that were recorded did to a target's circuit breaker."""

    NONE = ""
    OPENED = "opened"
    REOPENED = "reopened"
    """A probe failed."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """A target's circuit breaker.

    Attributes:
        state: Its state now.
        since: When that state began, seconds since the epoch by the ledger's clock; 0 if ever.
        until: When an open one lets a probe through; 0 where it waits for a person, or is closed.
        calls: The calls that were counted when it opened.
        failed: Those of them that had failed.
        error: The last error then.
        reason: What the person said who opened it; empty where it opened by itself.
    """

    state: BreakerState
    since: float = 0.0
    until: float = 0.0
    calls: int = 0
    failed: int = 0
    error: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of recorded outcomes.

    Attributes:
        recorded: For each, False where the delivery was finished or claimed by another since.
        breaker: What they did to the circuit breaker.
    """

    recorded: list[bool]
    breaker: BreakerChange = BreakerChange.NONE


@dataclass(frozen=True, slots=True)
class Moved:
    """What a mover has queued again.

    Attributes:
        by_target: The deliveries' ids, by target.
        lost: Those of them whose lease ended without an outcome.
        nearest: Seconds until more can be moved; None when nothing waits for its time.
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
        parked: Held back: by a pause, the circuit breaker, the rate limit or the limit in flight.
        delivered: Delivered since the ledger began.
        retried: Attempts that failed and were to be tried again.
        dead: Dead letters since the ledger began.
        paused: Whether a person has paused the target.
    """

    queued: int
    running: int
    waiting: int
    parked: int
    delivered: int
    retried: int
    dead: int
    paused: bool = False


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


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a delivery in flight is.

    Attributes:
        attempts: How often it was tried, an attempt that runs included.
        failed: The number of its last attempt that failed; 0 if none has.
        error_type: That attempt's error, its class.
        error: That attempt's error, its text.
    """

    attempts: int
    failed: int
    error_type: str
    error: str
