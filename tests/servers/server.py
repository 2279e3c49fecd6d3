"""What every server of the tests can do, and what happens where its program is missing."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import pytest

__all__ = ["Server", "end", "freeze", "require"]

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


def freeze(pid: int) -> None:
    """Stop a process with SIGSTOP, and wait until all of its threads stand still.

    The signal is on its way when `kill` returns: a thread on another processor may answer once more.
    """
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + _END_LIMIT
    while not all(_stands_still(stat) for stat in Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < deadline, f"process {pid} does not stand still"
        time.sleep(0.01)


def _stands_still(stat: Path) -> bool:
    # The state follows the name, which stands in brackets and may hold anything.
    return stat.read_text().rpartition(")")[2].split()[0] in "TZX"


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
