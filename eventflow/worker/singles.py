"""What is told one by one while it is little: so much of a target within a second, and no more.

A message, or a row in Flower, for each delivery is what people look at. Of a target that fails a
hundred times a second nobody looks at each, and what that costs is taken from its neighbours.
"""

import time

__all__ = ["MOST_SINGLE", "Singles"]

MOST_SINGLE = 10
"""Deliveries of one target within a second that are told one by one."""

_SPAN = 1.0  # seconds


class Singles:
    """Counts by target, in one process. Threads may share it: it is a guess.

    Args:
        most: How many of a target within a second are told one by one.
    """

    def __init__(self, most: float = MOST_SINGLE) -> None:
        self._most = most
        self._counted: dict[tuple[str, str], tuple[float, int]] = {}

    def add(self, bus: str, target: str, number: int = 1) -> bool:
        """Count so many more of a target; return whether they are told one by one.

        Args:
            bus: The target's bus.
            target: The target.
            number: How many they are.
        """
        now = time.monotonic()
        since, before = self._counted.get((bus, target), (now, 0))
        if now - since > _SPAN:
            since, before = now, 0
        self._counted[bus, target] = since, before + number
        return before + number <= self._most
