"""The demo's outside world as a process, and a log file for each process."""

import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Lock
from typing import IO

from eventflow.cli.demo_day import UNKNOWN_DOORS, UNREACHABLE_PEOPLE
from eventflow.cli.demo_place import Place
from eventflow.cli.supervisor import Process

__all__ = ["Logs", "vendor_process"]

_FAILURE_RATE = 0.33
_LATENCY = "50ms"


class Logs:
    """A file for each process; safe to write to from several threads.

    Args:
        folder: Where the files are; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, IO[str]] = {}
        self._lock = Lock()

    def write(self, name: str, line: str) -> None:
        """Append a line to the file of the process *name*."""
        with self._lock:
            if name not in self._files:
                self._folder.mkdir(parents=True, exist_ok=True)
                path = self._folder / f"{name}.log"
                self._files[name] = path.open("a", encoding="utf-8", buffering=1)
            self._files[name].write(f"{line}\n")

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            for file in self._files.values():
                file.close()
            self._files.clear()


def vendor_process(place: Place, environment: Mapping[str, str], *, seed: int) -> Process:
    """Describe the process that stands for the outside world.

    Args:
        place: Where it listens.
        environment: What it gets.
        seed: The same seed fails the same calls.
    """
    argv = [
        *(sys.executable, "-m", "workers.simulated_vendor"),
        *("--port", str(place.vendor_port)),
        *("--failure-rate", str(_FAILURE_RATE)),
        *("--latency", _LATENCY),
        *("--seed", str(seed)),
        *(f"--unknown={door}" for door in UNKNOWN_DOORS),
        *(f"--broken={person}" for person in UNREACHABLE_PEOPLE),
    ]
    ready = partial(_listens, place.vendor_port)
    return Process("simulated-vendor", argv, env=environment, ready=ready)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
