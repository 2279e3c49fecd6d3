"""The outcomes of a list of deliveries, on their way to Redis: told one by one, recorded together.

What has succeeded is on its way before the next delivery begins, so that a worker that is killed
repeats nothing but what it was at. That is one push onto a list of the owner's own, to which the server
answers nothing; nobody reads it unless the owner ends (`lua/shared/successes.lua`). Once the list of
deliveries is made, one script records them all.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import redis

from eventflow.delivery.answers import BreakerChange, Finish, Finished
from eventflow.delivery.insist import insist
from eventflow.delivery.packing import CommandPacker
from eventflow.delivery.scripts import guarded
from eventflow.errors import LedgerError

__all__ = ["OutcomeWriter", "RedisOutcomes", "read_finished"]

_log = logging.getLogger("eventflow.delivery")
_UNANSWERED = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.NoScriptError)
_PACKER = CommandPacker()
_SILENT = b"".join(_PACKER.pack("CLIENT", "REPLY", "OFF"))
_ANSWERING = b"".join(_PACKER.pack("CLIENT", "REPLY", "ON"))


def read_finished(answer: bytes) -> Finished:
    """Read what `lua/finish.lua` returns."""
    change, _, recorded = answer.decode().partition(" ")
    return Finished([each == "1" for each in recorded], BreakerChange(change))


@dataclass(frozen=True, slots=True)
class OutcomeWriter:
    """How an owner's words are written.

    Attributes:
        push: Writes the command that notes a success, and what is begun next.
        keep: The command that has the notes forgotten some day, if nobody ever looks for them.
        record: Writes the command that records outcomes, and begins what is named; then of what was
            noted the last one's id, if anything was: the notes are forgotten.
        finish: Does the same as `record`, in a call of its own.
    """

    push: Callable[[Finish, str], bytes]
    keep: bytes
    record: Callable[[Sequence[Finish], str, str], bytes]
    finish: Callable[[Sequence[Finish], str, str], Finished]


class RedisOutcomes:
    """One thread's line to the ledger, for a list of deliveries; a context manager.

    Args:
        client: From `connect_redis`.
        writer: Writes its commands.
    """

    def __init__(self, client: redis.Redis, writer: OutcomeWriter) -> None:
        self._pool: Any = client.connection_pool
        self._client = client
        self._writer = writer
        self._connection: Any = None
        self._told: list[Finish] = []
        self._begun = ""  # with what was told last
        self._is_broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._told and not self._is_broken:
            # Torn out of the list: it is said, and nobody waits for the answer, or may ever read it.
            with suppress(redis.RedisError):
                self._send(self._writer.record(self._told, self._begun, self._last_told()))
            self._is_broken = True
        if self._connection is not None:
            if self._is_broken:
                self._connection.disconnect()
            self._pool.release(self._connection)

    def tell(self, success: Finish, then: str) -> None:
        """Say that a delivery has succeeded, and which of those that are reserved is begun now.

        It never fails: `settle` says all of it again.

        Args:
            success: Its outcome.
            then: The next delivery's id.
        """
        words = self._writer.push(success, then)
        if not self._told:
            words = _SILENT + words + self._writer.keep
        self._told.append(success)
        self._begun = then
        if self._is_broken:
            return
        try:
            self._send(words)
        except redis.RedisError:
            self._is_broken = True

    def settle(self, last: Finish | None = None, then: str = "") -> Finished:
        """Record all that was told and one outcome more, however long the ledger is away.

        Args:
            last: An outcome that was not told.
            then: The next delivery's id; empty for none.

        Returns:
            What became of each, since the last time.

        Raises:
            LedgerError: When the ledger answers, and refuses.
        """
        last_told = self._last_told()
        finishes = [*self._told, *([last] if last is not None else [])]
        begun = self._begun if last is None else then
        self._told = []
        if not finishes:
            return Finished([], BreakerChange.NONE)
        finished = None if self._is_broken else self._record(finishes, begun, last_told)
        return finished or insist(lambda: self._writer.finish(finishes, begun, last_told))

    def _record(self, finishes: Sequence[Finish], then: str, last_told: str) -> Finished | None:
        """Record outcomes behind what was told; None where it is not known whether it was heard."""

        def call() -> bytes:
            words = self._writer.record(finishes, then, last_told)
            self._send(_ANSWERING + words if last_told else words)
            if last_told:
                self._connection.read_response()
            answer: bytes = self._connection.read_response()
            return answer

        try:
            return read_finished(guarded(self._client, call))
        except LedgerError as error:
            # Whatever it was: what comes on this connection may be the answer to something else.
            self._is_broken = True
            if not isinstance(error.__cause__, _UNANSWERED):
                _log.warning("%s", error, extra={"action": "outcomes_refused"})
            return None

    def _last_told(self) -> str:
        return self._told[-1].delivery_id if self._told else ""

    def _send(self, words: bytes) -> None:
        if self._connection is None:
            self._connection = self._pool.get_connection()
            self._connection.check_health()
        # No look at its health: an answer to that would come before those that are awaited.
        self._connection.send_packed_command([words], check_health=False)
