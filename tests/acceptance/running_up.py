"""`eventflow up` as a process in a project's folder, watched from outside."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0

WORKERS = """
from eventflow import EventFlow
flow = EventFlow()
flow.discover(__name__)
app = flow.celery
"""
SUBSCRIBER = """
import os, time
from workers import flow

@flow.subscriber("{target}")
def note(event, delivery):
    with open("{target}.txt", "a") as notes:
        notes.write(event.id + " begins\\n")
    time.sleep(event.data.get("takes", 0))
    with open("{target}.txt", "a") as notes:
        notes.write(event.id + "\\n")
"""
RULES = """
targets:
  {target}: {{task: workers.{target}.note, timeout: 60s, retry: {{initial: 100ms, max: 1s}}}}
rules:
  all-to-{target}: {{pattern: {{source: [test]}}, targets: [{target}]}}
"""


def write_project(place: Path, *targets: str) -> None:
    """Write a project whose targets each append the events' ids to a file of their own."""
    (place / "workers").mkdir(exist_ok=True)
    (place / "rules").mkdir(exist_ok=True)
    (place / "workers" / "__init__.py").write_text(WORKERS)
    for target in targets:
        (place / "workers" / f"{target}.py").write_text(SUBSCRIBER.format(target=target))
        draft = place / f"{target}.draft"
        draft.write_text(RULES.format(target=target))
        draft.rename(place / "rules" / f"{target}.yaml")


def environment(**extra: str) -> dict[str, str]:
    """Return an environment without settings but those given, in which the package is found."""
    kept = {name: value for name, value in os.environ.items() if "EVENTFLOW" not in name}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), **extra}


def wait_for(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until *condition* holds, and fail when it does not in time."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """Whether there is a process of that id, other than one that waits to be buried."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()[:1] not in {"", "Z"}


def run_command(place: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run `eventflow ARGUMENTS` in a project to its end."""
    return subprocess.run(
        [sys.executable, "-m", "eventflow", *arguments],
        cwd=place,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class RunningProcess:
    """`eventflow ARGUMENTS` in a project's folder; what it says is kept as it comes.

    Attributes:
        program: What Python runs instead, in a class that derives from this.
    """

    program: tuple[str, ...] = ("-m", "eventflow")

    def __init__(self, place: Path, *arguments: str, **extra: str) -> None:
        self.place = place
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, *self.program, *arguments],
            cwd=place,
            env=environment(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    @property
    def said(self) -> str:
        """Everything it has said so far."""
        return "\n".join(self.lines)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until it has said *text* so often; fail when it ends before."""

        def is_said() -> bool:
            has_ended = self.process.poll() is not None
            if self.said.count(text) >= times:
                return True
            assert not has_ended, f"it has ended without {text!r}:\n{self.said}"
            return False

        try:
            wait_for(is_said, repr(text))
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n{self.said}") from None

    def descendants(self) -> dict[int, str]:
        """Return the commands of all processes that descend from this one, by their ids."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="],
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
        found: dict[int, str] = {}
        parents = {self.process.pid}
        while parents:
            children = {int(row[0]): row[2] for row in rows if int(row[1]) in parents}
            parents = children.keys() - found.keys()
            found |= children
        return found

    def pid_of(self, text: str) -> int:
        """Return the first process whose command has *text* in it."""
        return min(pid for pid, command in self.descendants().items() if text in command)

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end, and return the exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code
