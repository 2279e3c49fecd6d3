"""A subscriber that runs too long is ended, in the main thread and in others."""

import socket
import subprocess
import sys
import textwrap
import threading

import pytest

from eventflow.errors import DeliveryTimeout
from eventflow.worker.timeout import time_limit


def spin() -> None:
    """Run for ever, in Python."""
    while True:
        pass


def test_a_loop_is_ended() -> None:
    """Python code is interrupted wherever it is."""
    with pytest.raises(DeliveryTimeout, match="longer than its timeout of 50ms"), time_limit(0.05):
        spin()


def test_a_blocking_call_is_ended() -> None:
    """A socket that never answers does not hold the worker."""
    one, other = socket.socketpair()
    with one, other, pytest.raises(DeliveryTimeout), time_limit(0.05):
        one.recv(1)


def test_what_is_quick_enough_is_left_alone() -> None:
    """Nothing fires after the block."""
    with time_limit(0.05):
        pass
    waiter = threading.Event()
    assert not waiter.wait(0.1)


def test_another_thread_is_ended_too() -> None:
    """Where no signal can be had, the exception is raised in the thread."""
    caught: list[BaseException] = []

    def run() -> None:
        try:
            with time_limit(0.05):
                spin()
        except DeliveryTimeout as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert [str(e) for e in caught] == ["the subscriber ran longer than its timeout of 50ms"]


def test_a_subscribers_own_timeout_is_its_own() -> None:
    """An exception of the same class, raised by the block itself, keeps its words."""

    def run(caught: list[str]) -> None:
        try:
            with time_limit(5):
                raise DeliveryTimeout("mine")
        except DeliveryTimeout as error:
            caught.append(str(error))

    here: list[str] = []
    there: list[str] = []
    run(here)
    thread = threading.Thread(target=run, args=(there,))
    thread.start()
    thread.join(10)
    assert here + there == ["mine", "mine"]


def test_a_process_that_lets_no_signal_through_is_ended() -> None:
    """Code that swallows the timeout ends with its process, after the grace."""
    code = """
        import eventflow.worker.timeout as timeout
        timeout.GRACE = 0.2
        with timeout.time_limit(0.1):
            while True:
                try:
                    while True: pass
                except Exception:
                    pass
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
