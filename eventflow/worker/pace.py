"""How many deliveries a worker takes at once: by how long they took, a tenth of a second's worth.

A subscriber of a millisecond gets lists of up to a hundred, one of 200 ms one at a time. A list grows
at most twofold, and shrinks at once when one takes long.
"""

__all__ = ["MOST_AT_ONCE", "SPAN", "Pace", "Paces"]

SPAN = 0.1
"""Seconds that a list is to take."""

MOST_AT_ONCE = 100
"""Deliveries in one list."""

_WEIGHT = 0.3  # of the last list in what is expected of the next


class Pace:
    """What is known of one target's speed, in one process. Threads may share it: it is a guess."""

    def __init__(self) -> None:
        self._each: float | None = None
        self._number = 0

    def size(self) -> int:
        """Return how many to take."""
        if self._each is None:
            return 1
        fitting = MOST_AT_ONCE if self._each <= 0 else int(min(SPAN / self._each, MOST_AT_ONCE))
        return max(1, min(fitting, 2 * self._number))

    def took(self, seconds: float, number: int) -> None:
        """Learn how long a list took.

        Args:
            seconds: For all of it.
            number: How many deliveries were in it.
        """
        each = seconds / number
        if self._each is not None and each < self._each:
            each = self._each + _WEIGHT * (each - self._each)
        self._each, self._number = each, max(number, self._number // 2)


class Paces:
    """The paces of one process, by bus and target."""

    def __init__(self) -> None:
        self._paces: dict[tuple[str, str], Pace] = {}

    def of(self, bus: str, target: str) -> Pace:
        """Return one target's."""
        return self._paces.setdefault((bus, target), Pace())
