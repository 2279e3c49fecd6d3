"""The watchdog bites what hangs, in time, and nothing else, however rarely it is set."""

import faulthandler
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from eventflow.worker.watchdog import Watchdog, watchdog


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which the timer is set, each time that it is."""
    seen: list[float] = []
    real = faulthandler.dump_traceback_later

    def dump_traceback_later(timeout: float, *, exit: bool, file: int) -> None:  # noqa: A002 - its name
        seen.append(timeout)
        real(timeout, exit=exit, file=file)

    monkeypatch.setattr(faulthandler, "dump_traceback_later", dump_traceback_later)
    return seen


def call(dog: Watchdog, seconds: float = 60) -> None:
    """Make a call that takes no time."""
    dog.begin(seconds)
    dog.end()


def test_calls_that_follow_each_other_set_it_once(settings: list[float]) -> None:
    """Another time limit has it set anew, and so has each block of calls."""
    dog = Watchdog()
    with dog.kept():
        for _ in range(100):
            call(dog)
        call(dog, 30)
        call(dog, 30)
        call(dog, 60)
    with dog.kept():
        call(dog)
    assert settings == [60.5, 30.5, 60.5, 60.5]


def test_a_call_by_itself_has_its_own(settings: list[float]) -> None:
    """Outside of a block it is set for exactly the time, each time."""
    call(watchdog, 60)
    call(watchdog, 60)
    assert settings == [60, 60]


def test_the_signal_is_given_back() -> None:
    """After the block the handler is the one of before, and no alarm comes."""
    before = signal.getsignal(signal.SIGALRM)
    with watchdog.kept():
        call(watchdog)
        assert signal.getsignal(signal.SIGALRM) != before
    assert before == signal.getsignal(signal.SIGALRM)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_signal_that_another_has_taken_is_its_own(settings: list[float]) -> None:
    """No alarm comes to who handles it now; the watchdog is set for each call."""
    with watchdog.kept():
        signal.setitimer(signal.ITIMER_REAL, 0)  # the test runner's
        previous = signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for _ in range(2):
            call(watchdog)
            assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        signal.signal(signal.SIGALRM, previous)
        call(watchdog)
        assert signal.getitimer(signal.ITIMER_REAL) > (0, 0)
    assert settings == [60.5, 60.5, 60.5]


def test_another_thread_keeps_nothing() -> None:
    """It has no signals; its calls are limited in another way."""
    before = signal.getsignal(signal.SIGALRM)
    seen: list[object] = []

    def run() -> None:
        with watchdog.kept():
            seen.append(signal.getsignal(signal.SIGALRM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert seen == [before]


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, where the watchdog is kept for a tenth of a second."""
    first = """
        import time
        import eventflow.worker.timeout as timeout
        import eventflow.worker.watchdog as watchdogs
        timeout.GRACE = 0.2
        watchdogs.KEEP = 0.1
    """
    text = textwrap.dedent(first) + textwrap.dedent(code)
    command = [sys.executable, "-c", text]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_it_does_not_bite_between_calls() -> None:
    """What comes after a call may take as long as it likes: a ledger that is away, say."""
    ended = run("""
        with watchdogs.watchdog.kept():
            with timeout.time_limit(0.1):
                pass
            time.sleep(0.8)
            with timeout.time_limit(0.1):
                pass
    """)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_it_bites_a_later_call_that_hangs() -> None:
    """Although it was set for the one before."""
    ended = run("""
        with watchdogs.watchdog.kept():
            for number in range(2):
                with timeout.time_limit(0.1):
                    while number:
                        try:
                            while True: pass
                        except Exception:
                            pass
    """)
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
