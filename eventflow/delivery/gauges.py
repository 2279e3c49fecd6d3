"""What a monitor draws of a bus's targets, each number read once, in one round trip for all."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from eventflow.delivery.answers import BreakerState
from eventflow.delivery.keys import Keys
from eventflow.delivery.scripts import Scripts

__all__ = ["MOST_AGES", "Gauges", "TargetGauges"]

MOST_AGES = 40
"""Waiting deliveries of a target whose age is looked up; of more, the first and the last half."""

_MOST_AT_ONCE = 100  # targets: some 10 ms in which the server does nothing else


@dataclass(frozen=True, slots=True)
class TargetGauges:
    """The numbers of one target. All times are seconds, by the ledger's clock.

    Attributes:
        queued: Deliveries that wait for a worker.
        running: Deliveries that are leased to one.
        waiting: Deliveries that wait for their next attempt's time.
        parked: Deliveries that may not run now.
        breaker: Its circuit breaker's state.
        queued_age: For how long the oldest queued one has been queued.
        parked_age: The age of the oldest parked one's event.
        waiting_age: The age of the oldest waiting one's event.
        overdue: For how long the first waiting one has been due.
        unreturned: For how long the first lease has been over.
        unserved: For how long it has got deliveries without a success.
        paused: For how long it has been paused; 0 when it is not.
    """

    queued: int
    running: int
    waiting: int
    parked: int
    breaker: BreakerState
    queued_age: float
    parked_age: float
    waiting_age: float
    overdue: float
    unreturned: float
    unserved: float
    paused: float


class Gauges:
    """Reads the numbers of one bus's targets.

    Args:
        client: From `connect_redis`.
        bus: The bus.
    """

    def __init__(self, client: redis.Redis, bus: str) -> None:
        self._scripts = Scripts(client)
        self._keys = Keys(bus)

    def read(self, targets: Sequence[str]) -> dict[str, TargetGauges]:
        """Read the numbers of targets.

        Args:
            targets: Their names.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        found: dict[str, TargetGauges] = {}
        for start in range(0, len(targets), _MOST_AT_ONCE):
            found |= self._read(targets[start : start + _MOST_AT_ONCE])
        return found

    def _read(self, targets: Sequence[str]) -> dict[str, TargetGauges]:
        keys = self._keys
        names = [
            key
            for target in targets
            for key in (
                keys.queued(target),
                keys.running(target),
                keys.waiting(target),
                keys.parked(target),
                keys.breaker(target),
                keys.counts(target),
                keys.pause(target),
            )
        ]
        answers = self._scripts.run("gauges", names, [keys.deliveries, MOST_AGES])
        return {
            target: TargetGauges(
                queued, running, waiting, parked, BreakerState(state.decode()), *map(float, seconds)
            )
            for target, (queued, running, waiting, parked, state, *seconds) in zip(
                targets, answers, strict=True
            )
        }
