"""The threads that publish: bounded in number, in what waits, and in time."""

import asyncio
import threading

import pytest

from eventflow.gateway.crew import Crew
from eventflow.gateway.refusals import Refusal


def test_results_and_errors_come_back() -> None:
    """A call's result is returned, and its own error raised, a TimeoutError too."""

    async def use() -> None:
        crew = Crew(1, within=30)
        assert await crew.run(pow, 2, 5) == 32
        with pytest.raises(ZeroDivisionError):
            await crew.run(divmod, 1, 0)

        def fail() -> None:
            raise TimeoutError

        with pytest.raises(TimeoutError):
            await crew.run(fail)
        crew.close()

    asyncio.run(use())


def test_more_than_can_wait_are_refused() -> None:
    """With all threads busy and the queue full, a call is refused at once, and later taken again."""

    async def use() -> None:
        crew = Crew(1, within=30)
        go = threading.Event()
        waiting = [asyncio.ensure_future(crew.run(go.wait)) for _ in range(17)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as caught:
            await crew.run(int)
        assert (caught.value.status, caught.value.retry_after) == (503, 1)
        go.set()
        await asyncio.gather(*waiting)
        assert await crew.run(int) == 0
        crew.close()

    asyncio.run(use())


def test_a_call_that_hangs_is_not_waited_for() -> None:
    """A caller gets its answer in time, and the thread counts as busy until the call has ended."""

    async def use() -> None:
        crew = Crew(1, within=0.01)
        go = threading.Event()
        with pytest.raises(Refusal, match="not known what was accepted"):
            await crew.run(go.wait)
        assert crew._pending == 1
        go.set()
        crew.close()  # waits for the thread
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert crew._pending == 0

    asyncio.run(use())
