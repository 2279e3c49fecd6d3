"""Watching a loop from beside it: a call that blocks it is said, and ended when it blocks too long.

In an event loop all calls take turns; one that blocks (`time.sleep`, a client that is not async)
stops all others. The loop's own timers are stopped too, so a thread looks at whether it still beats.
"""

import asyncio
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Self

from eventflow.errors import DeliveryTimeout
from eventflow.units import format_duration
from eventflow.worker.async_call import OwnLoop
from eventflow.worker.loop_pace import LoopPace
from eventflow.worker.timeout import GRACE, end_thread
from eventflow.worker.watchdog import watchdog

__all__ = ["MOST_LAG", "OWN_TASK", "LoopWatch"]

MOST_LAG = 0.5
"""Seconds for which a loop may stand still before that is said."""

OWN_TASK = "eventflow"
"""The name of tasks that are not the subscriber's: nothing is raised in them."""

_BEAT = 0.1  # seconds
_ARM_AGAIN = 1.0  # seconds
_IDLE = 50  # beats without anything to watch, after which the thread ends
_SAY_AGAIN = 60.0  # seconds between two warnings of a target
_log = logging.getLogger("eventflow.deliver")
_said: dict[str, float] = {}  # by target: when it was said last


class LoopWatch:
    """A context manager within a running loop.

    Args:
        target: Whose calls run in it.
        file: The file of its subscriber, to name the line that blocks.
        limit: Seconds for which the loop may be blocked before the call that does it is ended.
        own: The loop: told for how long it was blocked.
        pace: Told whether the loop goes on freely.
        in_flight: Returns how many calls are in flight.
    """

    def __init__(
        self,
        target: str,
        file: str,
        limit: float,
        *,
        own: OwnLoop,
        pace: LoopPace,
        in_flight: Callable[[], int],
    ) -> None:
        self._target = target
        self._file = file
        self._limit = limit
        self._own = own
        self._pace = pace
        self._in_flight = in_flight
        self._thread = threading.get_ident()
        self._is_main = threading.current_thread() is threading.main_thread()
        self._is_over = True
        self._is_asked = False
        self._armed = 0.0
        self._ended = 0.0

    def __enter__(self) -> Self:
        self._is_over = False
        self._loop = asyncio.get_running_loop()
        if self._is_main:
            self._previous = signal.signal(signal.SIGALRM, self._on_alarm)
            self._arm()
        self._last = time.monotonic()
        self._beat()
        _watcher().watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; also called where the loop was torn apart, and then perhaps twice."""
        if self._is_over:
            return
        self._is_over = True
        _watcher().watch(None)  # or it could raise in what comes after
        self._timer.cancel()
        if self._is_main:
            signal.signal(signal.SIGALRM, self._previous)
            watchdog.end()

    def look(self, now: float) -> None:
        """See whether the loop still beats; called in the thread beside it."""
        lag = now - self._last - _BEAT
        if lag > MOST_LAG:
            self._pace.held_up()
            self._say(lag)
        if lag > self._limit and now - self._ended > 1:
            self._ended = now
            self._end()

    def _beat(self) -> None:
        now = time.monotonic()
        lag = now - self._last - _BEAT
        if lag < MOST_LAG:
            self._pace.free(self._in_flight())
        if lag > _BEAT:
            self._own.stalled += lag
        self._last = now
        self._timer = self._loop.call_later(_BEAT, self._beat)
        if self._is_main and now - self._armed > _ARM_AGAIN:
            watchdog.end()
            self._arm()

    def _arm(self) -> None:
        """Have the process ended where it hangs in C, which no signal gets through."""
        self._armed = time.monotonic()
        watchdog.begin(self._limit + GRACE + _ARM_AGAIN)

    def _say(self, lag: float) -> None:
        now = time.monotonic()
        if now - _said.get(self._target, -_SAY_AGAIN) < _SAY_AGAIN:
            return
        _said[self._target] = now
        place = self._place()
        _log.warning(
            "the async subscriber of target %s blocks its loop, for %s so far%s: all other "
            "deliveries of this process wait. Use an async client, or `await asyncio.to_thread(...)`",
            self._target,
            format_duration(round(lag, 1)),
            f" (in {place})" if place else "",
            extra={"action": "loop_blocked", "target": self._target, "lag": round(lag, 3)},
        )

    def _place(self) -> str:
        """Return the line of the subscriber's file that runs; of any file, where none does."""
        innermost = frame = sys._current_frames().get(self._thread)  # noqa: SLF001 - CPython's own way
        while frame is not None and frame.f_code.co_filename != self._file:
            frame = frame.f_back
        found = frame or innermost
        return f"{found.f_code.co_filename}:{found.f_lineno}" if found is not None else ""

    def _end(self) -> None:
        if self._is_main:
            self._is_asked = True
            signal.pthread_kill(self._thread, signal.SIGALRM)
        elif self._is_in_subscriber():
            end_thread(self._thread)

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        # Between the signal and here the loop may have gone on; and the alarm may be another's.
        is_asked, self._is_asked = self._is_asked, False
        if is_asked and self._is_in_subscriber():
            raise DeliveryTimeout

    def _is_in_subscriber(self) -> bool:
        task = asyncio.current_task(self._loop)
        return task is not None and task.get_name() != OWN_TASK


class _Watcher:
    """The thread beside one loop's thread; it ends by itself when nothing was watched for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watch: LoopWatch | None = None
        self._thread: threading.Thread | None = None

    def watch(self, watch: LoopWatch | None) -> None:
        """Look at this from now on; at nothing where it is None."""
        with self._lock:
            self._watch = watch
            # After a fork the thread is not there any more, which `is_alive` knows.
            if watch is not None and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(
                    target=self._run, name="eventflow-loop-watch", daemon=True
                )
                self._thread.start()

    def _run(self) -> None:
        idle, looked = 0, time.monotonic()
        while True:
            time.sleep(_BEAT)
            before, looked = looked, time.monotonic()
            with self._lock:
                idle = 0 if self._watch is not None else idle + 1
                if idle > _IDLE:
                    self._thread = None
                    return
                # Where this thread was late itself, the machine is busy, and the loop not blocked.
                if self._watch is not None and looked - before < 2 * _BEAT:
                    self._watch.look(looked)


_local = threading.local()


def _watcher() -> _Watcher:
    watcher: _Watcher | None = getattr(_local, "watcher", None)
    if watcher is None:
        watcher = _local.watcher = _Watcher()
    return watcher
