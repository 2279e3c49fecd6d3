"""The supervisor, with small real processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventflow.cli.supervisor import Process, Supervisor
from eventflow.errors import StartError

Wait = Callable[[Callable[[], bool]], None]

_WAITS = "import signal; print('up', flush=True); signal.pause()"
_ENDS_WELL = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))
print('up', flush=True)
while True: signal.pause()
"""
_STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
while True: signal.pause()
"""
_SUPERVISES = """
import sys
from eventflow.cli.supervisor import Process, Supervisor
argv = [sys.executable, "-c", "import os, signal; print(os.getpid(), flush=True); signal.pause()"]
with Supervisor(on_line=lambda _, line: print(line, flush=True), on_note=print) as supervisor:
    supervisor.add(Process("child", argv))
    sys.stdin.read()
"""


class Recorded:
    """A supervisor, and what it said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.notes: list[tuple[str, str]] = []
        self.supervisor = Supervisor(
            on_line=lambda name, line: self.lines.append((name, line)),
            on_note=lambda name, text: self.notes.append((name, text)),
        )

    def run(self, name: str, code: str, **extra: object) -> None:
        """Add a Python process."""
        process = Process(name, [sys.executable, "-c", code], **extra)  # type: ignore[arg-type]
        self.supervisor.add(process)

    def said(self, name: str, line: str, times: int = 1) -> Callable[[], bool]:
        """Return a condition: the process has written the line that often."""
        return lambda: self.lines.count((name, line)) >= times


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """A supervisor that has been started, and is stopped at the end."""
    found = Recorded()
    found.supervisor.start()
    yield found
    found.supervisor.hurry()
    found.supervisor.stop()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_lines_come_with_their_process_name(recorded: Recorded, wait_until: Wait) -> None:
    """Each line of stdout and stderr is passed on under the process's name."""
    recorded.run("a", f"import sys; print('err', file=sys.stderr, flush=True); {_WAITS}")
    recorded.run("b", _WAITS)
    wait_until(lambda: len(recorded.lines) == 3)
    assert sorted(recorded.lines) == [("a", "err"), ("a", "up"), ("b", "up")]


def test_bytes_that_are_no_text_are_passed_on(recorded: Recorded, wait_until: Wait) -> None:
    """A line that is no UTF-8 does not stop the lines after it."""
    recorded.run("a", f"import os; os.write(1, b'\\xff\\n'); {_WAITS}")
    wait_until(recorded.said("a", "up"))
    assert recorded.lines == [("a", "\ufffd"), ("a", "up")]


def test_a_process_gets_the_environment_it_is_given(recorded: Recorded, wait_until: Wait) -> None:
    """The environment given is the whole one."""
    code = f"import os; print(os.environ['A'], 'HOME' in os.environ, flush=True); {_WAITS}"
    recorded.run("a", code, env={"A": "1"})
    wait_until(recorded.said("a", "1 False"))


def test_a_process_that_dies_is_started_again(recorded: Recorded, wait_until: Wait) -> None:
    """A process killed with -9 is started again after half a second, and it is said."""
    recorded.run("a", _WAITS)
    wait_until(recorded.said("a", "up"))
    first = recorded.supervisor.pids["a"]

    os.kill(first, signal.SIGKILL)

    wait_until(recorded.said("a", "up", times=2))
    assert recorded.supervisor.pids["a"] != first
    assert recorded.notes == [("a", "was killed by SIGKILL; starting it again in 500ms")]


def test_readiness_is_asked_for_again_after_a_death(recorded: Recorded, wait_until: Wait) -> None:
    """A process that was ready and died is not ready until it says so again."""
    recorded.run("a", _WAITS, ready=lambda: True)
    assert recorded.supervisor.wait_until_ready(30)
    assert recorded.supervisor.poll_ready() == []
    os.kill(recorded.supervisor.pids["a"], signal.SIGKILL)
    wait_until(lambda: recorded.supervisor.poll_ready() == ["a"])


def test_ready_waits_for_the_condition(recorded: Recorded) -> None:
    """The supervisor is ready when each process's own condition holds."""
    answers = iter([False, False, True])
    recorded.run("a", _WAITS, ready=lambda: next(answers))
    recorded.run("b", _WAITS)
    assert recorded.supervisor.wait_until_ready(30) is True
    assert list(answers) == []


