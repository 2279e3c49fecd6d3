"""The processes of a deployment: started, read by way of /proc, and all of them stopped."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["Processes", "Usage", "machine_busy"]

_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_LIMIT = 10.0  # seconds


@dataclass(frozen=True)
class Usage:
    """What a process, with its children, has used.

    Attributes:
        cpu: Seconds of processor time.
        peak: The most memory that it had at once, MiB; of its children the sum.
        memory: What it has now, MiB.
    """

    cpu: float
    peak: float
    memory: float


class Processes:
    """Named processes, each the leader of its own group.

    Args:
        place: Where their output is written to.
        environment: What they find in their environment.
    """

    def __init__(self, place: Path, environment: Mapping[str, str]) -> None:
        self._place = place
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._others: dict[str, int] = {}

    def start(self, name: str, arguments: Sequence[str], *, talks: bool = False) -> None:
        """Start `python ARGUMENTS`.

        Args:
            name: What it is called in tables.
            arguments: Its arguments.
            talks: Whether its input and output are for `tell` and `hear`.
        """
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self._place,
                env=self._environment,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def watch(self, name: str, pid: int) -> None:
        """Read a process's usage too that something else has started."""
        self._others[name] = pid

    def pid(self, name: str) -> int:
        """Return a process's id."""
        return self._running[name].pid

    def tell(self, name: str, line: str) -> None:
        """Write a line to a process's input."""
        stream: IO[str] | None = self._running[name].stdin
        assert stream is not None
        stream.write(line + "\n")
        stream.flush()

    def hear(self, name: str) -> str:
        """Wait for a line of a process's output."""
        stream: IO[str] | None = self._running[name].stdout
        assert stream is not None
        line = stream.readline()
        if not line:
            self.check()
        return line

    def check(self) -> None:
        """See that all are running.

        Raises:
            SystemExit: With the end of its log, when one has ended.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                said = self._log(name).read_text(errors="replace")[-3000:]
                message = f"{name} has ended with {process.returncode}:\n{said}"
                raise SystemExit(message)

    def usage(self) -> dict[str, Usage]:
        """Return what each has used so far."""
        found = {}
        members: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    members.setdefault(os.getpgid(int(entry.name)), []).append(int(entry.name))
        for name, process in self._running.items():
            found[name] = _sum(members.get(process.pid, []))
        for name, pid in self._others.items():
            found[name] = _sum([pid])
        return found

    def pause(self, names: Iterable[str], *, resume: bool = False) -> None:
        """Have processes do nothing at all, with their children; or go on."""
        for name in names:
            os.killpg(self._running[name].pid, signal.SIGCONT if resume else signal.SIGSTOP)

    def stop(self) -> None:
        """Stop those that were started here, and their children."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self._running.values():
            process.wait(_STOP_LIMIT)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        self._running.clear()

    def _log(self, name: str) -> Path:
        return self._place / f"{name}.log"


def machine_busy() -> float:
    """Return the seconds of processor time that the whole machine has used, whoever it was."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft, steal = map(int, fields[:8])
    return (user + nice + system + irq + soft + steal) / _TICKS


def _sum(pids: Sequence[int]) -> Usage:
    cpu = peak = memory = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            status = dict(
                line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            )
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            cpu += (int(fields[11]) + int(fields[12])) / _TICKS
            peak += int(status.get("VmHWM", "0 kB").split()[0]) / 1024
            memory += int(status.get("VmRSS", "0 kB").split()[0]) / 1024
    return Usage(cpu, peak, memory)
