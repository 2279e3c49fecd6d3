"""A worker is scheduled as a batch, unless somebody has chosen otherwise."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(os, "SCHED_BATCH"), reason="batch scheduling is Linux's"
)
CODE = """
import os, threading
from eventflow.worker.scheduling import interrupt_nobody
{before}
interrupt_nobody()
found = [os.sched_getscheduler(0)]
thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
print(*found)
"""


def schedule(before: str = "") -> list[int]:
    """Return how a process is scheduled that does it, and a thread that it starts then."""
    code = CODE.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_a_process_and_its_threads_are_a_batch() -> None:
    """Whatever is started from then on has it of its parent."""
    assert [os.SCHED_BATCH] * 2 == schedule()


def test_what_was_chosen_before_stays() -> None:
    """As by `chrt --idle 0 eventflow worker …`."""
    chosen = "os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))"
    assert [os.SCHED_IDLE] * 2 == schedule(chosen)


def test_a_system_that_forbids_it_is_left_alone() -> None:
    """It costs nothing but speed."""
    forbidden = "def no(*_): raise PermissionError\nos.sched_setscheduler = no"
    assert [os.SCHED_OTHER] * 2 == schedule(forbidden)
