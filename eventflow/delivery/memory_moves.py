"""What a mover finds in the ledger in memory: as `lua/move.lua` has it, for one target."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import floor

from eventflow.delivery.answers import BreakerState
from eventflow.delivery.memory_records import KeptDelivery, KeptTarget
from eventflow.journal import Step
from eventflow.rules.targets import Target

__all__ = ["MovedOne", "move_target"]

_SOON = 0.05  # seconds until a look at a target that gives way bit by bit is worth its while


@dataclass(slots=True)
class MovedOne:
    """What was moved of one target.

    Attributes:
        queued: The ids that are queued again.
        lost: Those of them whose lease had ended.
        looks: When another look is worth its while.
        steps: What the journal is told of each: its step and facts.
    """

    queued: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    steps: dict[str, tuple[Step, dict[str, str]]] = field(default_factory=dict)


def move_target(
    kept: KeptTarget,
    target: Target,
    deliveries: Mapping[str, KeptDelivery],
    now: float,
    limit: int,
) -> MovedOne:
    """Put back on the queue what is due, what was lost with its worker, and what may run now.

    Args:
        kept: What is known of the target.
        target: Its policy and limits.
        deliveries: All that are in flight.
        now: The time.
        limit: So many of each kind at most.
    """
    moved = MovedOne()
    is_closed = kept.breaker.now(now)[0] is BreakerState.CLOSED
    is_limited = target.rate_limit is not None or target.max_in_flight is not None
    is_held = kept.pause is not None or not is_closed or is_limited

    def enqueue(identity: str, step: Step, why: str) -> None:
        kept.drop(identity)
        kept.queued[identity] = now
        moved.queued.append(identity)
        moved.steps[identity] = (step, {"why": why})

    for identity in kept.running.until(now, limit):
        if deliveries[identity].is_ahead:  # its worker is gone, and had not begun it
            deliveries[identity].is_ahead = False
            enqueue(identity, Step.QUEUED, "sent again")
            continue
        deliveries[identity].crashes += 1
        enqueue(identity, Step.LOST, "lease")
        moved.lost.append(identity)
    for identity in kept.waiting.until(now, limit):
        if is_held:
            kept.park(identity, deliveries[identity])
            by = "turn" if kept.pause is None else "paused"
            moved.steps[identity] = (Step.PARKED, {"by": by})
        else:
            enqueue(identity, Step.QUEUED, "due")
    # What a paused target has parked does not age, and is looked at again once it is resumed.
    if kept.parked and kept.pause is None:
        _release(kept, target, deliveries, now, limit=limit, moved=moved, enqueue=enqueue)
    moved.looks += [
        first for first in (kept.running.earliest, kept.waiting.earliest) if first is not None
    ]
    return moved


def _release(
    kept: KeptTarget,
    target: Target,
    deliveries: Mapping[str, KeptDelivery],
    now: float,
    *,
    limit: int,
    moved: MovedOne,
    enqueue: Callable[[str, Step, str], None],
) -> None:
    """Queue what is parked and too old, and what may run now."""
    # What is too old is let go to its last rites, whatever holds its target back.
    for identity in kept.parked.until(now - target.retry.max_age, limit):
        if kept.age(deliveries[identity], now) <= target.retry.max_age:
            break  # it was paused meanwhile, and those after it are younger
        enqueue(identity, Step.QUEUED, "due")
    room, again = _room(kept, target, now, limit)
    is_probe = kept.breaker.now(now)[0] is BreakerState.HALF_OPEN
    for identity in kept.parked.first(max(0, room)):
        deliveries[identity].has_pass = True
        if is_probe:
            kept.breaker.sent = identity
        enqueue(identity, Step.QUEUED, "due" if identity in moved.steps else "free")
    if kept.parked:
        moved.looks += [] if again is None else [again]
        [oldest] = kept.parked.first(1)
        age = kept.age(deliveries[oldest], now)
        moved.looks.append(now + target.retry.max_age - age)


def _room(kept: KeptTarget, target: Target, now: float, limit: int) -> tuple[int, float | None]:
    """Return how many may go to the queue now, and when a next look is worth its while."""
    on_queue = len(kept.queued)
    state, changes, probe = kept.breaker.now(now)
    if state is BreakerState.OPEN or probe is not None:
        return 0, changes
    if state is BreakerState.HALF_OPEN:
        # Of those who wait: a flood of what comes in must not keep the probe from going.
        return int(kept.breaker.sent not in kept.queued), now + _SOON
    room, again = limit - on_queue, now + _SOON
    if target.max_in_flight is not None:
        # As many again as may run lie ready on the queue, so that none who is free waits.
        room = min(room, 2 * target.max_in_flight - len(kept.running) - on_queue)
    if target.rate_limit is not None:
        room = min(room, floor(kept.tokens.now(target, now)) - on_queue)
        again = kept.tokens.next_look(target, now, _SOON)
    return room, again
