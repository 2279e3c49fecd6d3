"""Ending a subscriber that runs too long, in whichever way its thread allows.

In a process's main thread (Celery's prefork and solo pools) a timer signal raises in the middle of
whatever Python runs, a blocking socket call included; code that lets no signal through, such as a C
extension, is ended with its process a grace later, which the ledger survives. In another thread
(the threads pool) the exception is raised at the next Python instruction: a blocking call there
should have a timeout of its own.
"""

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType, TracebackType

from eventflow.errors import DeliveryTimeout
from eventflow.units import format_duration
from eventflow.worker.deadlines import process_deadlines
from eventflow.worker.watchdog import set_handler, set_timer, watchdog

__all__ = ["GRACE", "end_thread", "time_limit"]

GRACE = 5.0
"""Seconds that a subscriber has to let its timeout through, before its process is ended."""


def time_limit(seconds: float) -> AbstractContextManager[None]:
    """Raise DeliveryTimeout in the block when it runs longer than *seconds*.

    Args:
        seconds: More than zero.

    Returns:
        The context manager of the block; for the thread that asks for it.

    Raises:
        DeliveryTimeout: In the block's own thread.
    """
    if threading.current_thread() is threading.main_thread():
        return _BySignal(seconds)
    return _by_exception(seconds)


class _BySignal:
    """The limit in a main thread; a class, since a generator costs more than all of the rest."""

    __slots__ = ("_previous", "_seconds", "_shares_handler")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        watchdog.begin(self._seconds + GRACE)
        self._shares_handler = watchdog.has_signal
        if self._shares_handler:
            watchdog.limit(self._seconds, self._late)
            return
        self._previous = set_handler(signal.SIGALRM, self._on_alarm)
        set_timer(signal.ITIMER_REAL, self._seconds)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._shares_handler:
            set_timer(signal.ITIMER_REAL, 0)
            set_handler(signal.SIGALRM, self._previous)
        watchdog.end()

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        raise self._late()

    def _late(self) -> DeliveryTimeout:
        return _timeout(self._seconds)


@contextmanager
def _by_exception(seconds: float) -> Iterator[None]:
    thread = threading.get_ident()
    deadlines = process_deadlines()
    deadline = deadlines.begin(seconds, lambda: end_thread(thread))
    try:
        yield
    except DeliveryTimeout as error:
        # It was raised by its class alone; here it gets its words.
        if deadline.is_late:
            raise _timeout(seconds) from error
        raise
    finally:
        deadlines.over(deadline)


def end_thread(thread: int) -> None:
    """Raise DeliveryTimeout, without words, in another thread at its next Python instruction.

    Args:
        thread: Its identifier.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(DeliveryTimeout)
    )


def _timeout(seconds: float) -> DeliveryTimeout:
    return DeliveryTimeout(
        f"the subscriber ran longer than its timeout of {format_duration(seconds)}"
    )
