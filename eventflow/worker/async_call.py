"""Async subscribers, adapted in this one place: run to their end in a loop that the worker owns."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from eventflow.errors import DeliveryTimeout
from eventflow.units import format_duration
from eventflow.worker.loop_pace import LoopPace
from eventflow.worker.timeout import time_limit

__all__ = ["CANCEL_GRACE", "ExitRequest", "OwnLoop", "call_within", "own_loop", "run_async"]

CANCEL_GRACE = 1.0
"""Seconds for a cancelled coroutine to end by itself."""

_log = logging.getLogger("eventflow.deliver")
_local = threading.local()
T = TypeVar("T")


class ExitRequest(BaseException):
    """A subscriber asked its process to end; what runs beside it is to end first.

    Args:
        cause: What it raised: SystemExit or KeyboardInterrupt.
    """

    def __init__(self, cause: BaseException) -> None:
        super().__init__(cause)
        self.cause = cause


class OwnLoop:
    """A thread's loop, which stays between calls, so that a client with open connections can too.

    Attributes:
        stalled: Seconds for which calls have blocked it, all in all; counted by who watches it.
        abandoned: Calls that went on although they were cancelled.
    """

    def __init__(self) -> None:
        self.stalled = 0.0
        self._paces: dict[str, LoopPace] = {}
        self.abandoned: set[asyncio.Task[object]] = set()
        self._runner = asyncio.Runner()
        self._beside: ThreadPoolExecutor | None = None

    @property
    def beside(self) -> ThreadPoolExecutor:
        """A thread beside it, for what would block it: one thing at a time, in order."""
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1, "eventflow-beside-loop")
        return self._beside

    def pace(self, target: str, most: int) -> LoopPace:
        """Return how much of a target's work it carries at once, *most* at most."""
        pace = self._paces.setdefault(target, LoopPace(most))
        pace.most = most
        return pace

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* to its end; when it is torn out of the loop, the next gets another one.

        In the caller's context, not in that of the loop's first call: its trace, its log fields.
        """
        is_whole = False

        async def whole() -> T:
            nonlocal is_whole
            try:
                return await coroutine
            finally:
                is_whole = True

        try:
            return self._runner.run(whole(), context=contextvars.copy_context())
        finally:
            if not is_whole or any(not call.done() for call in self.abandoned):
                self.close()
            self.abandoned.clear()

    def close(self) -> None:
        """Leave it, whatever still waits in it: this thread's next call gets a new one."""
        _local.loop = None
        self._runner.get_loop().close()
        if self._beside is not None:
            self._beside.shutdown(wait=False)


def own_loop() -> OwnLoop:
    """Return this thread's loop."""
    loop: OwnLoop | None = getattr(_local, "loop", None)
    if loop is None:
        loop = _local.loop = OwnLoop()
    return loop


def run_async(
    function: Callable[..., Coroutine[Any, Any, object]],
    arguments: tuple[object, ...],
    timeout: float,
) -> None:
    """Run one call of an async subscriber to its end.

    Args:
        function: The subscriber.
        arguments: Its arguments.
        timeout: Seconds after which it is cancelled.

    Raises:
        DeliveryTimeout: When it ran longer.
        Exception: Whatever the subscriber raises.
    """
    loop = own_loop()
    # The loop's own timer cannot end a coroutine that blocks the loop; this can.
    with time_limit(timeout + CANCEL_GRACE):
        try:
            loop.run(call_within(loop, function, arguments, timeout))
        except ExitRequest as request:
            raise request.cause from None


async def call_within(
    loop: OwnLoop,
    function: Callable[..., Coroutine[Any, Any, object]],
    arguments: tuple[object, ...],
    timeout: float,  # noqa: ASYNC109 - it is the target's, and ends the subscriber's own task
    name: str | None = None,
) -> None:
    """Call an async subscriber, in a task of its own, from within the loop.

    Args:
        loop: This thread's.
        function: The subscriber.
        arguments: Its arguments.
        timeout: Seconds after which it is cancelled.
        name: The task's name.

    Raises:
        DeliveryTimeout: When it ran longer.
        ExitRequest: When it raised what would end the process.
        Exception: Whatever else it raises, CancelledError among it.
    """
    task = asyncio.create_task(_sealed(function, arguments), name=name)
    stalled = loop.stalled
    await asyncio.wait({task}, timeout=timeout)
    if not task.done() and loop.stalled > stalled:
        # Another call has blocked the loop: that time is not this one's. Once, since leases end.
        await asyncio.wait({task}, timeout=min(loop.stalled - stalled, timeout))
    is_late = not task.done()
    if is_late:
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_GRACE)
    message = f"the subscriber ran longer than its timeout of {format_duration(timeout)}"
    if not task.done():
        loop.abandoned.add(task)
        _log.error(
            "the subscriber %s goes on although it was cancelled: let CancelledError through",
            getattr(function, "__qualname__", function),
            extra={"action": "cancel_ignored"},
        )
        raise DeliveryTimeout(message)
    try:
        task.result()
    except asyncio.CancelledError as error:
        if is_late:
            raise DeliveryTimeout(message) from error
        raise
    except DeliveryTimeout as error:
        if not str(error):  # torn out of a call that blocked the loop, by the class alone
            raise DeliveryTimeout(message) from error
        raise


async def _sealed(
    function: Callable[..., Coroutine[Any, Any, object]], arguments: tuple[object, ...]
) -> object:
    """Call it; what would end the process does not end the loop with all that runs beside."""
    try:
        return await function(*arguments)
    except (SystemExit, KeyboardInterrupt) as exit_:
        raise ExitRequest(exit_) from exit_
