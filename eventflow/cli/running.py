"""One run per data directory: a lock that says who holds it."""

import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from eventflow.errors import StartError
from eventflow.units import format_time

__all__ = ["RunLock"]


class RunLock:
    """Held by the one process that runs a data directory, as a context manager.

    The lock ends with the process, however it ends; what is written beside it is for people.

    Args:
        path: The lock's file; its folder is made if it is not there.
        what: The command that runs, as in `eventflow up`.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what
        self._descriptor = -1
        self._notes: dict[str, object] = {}

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StartError: When another process holds it: which, since when, what it says of itself.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            message = f"{self._path} cannot be opened: {error.strerror}"
            raise StartError(message) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held_by = self._describe()
            os.close(self._descriptor)
            raise StartError(held_by) from None
        self.note(pid=os.getpid(), since=format_time(time.time()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def note(self, **notes: object) -> None:
        """Write beside the lock what a second process is to say, such as ``flower=…``."""
        self._notes |= notes
        data = json.dumps(self._notes).encode()
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def _describe(self) -> str:
        try:
            notes = json.loads(os.pread(self._descriptor, 4096, 0))
        except ValueError:  # it has only just begun, or is about to end
            return f"`{self._what}` is running in {self._path.parent} already"
        flower = f" Flower: {notes['flower']}." if "flower" in notes else ""
        return (
            f"`{self._what}` is running in {self._path.parent} already: process {notes['pid']}, "
            f"since {notes['since']}.{flower} Stop it with Ctrl-C where it runs, or with "
            f"`kill {notes['pid']}`"
        )
