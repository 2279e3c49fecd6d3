"""The watchdog of a process's main thread: ends a process that hangs where no signal gets through.

`faulthandler` has a timer that runs without the interpreter, and so ends even code that hangs in C.
It starts a thread each time that it is set, which costs more than all else around a quick subscriber.
So within a task it stays set from one call to the next, for half a second; then a signal, which the
interpreter only sees while it does not hang, has it cancelled. It cannot bite outside of a call.
The same signal ends a call that is late (timeout.py): its handler stays in place for all of a task.
"""

import faulthandler
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

try:
    # What `signal` wraps. Python 3.11 makes members of enumerations of what goes in and comes out
    # there, handlers too, which costs ten times as much as the call.
    import _signal as quick_signal  # type: ignore[import-not-found]
except ImportError:  # another Python has it under another name, or not at all
    quick_signal = signal

__all__ = ["KEEP", "Watchdog", "get_handler", "set_handler", "set_timer", "watchdog"]

get_handler = quick_signal.getsignal
set_handler = quick_signal.signal
set_timer = quick_signal.setitimer

KEEP = 0.5
"""Seconds for which the watchdog may stay set without a call, and by which it may bite later."""

_STDERR = 2  # the descriptor: sys.stderr may be Celery's stand-in, which C cannot write to


class Watchdog:
    """A process's watchdog; faulthandler has one. For the main thread alone, and its SIGALRM."""

    def __init__(self) -> None:
        self._is_kept = False
        self._calls = 0
        self._bites_at: float | None = None
        self._late: Callable[[], BaseException] | None = None

    @property
    def has_signal(self) -> bool:
        """Whether SIGALRM comes here: within `kept`, unless a subscriber has taken it."""
        return self._is_kept and get_handler(signal.SIGALRM) == self._on_alarm

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the watchdog set between the calls in the block; in another thread do nothing."""
        if self._is_kept or threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = set_handler(signal.SIGALRM, self._on_alarm)
        self._is_kept = True
        try:
            yield
        finally:
            set_timer(signal.ITIMER_REAL, 0)
            self._is_kept, self._calls, self._late = False, 0, None
            self._cancel()
            set_handler(signal.SIGALRM, previous)

    def begin(self, seconds: float) -> None:
        """Have the process ended unless the call that begins is over in time.

        Args:
            seconds: The time; within `kept` up to `KEEP` more.
        """
        self._calls += 1
        now = time.monotonic()
        if self._bites_at is None or not 0 <= self._bites_at - now - seconds <= KEEP:
            more = KEEP if self._is_kept else 0.0
            self._bites_at = now + seconds + more
            faulthandler.dump_traceback_later(seconds + more, exit=True, file=_STDERR)

    def limit(self, seconds: float, late: Callable[[], BaseException]) -> None:
        """Have what *late* returns raised in the call that has begun, when it is not over in time.

        Args:
            seconds: The time; shorter than the one after which the process is ended.
            late: Makes the exception.
        """
        self._late = late
        set_timer(signal.ITIMER_REAL, seconds)

    def end(self) -> None:
        """Say that the call is over."""
        self._late = None
        self._calls -= 1
        # Where another has taken the signal meanwhile, an alarm of ours would be taken for one of its.
        if not self.has_signal:
            self._cancel()
        elif not self._calls:
            set_timer(signal.ITIMER_REAL, KEEP)

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        late, self._late = self._late, None
        if late is not None:
            raise late()
        if not self._calls:
            self._cancel()

    def _cancel(self) -> None:
        if self._bites_at is not None:
            self._bites_at = None
            faulthandler.cancel_dump_traceback_later()


watchdog = Watchdog()
"""The process's own. A fork takes it over unset: the pool forks outside of calls."""
