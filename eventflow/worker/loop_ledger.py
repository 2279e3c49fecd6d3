"""The ledger of one target as a loop uses it: in a thread beside it, and outcomes many at a time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from eventflow.delivery import Draw, Finish, Ledger, Taken, insist
from eventflow.rules import Target
from eventflow.transport import deliver_message
from eventflow.worker.async_call import OwnLoop
from eventflow.worker.calling import call_again, send_calls
from eventflow.worker.context import WorkerContext
from eventflow.worker.loop_watch import OWN_TASK
from eventflow.worker.outcomes import record_finishes

__all__ = ["MOST_FINISHES", "LoopLedger"]

MOST_FINISHES = 100
"""Outcomes in one call of the ledger."""

T = TypeVar("T")


class LoopLedger:
    """Never blocks the loop; while the ledger is away, what runs goes on, and its outcome is kept.

    Args:
        context: The process's parts.
        ledger: The ledger.
        target: The target.
        loop: The loop.
        owner: Marks the claims.
        lease: Seconds that each is leased for.
    """

    def __init__(
        self,
        context: WorkerContext,
        ledger: Ledger,
        target: Target,
        loop: OwnLoop,
        *,
        owner: str,
        lease: float,
    ) -> None:
        self._context = context
        self._ledger = ledger
        self._target = target
        self._loop = loop
        self._owner = owner
        self._lease = lease
        self._patience = context.settings.requeue_after
        self._call = deliver_message(ledger.bus, target.name, target.queue, target.task, [])
        self._ended: list[tuple[Finish, asyncio.Future[bool]]] = []
        self._sending: asyncio.Task[None] | None = None

    def take_now(self, named: Sequence[str], most: int, look: int) -> Taken:
        """Answer a message, and take what it names; blocks, and so is called while nothing runs.

        Args:
            named: What it names.
            most: The most that may run.
            look: How many of those that are queued are looked at.

        Raises:
            LedgerError: When the ledger refuses, or is away while the worker stops.
        """
        draw = Draw(most, look=look, answers=True, patience=self._patience, begins_all=True)
        return self._take(named, draw, in_flight=0)

    async def take(self, most: int, look: int, in_flight: int) -> Taken:
        """Take more of what is queued; all of it begins now.

        Args:
            most: The most that may run.
            look: How many of those that are queued are looked at.
            in_flight: How many run here.

        Raises:
            LedgerError: When the ledger refuses, or is away while the worker stops.
        """
        draw = Draw(most, look=look, answers=False, patience=self._patience, begins_all=True)
        return await self.beside(lambda: self._take((), draw, in_flight=in_flight))

    def _take(self, named: Sequence[str], draw: Draw, *, in_flight: int) -> Taken:
        """Take, and call another worker where there is enough for two."""
        draws = iter([draw])
        # Where an answer was lost, what runs here is answered once more too.
        again = replace(draw, most=draw.most + in_flight, repeats=True)
        taken = insist(
            lambda: self._ledger.take(
                self._target, named, next(draws, again), lease=self._lease, owner=self._owner
            ),
            unless=self._context.stopping.is_set,
        )
        if taken.is_called:
            send_calls(self._context, [self._call])
        return taken

    def call_again(self) -> None:
        """Have what is left queued done by another task."""
        call_again(self._context, self._ledger, self._target.name, self._call)

    async def finish(self, finish: Finish) -> bool:
        """Record an outcome at once, together with those that come while a call is under way.

        Returns:
            Whether it was recorded; else it was finished or claimed by another meanwhile.

        Raises:
            LedgerError: When the ledger refuses.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._ended.append((finish, future))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), name=OWN_TASK)
        return await future

    async def beside(self, call: Callable[[], T]) -> T:
        """Make a call that blocks in the thread beside the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._loop.beside, call)

    async def _send(self) -> None:
        while self._ended:
            batch, self._ended = self._ended[:MOST_FINISHES], self._ended[MOST_FINISHES:]
            finishes = [finish for finish, _ in batch]
            try:
                recorded = await self.beside(
                    lambda finishes=finishes: record_finishes(  # type: ignore[misc]
                        self._context, self._ledger, self._target, finishes
                    )
                )
                for (_, future), is_recorded in zip(batch, recorded, strict=True):
                    future.set_result(is_recorded)
            except Exception as error:  # noqa: BLE001 - each of those who wait is told
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
        self._sending = None
