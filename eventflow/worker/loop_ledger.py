"""The ledger of one target as a loop uses it: in a thread beside it, and outcomes many at a time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from eventflow.delivery import Claim, Finish, Ledger, insist
from eventflow.rules import Target
from eventflow.worker.async_call import OwnLoop
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
        self._ended: list[tuple[Finish, asyncio.Future[bool]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def queued(self, most: int) -> list[str]:
        """Return deliveries that are on the target's queue, the oldest first; so many at most."""
        return await self.beside(lambda: self._ledger.queued(self._target.name, most))

    def claim_now(self, delivery_ids: Sequence[str]) -> list[Claim]:
        """Claim deliveries that begin now; blocks, and so is called while nothing runs.

        Raises:
            LedgerError: When the ledger refuses, or is away while the worker stops.
        """
        return insist(
            lambda: self._ledger.claim(
                self._target, delivery_ids, lease=self._lease, owner=self._owner, alone=False
            ),
            unless=self._context.stopping.is_set,
        )

    async def claim(self, delivery_ids: Sequence[str]) -> list[Claim]:
        """Claim deliveries that begin now.

        Raises:
            LedgerError: When the ledger refuses, or is away while the worker stops.
        """
        return await self.beside(lambda: self.claim_now(delivery_ids))

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
            except Exception as error:  # noqa: BLE001 - each of those who wait is told
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), is_recorded in zip(batch, recorded, strict=True):
                    future.set_result(is_recorded)
        self._sending = None
