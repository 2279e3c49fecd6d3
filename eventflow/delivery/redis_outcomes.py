"""Outcomes on their way to Redis: said at once, one after another, and answered later.

What has succeeded is on its way before the next delivery begins, so that a worker that is killed
repeats nothing but what it was at; and nobody waits for an answer in between. A connection of its own
carries them, in their order.
"""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import redis

from eventflow.delivery.answers import BreakerChange, Finish, Finished
from eventflow.delivery.insist import insist
from eventflow.delivery.scripts import guarded
from eventflow.errors import LedgerError

__all__ = ["RedisOutcomes", "read_finished"]

_UNANSWERED = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.NoScriptError)


def read_finished(answer: bytes) -> Finished:
    """Read what `lua/finish.lua` returns."""
    change, _, recorded = answer.decode().partition(" ")
    return Finished([each == "1" for each in recorded], BreakerChange(change))


class RedisOutcomes:
    """One thread's line to the ledger, for a list of deliveries; a context manager.

    Args:
        client: From `connect_redis`.
        pack: Writes the command that records an outcome and begins the delivery that is named.
        finish: Records outcomes in a call of its own.
    """

    def __init__(
        self,
        client: redis.Redis,
        pack: Callable[[Finish, str], bytes],
        finish: Callable[[Sequence[Finish]], Finished],
    ) -> None:
        self._pool: Any = client.connection_pool
        self._client = client
        self._pack = pack
        self._finish = finish
        self._connection: Any = None
        self._told: list[Finish] = []
        self._is_broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            if self._told:  # whoever has it next would read these answers
                self._connection.disconnect()
            self._pool.release(self._connection)

    def tell(self, finish: Finish, then: str = "") -> None:
        """Say how a delivery went, and which of those that are reserved is begun now.

        It never fails: what was not heard is said again by `settle`.

        Args:
            finish: The outcome.
            then: The next delivery's id; empty for none.
        """
        self._told.append(finish)
        if self._is_broken:
            return
        try:
            if self._connection is None:
                self._connection = self._pool.get_connection()
                self._connection.check_health()
            # No look at its health: an answer to that would come after those that are awaited.
            self._connection.send_packed_command([self._pack(finish, then)], check_health=False)
        except redis.RedisError:
            self._is_broken = True

    def settle(self) -> Finished:
        """Wait until all that was told is recorded, however long the ledger is away.

        Returns:
            What became of each, since the last time.

        Raises:
            LedgerError: When the ledger answers, and refuses.
        """
        told, self._told = self._told, []
        recorded: list[bool] = []
        change = BreakerChange.NONE
        for number, finish in enumerate(told):
            finished = self._answer()
            if finished is None and self._is_broken:
                rest = told[number:]
                again = insist(lambda: self._finish(rest))  # noqa: B023 - called before the next
                return Finished(recorded + again.recorded, again.breaker or change)
            if finished is None:
                finished = insist(lambda: self._finish([finish]))  # noqa: B023
            recorded += finished.recorded
            change = finished.breaker or change
        return Finished(recorded, change)

    def _answer(self) -> Finished | None:
        """Return the next answer; None where it is not known whether it was heard."""
        if self._is_broken:
            return None
        try:
            return read_finished(guarded(self._client, self._connection.read_response))
        except LedgerError as error:
            cause = error.__cause__
            if not isinstance(cause, _UNANSWERED):
                raise
            self._is_broken = not isinstance(cause, redis.exceptions.NoScriptError)
            return None
