"""What the ledger in memory is told, and tells, of targets; and what its other half stands on."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from eventflow.delivery.answers import (
    BreakerState,
    BreakerStatus,
    DeliveryState,
    Progress,
    TargetStatus,
)
from eventflow.delivery.memory_records import KeptDelivery, KeptEvent, KeptTarget
from eventflow.units import Clock, system_clock

__all__ = ["MemoryTargets", "one_at_a_time"]

P = ParamSpec("P")
T = TypeVar("T")
SelfT = TypeVar("SelfT", bound="MemoryTargets")


def one_at_a_time(
    method: Callable[Concatenate[SelfT, P], T],
) -> Callable[Concatenate[SelfT, P], T]:
    """Have a method be one step: no other thread sees half of it."""

    @wraps(method)
    def locked(self: SelfT, /, *arguments: P.args, **options: P.kwargs) -> T:
        with self.lock:
            return method(self, *arguments, **options)

    return locked


class MemoryTargets:
    """One bus's targets. `eventflow.delivery.ledger.Ledger` says what each method does.

    Args:
        bus: The bus.
        clock: Returns seconds since the epoch; a test may have its own.
    """

    def __init__(self, bus: str = "default", *, clock: Clock = system_clock) -> None:
        self.lock = threading.RLock()
        self._bus = bus
        self._clock = clock
        self._definitions: dict[str, str] = {}
        self._events: dict[str, KeptEvent] = {}
        self._deliveries: dict[str, KeptDelivery] = {}
        self._targets: defaultdict[str, KeptTarget] = defaultdict(KeptTarget)
        self._lanes: deque[str] = deque()
        self._by_lane: defaultdict[str, deque[str]] = defaultdict(deque)
        self._letters: dict[str, bytes] = {}
        self._restrictions: dict[str, str] = {}

    @property
    def bus(self) -> str:
        """The bus whose events it knows."""
        return self._bus

    @one_at_a_time
    def announce(self, targets: Mapping[str, str]) -> None:
        """Make targets known to workers and movers: name to definition, as JSON."""
        self._definitions.update(targets)

    @one_at_a_time
    def targets(self) -> dict[str, str]:
        """Return the targets that were announced."""
        return dict(self._definitions)

    @one_at_a_time
    def restrict(self, replay_name: str, restriction: str) -> None:
        """Keep what a replay is restricted to, as JSON, for the routers of its events."""
        self._restrictions[replay_name] = restriction

    @one_at_a_time
    def restriction(self, replay_name: str) -> str | None:
        """Return what `restrict` kept; None of a replay that is not known."""
        return self._restrictions.get(replay_name)

    @one_at_a_time
    def lift(self, replay_names: Sequence[str]) -> None:
        """Forget what replays were restricted to, once all of their events are routed."""
        for name in replay_names:
            self._restrictions.pop(name, None)

    @one_at_a_time
    def queued(self, target: str, limit: int) -> list[str]:
        """Return the ids of a target's deliveries that are on its queue, the oldest first."""
        return self._targets[target].queued.first(limit)

    @one_at_a_time
    def unfinished(self, target: str, limit: int) -> list[str]:
        """Return the ids of a target's deliveries that are not finished, as of one moment."""
        kept = self._targets[target]
        places = (kept.queued, kept.running, kept.waiting, kept.parked)
        return [identity for place in places for identity in place.first(limit)]

    @one_at_a_time
    def describe(self, delivery_ids: Sequence[str]) -> list[tuple[str, int]]:
        """Return each delivery's event type and attempts so far; `("", 0)` where it is gone."""
        kept = [self._deliveries.get(identity) for identity in delivery_ids]
        return [(one.kind, one.attempts) if one is not None else ("", 0) for one in kept]

    @one_at_a_time
    def progress(self, delivery_ids: Sequence[str]) -> list[Progress | None]:
        """Tell how far each delivery in flight is; None where it is finished, or never was."""
        kept = [self._deliveries.get(identity) for identity in delivery_ids]
        return [
            Progress(one.attempts, one.failed, one.error_type, one.error)
            if one is not None
            else None
            for one in kept
        ]

    @one_at_a_time
    def status(self, targets: Sequence[str]) -> dict[str, TargetStatus]:
        """Count each target's deliveries."""
        return {name: _count(self._targets[name]) for name in targets}

    @one_at_a_time
    def waiting(self, target: str, limit: int) -> list[DeliveryState]:
        """List deliveries that wait for their next attempt, soonest first."""
        kept = self._targets[target]
        return [
            DeliveryState(
                delivery_id=identity,
                target=target,
                attempts=self._deliveries[identity].attempts,
                due_at=kept.waiting[identity],
                error_type=self._deliveries[identity].error_type,
                error=self._deliveries[identity].error,
            )
            for identity in kept.waiting.first(limit)
        ]

    @one_at_a_time
    def breakers(self, targets: Sequence[str]) -> dict[str, BreakerStatus]:
        """Tell the state of each target's circuit breaker."""
        now = self._clock()
        return {name: self._targets[name].breaker.status(now) for name in targets}

    @one_at_a_time
    def open_breaker(self, target: str, *, seconds: float | None, reason: str) -> None:
        """Open a circuit breaker by hand: for so many seconds, or until it is closed by hand."""
        now = self._clock()
        until = now + seconds if seconds is not None else None
        self._targets[target].breaker.reset(BreakerState.OPEN, now, until=until, reason=reason)

    @one_at_a_time
    def close_breaker(self, target: str) -> bool:
        """Close a circuit breaker by hand and forget what it counted; False if it was closed."""
        breaker, now = self._targets[target].breaker, self._clock()
        before = breaker.now(now)[0]
        breaker.reset(BreakerState.CLOSED, now)
        return before is not BreakerState.CLOSED


def _count(kept: KeptTarget) -> TargetStatus:
    return TargetStatus(
        queued=len(kept.queued),
        running=len(kept.running),
        waiting=len(kept.waiting),
        parked=len(kept.parked),
        delivered=kept.delivered,
        retried=kept.retried,
        dead=kept.dead,
        paused=kept.pause is not None,
    )
