"""Async subscribers, adapted in this one place: run to their end in a loop that the worker owns."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from eventflow.errors import DeliveryTimeout
from eventflow.units import format_duration
from eventflow.worker.timeout import time_limit

__all__ = ["run_async"]

_GRACE = 1.0  # seconds for a cancelled coroutine to end by itself
_local = threading.local()


def run_async(
    function: Callable[..., Coroutine[Any, Any, object]],
    arguments: tuple[object, ...],
    timeout: float,
) -> None:
    """Run an async subscriber to its end.

    The loop is this thread's own and stays between calls, so that a client with open connections
    can too.

    Args:
        function: The subscriber.
        arguments: Its arguments.
        timeout: Seconds after which it is cancelled.

    Raises:
        DeliveryTimeout: When it ran longer.
        Exception: Whatever the subscriber raises.
    """
    is_ended = False

    async def limited() -> None:
        """Call it, within the loop's own limit."""
        nonlocal is_ended
        try:
            async with asyncio.timeout(timeout) as limit:
                await function(*arguments)
        except TimeoutError as error:
            if not limit.expired():
                raise  # the subscriber's own
            message = f"the subscriber ran longer than its timeout of {format_duration(timeout)}"
            raise DeliveryTimeout(message) from error
        finally:
            is_ended = True

    runner = _runner()
    try:
        # The loop's own timer cannot end a coroutine that blocks the loop; this can.
        with time_limit(timeout + _GRACE):
            # In the caller's context, not in that of the loop's first call: its trace, its log fields.
            runner.run(limited(), context=contextvars.copy_context())
    finally:
        if not is_ended:
            # It blocked its loop and was torn out of it: the next delivery gets a loop of its own.
            _local.runner = None


def _runner() -> asyncio.Runner:
    runner: asyncio.Runner | None = getattr(_local, "runner", None)
    if runner is None:
        runner = _local.runner = asyncio.Runner()
    return runner