def test_not_ready_in_time_is_an_error(recorded: Recorded, wait_until: Wait) -> None:
    """A process that does not become ready in time is named, with its last words."""
    recorded.run("slow", _WAITS, ready=lambda: False)
    wait_until(recorded.said("slow", "up"))
    with pytest.raises(StartError) as caught:
        recorded.supervisor.wait_until_ready(0.2)
    assert str(caught.value) == "slow was not ready after 200ms; the last it said:\n  up"


def test_dying_at_the_start_is_an_error(recorded: Recorded) -> None:
    """A process that dies three times before it is ready ends the waiting, with its last words."""
    recorded.run("bad", "import sys; sys.exit('no such door')", ready=lambda: False)
    with pytest.raises(StartError) as caught:
        recorded.supervisor.wait_until_ready(60)
    assert str(caught.value).startswith("bad ended 3 times at its start; the last it said:\n")
    assert "\n  no such door" in str(caught.value)
    assert recorded.notes[:2] == [
        ("bad", "ended with exit code 1; starting it again in 500ms"),
        ("bad", "ended with exit code 1; starting it again in 1s"),
    ]


def test_waiting_can_be_interrupted(recorded: Recorded) -> None:
    """The waiting ends without an error when the caller says so."""
    stop = threading.Event()

    def stop_and_deny() -> bool:
        stop.set()
        return False

    recorded.run("a", _WAITS, ready=stop_and_deny)
    assert recorded.supervisor.wait_until_ready(30, interrupted=stop.is_set) is False


def test_stop_lets_processes_end_by_themselves(recorded: Recorded, wait_until: Wait) -> None:
    """Stop sends SIGTERM, passes on the last words, restarts nothing, and leaves nothing."""
    recorded.run("a", _ENDS_WELL)
    recorded.run("b", _ENDS_WELL)
    wait_until(lambda: len(recorded.lines) == 2)
    pids = list(recorded.supervisor.pids.values())

    recorded.supervisor.stop()

    assert sorted(recorded.lines) == [("a", "bye"), ("a", "up"), ("b", "bye"), ("b", "up")]
    assert recorded.notes == []
    assert [_lives(pid) for pid in pids] == [False, False]


def test_what_does_not_stop_is_killed(recorded: Recorded, wait_until: Wait) -> None:
    """A process that ignores SIGTERM is killed when its grace is over, and it is said."""
    recorded.run("a", _STUBBORN)
    wait_until(recorded.said("a", "up"))
    recorded.supervisor.stop(grace=0.2)
    assert recorded.notes == [("a", "does not stop: killed")]
    assert recorded.supervisor.pids == {}


def test_hurry_shortens_the_grace(recorded: Recorded, wait_until: Wait) -> None:
    """After hurry, stop kills at once what has not ended."""
    recorded.run("a", _STUBBORN)
    wait_until(recorded.said("a", "up"))
    threading.Timer(0.2, recorded.supervisor.hurry).start()
    recorded.supervisor.stop(grace=3600)
    assert recorded.supervisor.pids == {}


def test_one_process_can_be_stopped_alone(recorded: Recorded, wait_until: Wait) -> None:
    """A process stopped by name is forgotten, the others go on, and the name is free again."""
    recorded.run("a", _ENDS_WELL)
    recorded.run("b", _ENDS_WELL)
    wait_until(lambda: len(recorded.lines) == 2)
    recorded.supervisor.stop("a")
    assert recorded.supervisor.names == ["b"]
    recorded.run("a", _ENDS_WELL)
    wait_until(recorded.said("a", "up", times=2))
    assert sorted(recorded.supervisor.pids) == ["a", "b"]


def test_the_children_of_a_process_end_with_it(recorded: Recorded, wait_until: Wait) -> None:
    """What a killed process had started is ended before the process is started again."""
    code = (
        "import signal, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {_STUBBORN!r}])\n"
        "print(child.pid, flush=True)\n"
        "signal.pause()"
    )
    recorded.run("a", code)
    wait_until(lambda: len(recorded.lines) == 2)
    child = next(int(line) for _, line in recorded.lines if line != "up")
    os.kill(recorded.supervisor.pids["a"], signal.SIGKILL)
    wait_until(lambda: not _lives(child))


def test_a_name_is_taken_once(recorded: Recorded) -> None:
    """A second process of the same name is refused."""
    recorded.run("a", _WAITS)
    with pytest.raises(StartError, match="there is a process 'a' already"):
        recorded.run("a", _WAITS)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_processes_end_with_a_killed_supervisor(wait_until: Wait) -> None:
    """When the supervisor's process is killed with -9, its processes end."""
    here = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISES],
        cwd=here,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not _lives(pid))
