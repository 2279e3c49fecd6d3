"""Threads that carry what may hang, so that whoever publishes can stop waiting for it.

No timeout of a socket bounds all that can be slow: a name that is looked up, one step after another
that each take almost their time, a broker that lets nobody write. What a thread of its own does can be
left behind at any moment, whatever it hangs in; and an event loop can await it.
"""

import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

__all__ = ["MOST", "Carriers"]

MOST = 64
"""Threads of one process at most; what comes while all of them hang waits for its turn."""


class Carriers:
    """The carriers of a process. Safe in threads and after a fork, also one beside busy threads.

    They are daemons: what still hangs does not keep the process from ending.

    Args:
        most: How many there may be at once.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        # By process: a fork has neither its parent's threads nor the locks that these held.
        self._crews: dict[int, _Crew] = {}

    def start(self, work: Callable[[], None]) -> Future[None]:
        """Have *work* done, in the caller's context.

        Args:
            work: Raises nothing that anybody waits for.

        Returns:
            The future of it; cancelled before it is begun, it is not done.
        """
        future: Future[None] = Future()
        crew = self._crews.get(os.getpid())
        if crew is None:
            crew = self._crews.setdefault(os.getpid(), _Crew(self._most))
        crew.take((future, contextvars.copy_context(), work))
        return future


_Load = tuple[Future[None], contextvars.Context, Callable[[], None]]


class _Crew:
    """Threads that wait for something to do, as many as were ever needed at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._loads: SimpleQueue[_Load] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._count = 0

    def take(self, load: _Load) -> None:
        """Do this load, soon; at once and here, where no thread can be had."""
        self._loads.put(load)
        if self._idle.acquire(blocking=False):
            return
        with self._lock:
            if self._count >= self._most:
                return
            number = self._count = self._count + 1
        try:
            threading.Thread(
                target=self._carry, name=f"eventflow-carrier-{number}", daemon=True
            ).start()
        except RuntimeError:  # the interpreter ends, or the system gives no more threads
            with self._lock:
                self._count -= 1
            _do(self._loads.get())

    def _carry(self) -> None:
        while True:
            _do(self._loads.get())
            self._idle.release()


def _do(load: _Load) -> None:
    future, context, work = load
    if not future.set_running_or_notify_cancel():
        return
    try:
        context.run(work)
    except BaseException as error:  # noqa: BLE001 - a thread's end: told to whoever asks
        future.set_exception(error)
    else:
        future.set_result(None)
