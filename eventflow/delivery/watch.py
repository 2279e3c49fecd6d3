"""What is watched of a bus: how much is where, how late it is, and which limits are crossed.

An alarm is raised when a number reaches its limit, and is over when it is back under nine tenths of
it, so that a number about the limit does not raise it again and again. Which are raised is kept in
Redis: of any number of processes that look, one sees the change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from eventflow.delivery.keys import DEAD_LETTERS, ROUTE, Keys
from eventflow.delivery.scripts import Argument, Scripts, guarded

__all__ = ["AlarmChange", "Backlog", "Level", "TargetBacklog", "Watch"]


@dataclass(frozen=True, slots=True)
class TargetBacklog:
    """How much of a target waits, and how late it is.

    Attributes:
        queued: Deliveries that wait for a worker.
        running: Deliveries that are leased to one.
        waiting: Deliveries that wait for their next attempt's time.
        parked: Deliveries that may not run now: its breaker is open, or a limit is reached.
        overdue: Seconds for which the first of these has been due; 0 when none is.
        unreturned: Seconds since the first lease ended without an outcome; 0 when none has.
    """

    queued: int = 0
    running: int = 0
    waiting: int = 0
    parked: int = 0
    overdue: float = 0.0
    unreturned: float = 0.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much of a bus waits.

    Attributes:
        bus: The bus.
        unrouted: Events that wait to be routed.
        unrouted_for: Seconds for which the first of these has waited.
        unrecorded: Dead letters that wait for the recorder.
        unrecorded_for: Seconds for which the first of these has waited.
        targets: Each target's, by name.
    """

    bus: str
    unrouted: int
    unrouted_for: float
    unrecorded: int
    unrecorded_for: float
    targets: dict[str, TargetBacklog]


@dataclass(frozen=True, slots=True)
class Level:
    """A number and its limit.

    Attributes:
        limit: The limit's name: the setting's, without `alarm_`.
        target: Whose number it is; empty where it is the bus's.
        number: The number.
        most: The limit; 0 for none.
    """

    limit: str
    target: str
    number: int
    most: int

    @property
    def is_crossed(self) -> bool:
        """Whether the number has reached the limit."""
        return 0 < self.most <= self.number


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """An alarm that was raised just now, or is over.

    Attributes:
        level: What it is about.
        is_raised: Whether it was raised; False when it is over.
        lasted: Seconds that it was raised, for one that is over.
    """

    level: Level
    is_raised: bool
    lasted: float


class Watch:
    """The numbers and alarms of one bus. Every method raises LedgerError when Redis is away.

    Args:
        client: From `connect_redis`.
        bus: The bus.
    """

    def __init__(self, client: redis.Redis, bus: str) -> None:
        self._client: Any = client  # redis-py types each answer as "now or awaitable"
        self._scripts = Scripts(client)
        self._keys = Keys(bus)
        self._bus = bus

    def backlog(self, targets: Sequence[str]) -> Backlog:
        """Count what waits, in one round trip.

        Args:
            targets: The targets to count for.
        """
        keys = self._keys
        pipeline = self._client.pipeline(transaction=False)
        pipeline.time()
        for name in (ROUTE, DEAD_LETTERS):
            pipeline.zcard(keys.queued(name))
            pipeline.zrange(keys.queued(name), 0, 0, withscores=True)
        for target in targets:
            running, waiting = keys.running(target), keys.waiting(target)
            for key in (keys.queued(target), running, waiting, keys.parked(target)):
                pipeline.zcard(key)
            for key in (waiting, running):
                pipeline.zrange(key, 0, 0, withscores=True)
        answers = guarded(self._client, pipeline.execute)
        now = float(answers[0][0]) + float(answers[0][1]) / 1e6
        unrouted, first_event, unrecorded, first_letter = answers[1:5]
        return Backlog(
            self._bus,
            unrouted,
            _since(first_event, now),
            unrecorded,
            _since(first_letter, now),
            {
                target: _target_backlog(answers[at : at + 6], now)
                for target, at in zip(targets, range(5, len(answers), 6), strict=True)
            },
        )

    def update(self, levels: Sequence[Level]) -> list[AlarmChange]:
        """Raise the alarms of limits that are crossed, and end those that are back.

        Args:
            levels: The numbers as they are; those without a limit end their alarm.

        Returns:
            What changed by this call; another process's call does not see it again.
        """
        if not levels:
            return []
        arguments: list[Argument] = []
        for level in levels:
            arguments += (f"{level.limit}:{level.target}", level.number, level.most)
        answers = self._scripts.run("alarms", [self._keys.alarms], arguments)
        return [
            AlarmChange(levels[number - 1], bool(is_raised), float(lasted))
            for number, is_raised, lasted in answers
        ]


def _target_backlog(answers: Sequence[Any], now: float) -> TargetBacklog:
    queued, running, waiting, parked, first_due, first_lease = answers
    return TargetBacklog(
        queued=queued,
        running=running,
        waiting=waiting,
        parked=parked,
        overdue=_since(first_due, now),
        unreturned=_since(first_lease, now),
    )


def _since(first: Sequence[Any], now: float) -> float:
    return max(0.0, now - float(first[0][1])) if first else 0.0
