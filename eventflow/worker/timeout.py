"""Ending a subscriber that runs too long, in whichever way its thread allows.

In a process's main thread (Celery's prefork and solo pools) a timer signal raises in the middle of
whatever Python runs, a blocking socket call included; code that lets no signal through, such as a C
extension, is ended with its process a grace later, which the ledger survives. In another thread
(the threads pool) the exception is raised at the next Python instruction: a blocking call there
should have a timeout of its own.
"""

import ctypes
import faulthandler
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from eventflow.errors import DeliveryTimeout
from eventflow.units import format_duration

__all__ = ["GRACE", "end_thread", "time_limit"]

_STDERR = 2  # the descriptor: sys.stderr may be Celery's stand-in, which C cannot write to

GRACE = 5.0
"""Seconds that a subscriber has to let its timeout through, before its process is ended."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise DeliveryTimeout in the block when it runs longer than *seconds*.

    Args:
        seconds: More than zero.

    Raises:
        DeliveryTimeout: In the block's own thread.
    """
    if threading.current_thread() is threading.main_thread():
        with _by_signal(seconds):
            yield
    else:
        with _by_exception(seconds):
            yield


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        raise _timeout(seconds)

    previous = signal.signal(signal.SIGALRM, on_alarm)
    # The C timer behind this runs without the interpreter: it ends even a process that hangs in C.
    faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=_STDERR)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def _by_exception(seconds: float) -> Iterator[None]:
    thread = threading.get_ident()
    lock = threading.Lock()
    is_over = False
    is_late = False

    def raise_in_thread() -> None:
        nonlocal is_late
        with lock:
            if not is_over:
                is_late = True
                end_thread(thread)

    timer = threading.Timer(seconds, raise_in_thread)
    timer.daemon = True
    timer.start()
    try:
        yield
    except DeliveryTimeout as error:
        # It was raised by its class alone; here it gets its words.
        if is_late:
            raise _timeout(seconds) from error
        raise
    finally:
        with lock:
            is_over = True
        timer.cancel()


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
