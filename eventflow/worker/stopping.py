"""A flag that a worker's main process sets when it is told to stop, and its pool's processes see."""

import mmap

__all__ = ["StopFlag"]


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
