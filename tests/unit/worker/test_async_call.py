"""Async subscribers run in a loop that the worker owns."""

import asyncio
import time
from contextvars import ContextVar

import pytest

from eventflow.errors import DeliveryTimeout
from eventflow.worker.async_call import run_async


async def which_loop(seen: list) -> None:
    """Note the loop that runs this."""
    seen.append(asyncio.get_running_loop())


def test_the_loop_stays() -> None:
    """Two deliveries share a loop, so that a client with open connections can be kept."""
    seen: list = []
    run_async(which_loop, (seen,), 5)
    run_async(which_loop, (seen,), 5)
    assert seen[0] is seen[1]


def test_a_slow_one_is_cancelled() -> None:
    """A coroutine that waits too long is cancelled, and its cleanup runs."""
    seen: list = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("cleaned up")

    with pytest.raises(DeliveryTimeout, match="longer than its timeout of 50ms"):
        run_async(slow, (), 0.05)
    assert seen == ["cleaned up"]
    run_async(which_loop, (seen,), 5)


def test_its_own_timeout_is_its_own() -> None:
    """A TimeoutError of the subscriber's making is not ours."""

    async def fail() -> None:
        raise TimeoutError("the vendor's")

    with pytest.raises(TimeoutError, match="the vendor's"):
        run_async(fail, (), 5)


def test_one_that_blocks_its_loop_is_ended() -> None:
    """A coroutine that never yields is ended too, and the next runs."""

    async def block() -> None:
        time.sleep(60)  # noqa: ASYNC251 - the fault that is tested

    seen: list = []
    with pytest.raises(DeliveryTimeout):
        run_async(block, (), 0.05)
    run_async(which_loop, (seen,), 5)
    assert len(seen) == 1


def test_each_call_runs_in_its_caller_s_context() -> None:
    """Not in that of the loop's first call: the ids of its log lines and its trace are its own."""
    variable: ContextVar[str] = ContextVar("delivery")
    seen: list = []

    async def note() -> None:
        seen.append(variable.get())

    for value in ("first", "second"):
        variable.set(value)
        run_async(note, (), 5)
    assert ["first", "second"] == seen
