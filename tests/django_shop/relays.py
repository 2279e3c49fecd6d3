"""The shop's processes: relays and a web server, each with its output in a file."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Processes", "running_processes"]

ROOT = Path(__file__).resolve().parents[2]


class Processes:
    """Processes of the shop.

    Args:
        place: Where their output goes.
        environment: What they are to find in the environment beside what is there.
    """

    def __init__(self, place: Path, environment: Mapping[str, str]) -> None:
        self._place = place
        self._environment = {
            **{name: value for name, value in os.environ.items() if "EVENTFLOW" not in name},
            "DJANGO_SETTINGS_MODULE": "tests.django_shop.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self._started = 0
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, *arguments: str) -> int:
        """Start `python -m ARGUMENTS`.

        Returns:
            The number that it has here.
        """
        self._started += 1
        with self._log_path(self._started).open("wb") as log:
            self.running[self._started] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self._started

    def start_relay(self, *options: str) -> int:
        """Start a relay."""
        return self.start("django", "eventflow_relay", *options)

    def kill(self, number: int) -> None:
        """End a process with SIGKILL."""
        process = self.running.pop(number)
        process.kill()
        process.wait()

    def stop(self, number: int) -> int:
        """Ask a process to stop, and return its exit code."""
        process = self.running.pop(number)
        process.send_signal(signal.SIGTERM)
        return process.wait(30)

    def log(self, number: int) -> str:
        """What a process has said so far."""
        return self._log_path(number).read_text(errors="replace")

    def _log_path(self, number: int) -> Path:
        return self._place / f"process-{number}.log"


@contextmanager
def running_processes(place: Path, **environment: Any) -> Iterator[Processes]:
    """Have processes for a `with` block; those that still run are killed in the end."""
    processes = Processes(place, {name: str(value) for name, value in environment.items()})
    try:
        yield processes
    finally:
        for number in list(processes.running):
            processes.kill(number)
