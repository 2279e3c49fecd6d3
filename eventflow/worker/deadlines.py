"""One thread that looks after the time limits of all calls in a process's other threads.

A thread for each call, as `threading.Timer` has it, costs more than all else around a quick
subscriber.
"""

import os
import threading
import time
from collections.abc import Callable

__all__ = ["Deadline", "Deadlines", "process_deadlines"]


class Deadline:
    """The time limit of one call.

    Args:
        at: When it is over, by `time.monotonic()`.
        end: Ends the call.
    """

    __slots__ = ("at", "end", "is_late")

    def __init__(self, at: float, end: Callable[[], None]) -> None:
        self.at = at
        self.end = end
        self.is_late = False


class Deadlines:
    """The deadlines of the calls that run in one process."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._open: set[Deadline] = set()
        self._looks_at = 0.0  # when the thread looks next; before all else until it has begun

    def begin(self, seconds: float, end: Callable[[], None]) -> Deadline:
        """Have a call ended unless it is over in time.

        Args:
            seconds: The time.
            end: Ends it, from the thread that looks after it; called once, and never after `over`.
        """
        deadline = Deadline(time.monotonic() + seconds, end)
        with self._changed:
            self._open.add(deadline)
            if not self._looks_at:
                self._looks_at = deadline.at
                threading.Thread(
                    target=self._watch, name="eventflow-deadlines", daemon=True
                ).start()
            elif deadline.at < self._looks_at:
                self._changed.notify()
        return deadline

    def over(self, deadline: Deadline) -> None:
        """Say that the call is over."""
        with self._changed:
            self._open.discard(deadline)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for deadline in [one for one in self._open if one.at <= now]:
                    self._open.discard(deadline)
                    deadline.is_late = True
                    deadline.end()
                self._looks_at = min((one.at for one in self._open), default=float("inf"))
                is_idle = self._looks_at == float("inf")
                self._changed.wait(None if is_idle else self._looks_at - now)


# By process: a fork has neither its parent's thread nor the right to its lock.
_by_process: dict[int, Deadlines] = {}


def process_deadlines() -> Deadlines:
    """Return the deadlines of this process."""
    found = _by_process.get(os.getpid())
    return found if found is not None else _by_process.setdefault(os.getpid(), Deadlines())
