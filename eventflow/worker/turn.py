"""A task's turn: for how long it takes more than its message names, and when it waits for more.

Under some load a queue is empty for a few milliseconds again and again. A task that ended each time
would cost a message, a task and a call of the ledger for every event. So after a list it waits a
moment, and takes what has come meanwhile as a list again. Where one comes at a time nothing waits.
"""

import time

__all__ = ["MOMENT", "STAY", "TURN", "Turn"]

TURN = 1
"""Seconds for which a task takes more than its message names: then other queues have their turn."""

MOMENT = 0.005
"""Seconds for which a task waits for more, each time: at 500 events/s half of the processor time."""

LONGEST = 0.010
"""Seconds for which it waits after long lists: at two thousand events/s each call less counts."""

STAY = 0.05
"""Seconds of a task in which it may wait at all: what else is on its queue waits as long."""

_EACH = 0.0005  # seconds of waiting for each that was taken last


class Turn:
    """One task's turn, from now on.

    Args:
        seconds: How long it is; 0 for nothing but what the message names.
        waits: Whether it may wait for more: nobody else's messages may be kept waiting by that.
        least: How many must have come together before it waits.
    """

    def __init__(self, seconds: float, *, waits: bool, least: int = 2) -> None:
        now = time.monotonic()
        self._ends = now + seconds
        self._waits_until = now + min(seconds, STAY) if waits else now
        self._least = least
        self._has_waited = False

    def is_over(self) -> bool:
        """Whether no more is to be taken."""
        return time.monotonic() >= self._ends

    def wait(self, taken: int) -> bool:
        """Wait a moment, now that nothing is left, where more can be expected to come.

        Args:
            taken: How many were taken last.

        Returns:
            Whether it has waited, and the task is to look again.
        """
        is_busy = taken >= self._least or (self._has_waited and taken > 0)
        seconds = min(max(MOMENT, taken * _EACH), LONGEST)
        if not is_busy or time.monotonic() + seconds > self._waits_until:
            return False
        self._has_waited = True
        time.sleep(seconds)
        return True
