"""How fast a replay goes: a number of events in a time, in even steps."""

from collections.abc import Callable

from eventflow.units import Rate

__all__ = ["Pace"]

_STEP = 0.25  # seconds: what has come together in it goes at once


class Pace:
    """Tells how many may go now.

    Args:
        rate: At most so many; None for any number.
        clock: Returns seconds that only grow.
    """

    def __init__(self, rate: Rate | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._per_second = rate.count / rate.seconds if rate is not None else None
        self._next = clock()

    def allowed(self, wanted: int) -> int:
        """Return how many of *wanted* may go now; 0 where it is too early."""
        if self._per_second is None:
            return wanted
        if self._clock() < self._next:
            return 0
        return max(1, min(wanted, round(self._per_second * _STEP)))

    def note(self, number: int) -> None:
        """Note that so many went."""
        if self._per_second is not None:
            # From now at the earliest: what could not go while it waited is not made up for.
            self._next = max(self._next, self._clock() - _STEP) + number / self._per_second

    @property
    def pause(self) -> float:
        """Seconds until more may go."""
        return max(0.0, self._next - self._clock())
