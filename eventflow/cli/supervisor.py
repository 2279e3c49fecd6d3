"""Starts processes, passes on what they say, starts those again that die, and stops them all.

One thread, the keeper, starts every process and lives until the last has ended, since Linux ties
a child to the thread that started it (see `tied_command`).
"""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from eventflow.embedded import tied_command
from eventflow.errors import StartError
from eventflow.units import format_duration

__all__ = ["GRACE", "Process", "Supervisor", "restart_delay"]

GRACE = 20.0
"""Seconds that a process may take to stop before it is killed, unless told otherwise."""

_POLL = 0.1
_READY_POLL = 0.05
_STEADY = 30.0  # a process that ran so long has not failed to start
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 15.0
_MAX_FAILURES = 3
_TAIL = 5


@dataclass(frozen=True, slots=True)
class Process:
    """What to run.

    Attributes:
        name: Stands before its lines; unique.
        argv: The program and its arguments.
        env: The whole environment; None passes on this process's own.
        ready: Whether it does its work by now; called from the thread that waits. None: it is
            ready when it runs.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    ready: Callable[[], bool] | None = None


@dataclass(slots=True)
class _Child:
    """A process as it goes: one `popen` after the other."""

    process: Process
    popen: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    due: float = 0.0
    kill_at: float | None = None
    failures: int = 0
    is_ready: bool = False
    is_wanted: bool = True
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))


def restart_delay(failures: int) -> float:
    """Return how long to wait before a process is started again.

    Args:
        failures: How often in a row it died soon after its start; 1 or more.

    Returns:
        Seconds: half a second, doubled with each failure, at most 15.
    """
    return float(min(_FIRST_DELAY * 2 ** min(failures - 1, 10), _LONGEST_DELAY))


class Supervisor:
    """A set of processes that are kept running until they are stopped.

    Each process has a session of its own, so that a terminal's Ctrl-C reaches this one alone, and
    (on Linux) gets SIGTERM should this one be killed. Methods may be called from any thread but
    `hurry`, which is also safe in a signal handler.

    Args:
        on_line: Called with a process's name and each line that it writes but empty ones, from a thread of its
            own for each process.
        on_note: Called with a process's name and what happened to it, such as that it died.
    """

    def __init__(
        self, *, on_line: Callable[[str, str], None], on_note: Callable[[str, str], None]
    ) -> None:
        self._on_line = on_line
        self._on_note = on_note
        self._children: dict[str, _Child] = {}
        self._changed = threading.Condition()
        self._keeper: threading.Thread | None = None
        self._is_ending = False
        self._is_hurried = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def names(self) -> list[str]:
        """The names of all processes, in the order in which they were added."""
        with self._changed:
            return list(self._children)

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each process that runs."""
        with self._changed:
            return {
                name: child.popen.pid
                for name, child in self._children.items()
                if child.popen is not None
            }

    def add(self, process: Process) -> None:
        """Add a process; it starts at once if the supervisor has been started.

        Raises:
            StartError: When there is one of that name.
        """
        with self._changed:
            if process.name in self._children:
                message = f"there is a process {process.name!r} already"
                raise StartError(message)
            self._children[process.name] = _Child(process)
            self._changed.notify_all()

    def start(self) -> None:
        """Start what was added, and keep it running."""
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)
            self._keeper.start()

    def poll_ready(self) -> list[str]:
        """Ask the processes that are not ready yet, and return the names of those that now are."""
        with self._changed:
            waiting = [
                child
                for child in self._children.values()
                if child.popen is not None and child.is_wanted and not child.is_ready
            ]
        became = []
        for child in waiting:
            popen = child.popen
            if child.process.ready is None or child.process.ready():
                with self._changed:
                    if child.popen is popen and popen is not None and popen.poll() is None:
                        child.is_ready = True
                        became.append(child.process.name)
        return became

    def wait_until_ready(
        self, timeout: float, *, interrupted: Callable[[], bool] = lambda: False
    ) -> bool:
        """Wait until every process is ready.

        Args:
            timeout: Seconds.
            interrupted: Asked all the while; when true, the waiting ends.

        Returns:
            False when it was interrupted.

        Raises:
            StartError: When one is not ready in time, or died three times before it was; with the
                last it said.
        """
        deadline = time.monotonic() + timeout
        while not interrupted():
            self.poll_ready()
            with self._changed:
                waiting = [child for child in self._children.values() if not child.is_ready]
            if not waiting:
                return True
            for child in waiting:
                if child.failures >= _MAX_FAILURES:
                    raise StartError(_explain(child, f"ended {child.failures} times at its start"))
            if time.monotonic() > deadline:
                what = f"was not ready after {format_duration(timeout)}"
                raise StartError("\n".join(_explain(child, what) for child in waiting))
            time.sleep(_READY_POLL)
        return False

    def stop(self, *names: str, grace: float = GRACE) -> None:
        """Stop processes and wait until they have ended: SIGTERM, then SIGKILL.

        Args:
            names: Those to stop; they are forgotten afterwards. None given: all, for good.
            grace: Seconds they may take, together, before they are killed.
        """
        if self._keeper is None:
            return
        with self._changed:
            self._is_ending = self._is_ending or not names
            chosen = [self._children[name] for name in names or tuple(self._children)]
            for child in chosen:
                if child.is_wanted:
                    child.is_wanted = False
                    child.kill_at = time.monotonic() + grace
                    self._signal(child, signal.SIGTERM)
            self._changed.notify_all()
            while any(child.popen is not None for child in chosen):
                self._changed.wait(_POLL)
            for child in chosen:
                self._children.pop(child.process.name, None)
        if not names:
            self._keeper.join()

    def hurry(self) -> None:
        """Have `stop` kill what has not ended, now and from now on."""
        self._is_hurried = True

    def _keep(self) -> None:
        with self._changed:
            while not self._is_ending or any(child.popen for child in self._children.values()):
                for child in list(self._children.values()):
                    self._tend(child)
                self._changed.wait(_POLL)

    def _tend(self, child: _Child) -> None:
        """Do for one process what is due."""
        now = time.monotonic()
        if child.popen is None:
            if child.is_wanted and not self._is_ending and now >= child.due:
                self._launch(child)
        elif child.popen.poll() is not None:
            self._bury(child, child.popen, now)
        elif child.kill_at is not None and (self._is_hurried or now >= child.kill_at):
            if now >= child.kill_at:
                self._on_note(child.process.name, "does not stop: killed")
            child.kill_at = float("inf")
            self._signal(child, signal.SIGKILL)

    def _launch(self, child: _Child) -> None:
        environment = dict(os.environ if child.process.env is None else child.process.env)
        environment["PYTHONUNBUFFERED"] = "1"
        child.popen = subprocess.Popen(  # noqa: S603 - what the caller asked for
            tied_command(child.process.argv),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        child.started_at = time.monotonic()
        child.reader = threading.Thread(
            target=self._read, args=(child, child.popen), name=child.process.name, daemon=True
        )
        child.reader.start()

    def _read(self, child: _Child, popen: subprocess.Popen[bytes]) -> None:
        assert popen.stdout is not None
        with popen.stdout:
            for raw in popen.stdout:
                line = raw.decode(errors="replace").rstrip("\r\n")
                if not line:
                    continue
                child.tail.append(line)
                self._on_line(child.process.name, line)

    def _bury(self, child: _Child, popen: subprocess.Popen[bytes], now: float) -> None:
        # What it started and left behind holds its queues and its pipe.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        if child.reader is not None:
            child.reader.join(1.0)  # its last words come before the note of its death
        child.popen = None
        if child.is_wanted:
            steady = child.is_ready and now - child.started_at >= _STEADY
            child.failures = 1 if steady else child.failures + 1
            child.is_ready = False
            delay = restart_delay(child.failures)
            child.due = now + delay
            wait = format_duration(delay)
            self._on_note(
                child.process.name, f"{_how(popen.returncode)}; starting it again in {wait}"
            )
        self._changed.notify_all()

    def _signal(self, child: _Child, number: signal.Signals) -> None:
        if child.popen is None or child.popen.poll() is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if number == signal.SIGKILL:
                os.killpg(child.popen.pid, number)
            else:
                child.popen.send_signal(number)


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _explain(child: _Child, what: str) -> str:
    said = "".join(f"\n  {line}" for line in tuple(child.tail))
    return f"{child.process.name} {what}" + (f"; the last it said:{said}" if said else "")
