"""What the ledger in memory keeps: events, deliveries, and where each delivery is."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from eventflow.delivery.answers import Verdict
from eventflow.delivery.balances import Pause
from eventflow.delivery.memory_limits import MemoryBreaker, Tokens

__all__ = ["KeptDelivery", "KeptEvent", "KeptTarget", "Times"]


class Times(dict[str, float]):
    """Ids, each with a time; of those with one time, who came first is first."""

    def until(self, moment: float, limit: int | None = None) -> list[str]:
        """Return those whose time is not after *moment*, earliest first."""
        due = [identity for identity, at in self._sorted() if at <= moment]
        return due if limit is None else due[:limit]

    def first(self, limit: int) -> list[str]:
        """Return the earliest."""
        return [identity for identity, _ in self._sorted()][:limit]

    def last(self, limit: int) -> list[str]:
        """Return the latest, these first."""
        return [identity for identity, _ in self._sorted()][::-1][:limit]

    @property
    def earliest(self) -> float | None:
        """The earliest time; None where there is none."""
        return min(self.values(), default=None)

    def _sorted(self) -> Iterator[tuple[str, float]]:
        return iter(sorted(self.items(), key=lambda item: item[1]))


@dataclass(slots=True)
class KeptEvent:
    """An event, until its id is forgotten.

    Attributes:
        accepted: When it was accepted.
        body: Its JSON, until all is delivered.
        lane: Its source and type.
        is_routed: Whether its deliveries are registered.
        left: Deliveries that are not through.
        attempts: How often it was handed to a router.
        redrives: The redrives that were done, by target.
        forget_at: When its id is forgotten; None while something of it is in flight.
    """

    accepted: float
    body: bytes
    lane: str = ""
    is_routed: bool = False
    left: int = 0
    attempts: int = 0
    redrives: dict[str, int] = field(default_factory=dict)
    forget_at: float | None = None


@dataclass(slots=True)
class KeptDelivery:
    """A delivery, until it is through.

    Attributes:
        kind: Its event's type.
        rules: The rules that matched.
        input: The shaped input's JSON; None for the event itself.
        accepted: When its budget of time began.
        redrives: How often it was redriven.
        attempts: Attempts that were begun.
        failed: The last attempt that told how it went.
        crashes: How often it ended its worker.
        first: When it was first tried; 0 if never.
        owner: Who has claimed it last.
        verdict: What the owner was told.
        is_ahead: Reserved by its owner, and not begun: the attempt is not counted yet.
        error_type: The last error's class.
        error: The last error's text.
        trace: The traceparent of the step before.
        has_pass: Whether it was parked and let go: it does not get in line again.
        paused: For how many seconds its target was ever paused when it was registered.
    """

    kind: str
    rules: tuple[str, ...]
    input: str | None
    accepted: float
    redrives: int = 0
    attempts: int = 0
    failed: int = 0
    crashes: int = 0
    first: float = 0.0
    owner: str = ""
    verdict: Verdict = Verdict.RUN
    is_ahead: bool = False
    error_type: str = ""
    error: str = ""
    trace: str = ""
    has_pass: bool = False
    paused: float = 0.0


@dataclass(slots=True)
class KeptTarget:
    """What is known of a name: a target, or one of the package's own queues.

    Attributes:
        queued: Delivery's id, and since when it is queued.
        running: And the end of its lease.
        waiting: And when it is due.
        parked: And when its event was accepted.
        breaker: Its circuit breaker.
        tokens: What is left of its rate.
        head: How far claims have come.
        delivered: How many were delivered.
        retried: How many attempts failed and were to be tried again.
        dead: How many are dead letters.
        registered: How many were registered, dead letters at birth among them.
        called: When the last message was sent that nobody has taken; None where none is on its way.
        pause: While it is paused.
        pauses_over: Seconds of all pauses that are over.
    """

    queued: Times = field(default_factory=Times)
    running: Times = field(default_factory=Times)
    waiting: Times = field(default_factory=Times)
    parked: Times = field(default_factory=Times)
    breaker: MemoryBreaker = field(default_factory=MemoryBreaker)
    tokens: Tokens = field(default_factory=Tokens)
    head: float = 0.0
    delivered: int = 0
    retried: int = 0
    dead: int = 0
    registered: int = 0
    called: float | None = None
    pause: Pause | None = None
    pauses_over: float = 0.0

    def register(self, identity: str, now: float, delivery: KeptDelivery | None = None) -> None:
        """Queue a delivery that is new, or an event."""
        self.registered += 1
        self.queued[identity] = now
        if delivery is not None:
            delivery.paused = self.paused(now)

    def bury(self) -> None:
        """Count a dead letter that never was a delivery that could run."""
        self.registered += 1
        self.dead += 1

    def paused(self, now: float) -> float:
        """Return for how many seconds it was ever paused."""
        running = max(0.0, now - self.pause.since) if self.pause is not None else 0.0
        return self.pauses_over + running

    def age(self, delivery: KeptDelivery, now: float) -> float:
        """Return a delivery's age: the time for which its target was paused is none."""
        return now - delivery.accepted - (self.paused(now) - delivery.paused)

    def park(self, identity: str, delivery: KeptDelivery) -> None:
        """Hold a delivery back."""
        self.drop(identity)
        self.parked[identity] = delivery.accepted

    def drop(self, identity: str) -> None:
        """Have a delivery be nowhere."""
        for place in (self.queued, self.running, self.waiting, self.parked):
            place.pop(identity, None)
