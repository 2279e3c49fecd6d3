"""One thread ends what runs too long, each call at its own time, and nothing that is over."""

import threading
import time

from eventflow.worker.deadlines import Deadlines, process_deadlines


def test_each_is_ended_in_time() -> None:
    """In the order of their deadlines, whenever they began."""
    deadlines = Deadlines()
    ended: list[str] = []
    done = threading.Event()
    began = time.monotonic()

    def end_slow() -> None:
        ended.append("slow")
        done.set()

    deadlines.begin(0.5, end_slow)
    deadlines.begin(0.03, lambda: ended.append("quick"))
    assert done.wait(10)
    assert time.monotonic() - began >= 0.5
    assert ended == ["quick", "slow"]


def test_what_is_over_is_left_alone() -> None:
    """However many there were before, and however soon another one is due."""
    deadlines = Deadlines()
    ended: list[None] = []
    for _ in range(1000):
        deadlines.over(deadlines.begin(0.05, lambda: ended.append(None)))
    done = threading.Event()
    late = deadlines.begin(0.1, done.set)
    assert done.wait(10)
    assert late.is_late
    assert ended == []


def test_one_that_comes_after_all_others_is_ended_too() -> None:
    """The thread that waits for nothing wakes up for it."""
    deadlines = Deadlines()
    for _ in range(2):
        done = threading.Event()
        deadlines.begin(0.01, done.set)
        assert done.wait(10)


def test_a_process_has_one_thread_for_all() -> None:
    """Calls in many threads are looked after by the same."""
    before = threading.active_count()
    deadlines = process_deadlines()
    assert process_deadlines() is deadlines
    open_ones = [deadlines.begin(60, lambda: None) for _ in range(20)]
    assert threading.active_count() <= before + 1
    for one in open_ones:
        deadlines.over(one)
