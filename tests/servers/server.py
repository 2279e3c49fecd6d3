"""What every server of the tests can do, and what happens where its program is missing."""

import os
import subprocess
from typing import NoReturn, Protocol, TypeVar

import pytest

__all__ = ["Server", "end", "require"]

_END_LIMIT = 60.0  # seconds
T = TypeVar("T")


class Server(Protocol):
    """A server that a test may stop, kill and start again, with its data."""

    @property
    def url(self) -> str:
        """Its address, as the settings write it."""

    @property
    def pid(self) -> int | None:
        """The process id of its main process; None when it does not run."""

    def start(self) -> None:
        """Start it, with the data that it had, and wait until it answers."""

    def stop(self) -> None:
        """Stop it as an administrator would; its data stays."""

    def kill(self) -> None:
        """End it with SIGKILL; what it had written stays."""


def require(found: T | None, missing: str) -> T:
    """Return a server's program; where it is missing, skip the test, and fail it in CI.

    Args:
        found: The program; None where there is none.
        missing: What is missing, and the command that installs it.
    """
    if found is None:
        _miss(missing)
    return found


def _miss(missing: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{missing}. CI runs every test")
    pytest.skip(missing)


def end(process: subprocess.Popen[bytes], *, at_once: bool = False) -> None:
    """End a process, politely unless *at_once*, and wait until it is gone."""
    if at_once:
        process.kill()
    else:
        process.terminate()
    try:
        process.wait(_END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_END_LIMIT)
