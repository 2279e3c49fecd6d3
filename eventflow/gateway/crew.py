"""The threads that publish: so many at once, so many waiting, and none waited for without end."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import ParamSpec, TypeVar

from eventflow.gateway.refusals import Refusal

__all__ = ["Crew"]

P = ParamSpec("P")
T = TypeVar("T")
_WAITING_FOR_EACH = 16  # calls that may wait for each thread: some 20 ms of work


class Crew:
    """Runs what blocks, outside of the event loop.

    Args:
        threads: How many calls run at once.
        within: The seconds in which a caller gets its answer.
    """

    def __init__(self, threads: int, within: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="eventflow-serve")
        self._most = threads * (1 + _WAITING_FOR_EACH)
        self._within = within
        self._pending = 0

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a thread, and return or raise what it does.

        Args:
            call: What to call.
            args: Its positional arguments.
            kwargs: Its keyword arguments.

        Raises:
            Refusal: When too many calls wait already, or there is no answer in time; 503.
        """
        if self._pending >= self._most:
            message = "more requests wait than can be served in time: try again later"
            raise Refusal(message, HTTPStatus.SERVICE_UNAVAILABLE, retry_after=1)
        self._pending += 1
        # In the caller's context, so that its trace goes on in the thread.
        work = partial(contextvars.copy_context().run, call, *args, **kwargs)
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        # Not when the caller gives up: the thread is busy until the call has ended.
        future.add_done_callback(self._release)
        try:
            async with asyncio.timeout(self._within):
                return await asyncio.shield(future)
        except TimeoutError:
            if future.done():  # the call's own
                raise
            message = (
                f"no answer within {self._within:g} s, and it is not known what was accepted: send "
                "it again, with the same ids"
            )
            raise Refusal(message, HTTPStatus.SERVICE_UNAVAILABLE, retry_after=1) from None

    def close(self) -> None:
        """Wait for what runs, and end the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _release(self, future: asyncio.Future[T]) -> None:
        self._pending -= 1
        if not future.cancelled():
            future.exception()  # seen, also where nobody waits for it any more
