"""How many calls of an async subscriber a process's loop has shown to carry at once."""

import time

__all__ = ["HELD_FOR", "LoopPace"]

HELD_FOR = 10.0
"""Seconds for which a loop that was held up makes one call at a time."""


class LoopPace:
    """Begins with one call at a time, doubles while the loop goes on freely, and falls back to one.

    So an `async def` that blocks, and with it all that runs beside it, has little beside it.

    Args:
        most: The most at once.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._allowed = 1
        self._held_until = 0.0

    @property
    def allowed(self) -> int:
        """How many calls may be under way at once now."""
        return min(self._allowed, self.most)

    def free(self, in_flight: int) -> None:
        """Note that the loop went on freely, with so many calls in flight."""
        if in_flight >= self.allowed and time.monotonic() >= self._held_until:
            self._allowed = min(2 * self.allowed, self.most)

    def held_up(self) -> None:
        """Note that something held the loop up; safe in another thread."""
        self._allowed = 1
        self._held_until = time.monotonic() + HELD_FOR
