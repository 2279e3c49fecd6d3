"""How a process is told to stop, from a signal's handler: alone, or with its pool's processes.

And how one that cannot do its work ends before it has begun.
"""

import mmap
import sys
from queue import Empty, SimpleQueue
from typing import NoReturn

from eventflow.errors import EventflowError

__all__ = ["StopFlag", "StopRequest", "refuse_start"]


class StopFlag:
    """Shared memory of one byte: set in a signal's handler, read before each delivery.

    A pool whose processes are forked shares it, and so do threads. Processes that are spawned have
    a flag of their own, which nobody sets: they work their lists to the end.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Say that the worker stops; safe in a signal's handler."""
        self._memory[0] = 1

    def clear(self) -> None:
        """Say that it works."""
        self._memory[0] = 0

    def is_set(self) -> bool:
        """Whether the worker stops."""
        return self._memory[0] == 1


class StopRequest:
    """Set once in a signal's handler; a thread waits for it. Like an Event, but without its lock.

    An Event's `set` takes a lock: a second signal that comes while the handler of the first one
    holds it would wait for itself for ever. A SimpleQueue may be put to at any moment.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._waker: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """Ask to stop; safe in a signal's handler, and in one within another."""
        self._is_set = True
        self._waker.put(None)

    def is_set(self) -> bool:
        """Whether it was asked."""
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Wait until it is asked, at most so long; for one thread.

        Returns:
            Whether it was asked.
        """
        if not self._is_set:
            try:
                self._waker.get(timeout=seconds)
            except Empty:
                return self._is_set
        return True


def refuse_start(error: EventflowError) -> NoReturn:
    """End a worker from within a receiver of one of Celery's signals, before it starts.

    Celery logs and swallows an ordinary exception there, and starts all the same.

    Raises:
        SystemExit: Always.
    """
    sys.stderr.write(f"Error: {error}\n")
    raise SystemExit(1) from error
