"""The journal in Redis: what the scripts write there, handed to the recorder, and its state."""

import logging
from collections.abc import Sequence
from typing import Any

import redis

from eventflow.delivery.keys import JOURNAL, Keys
from eventflow.delivery.redis_targets import RedisTargets
from eventflow.delivery.scripts import Argument, Scripts, guarded
from eventflow.errors import LedgerError
from eventflow.journal import (
    TELL_EVERY,
    JournalCall,
    JournalEntry,
    JournalState,
    RecorderCall,
    read_entry,
)

__all__ = ["Noting", "RedisJournal"]

_log = logging.getLogger("eventflow.delivery")
_CALLS = {0: JournalCall.NO, 1: JournalCall.YES, 2: JournalCall.AGAIN}


class Noting:
    """Runs scripts that write to the journal: those that include `journal`.

    Args:
        scripts: The server's.
        keys: The bus's.
        most: How many entries may wait for the recorder; 0 for no journal.
    """

    def __init__(self, scripts: Scripts, keys: Keys, most: int) -> None:
        self._scripts = scripts
        self._keys = [keys.journal, keys.counts(JOURNAL)]
        self._most = most

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run one script; as `Scripts.run`."""
        return self._scripts.run(name, [*keys, *self._keys], [*arguments, self._most])

    def run_once(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run one script; as `Scripts.run_once`."""
        return self._scripts.run_once(name, [*keys, *self._keys], [*arguments, self._most])

    def command(
        self, name: str, keys: Sequence[str], arguments: Sequence[Argument | None]
    ) -> list[Argument | None]:
        """Return the command that runs one script, for who sends it on a connection of its own.

        An argument that is None changes from call to call.
        """
        return self._scripts.command(name, [*keys, *self._keys], [*arguments, self._most])


class RedisJournal(RedisTargets):
    """One bus's journal. `eventflow.delivery.ledger.Ledger` says what each method does.

    Args:
        client: From `connect_redis`.
        bus: The bus.
        journal_most: How many entries may wait for the recorder; 0 for no journal.
    """

    def __init__(self, client: redis.Redis, bus: str, *, journal_most: int = 0) -> None:
        super().__init__(client, bus)
        self._noting = Noting(self._scripts, self._keys, journal_most)
        self._journal_counts = self._keys.counts(JOURNAL)

    def journal_entries(self, limit: int) -> list[JournalEntry]:
        """Return the oldest entries that are not in the store yet, in order."""
        kept = guarded(self._client, lambda: self._client.xrange(self._keys.journal, count=limit))
        entries: list[JournalEntry] = []
        unreadable: list[bytes] = []
        for identity, fields in kept:
            try:
                entries.append(read_entry(self._bus, identity.decode(), fields))
            except LedgerError as error:
                # One that a newer version wrote must not keep those behind it back for ever.
                _log.error("dropped: %s", error, extra={"action": "journal_unreadable"})
                unreadable.append(identity)
        if unreadable:
            self._drop(unreadable)
        return entries

    def journal_recorded(self, ids: Sequence[str]) -> None:
        """Forget entries that are safely in the store."""
        if ids:
            streamed = [_stream_id(identity) for identity in ids]
            guarded(self._client, lambda: self._client.xdel(self._keys.journal, *streamed))

    def journal_state(self) -> JournalState:
        """Tell how much of the journal waits, since when, and how much was dropped."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.time()
        pipeline.xlen(self._keys.journal)
        pipeline.hget(self._journal_counts, "dropped")
        pipeline.xrange(self._keys.journal, count=1)
        (seconds, micros), waiting, dropped, first = guarded(self._client, pipeline.execute)
        age = 0.0
        if first:
            written = int(first[0][0].partition(b"-")[0]) / 1000
            age = max(0.0, seconds + micros / 1e6 - written)
        return JournalState(waiting, int(dropped or 0), age)

    def call_recorder(self, *, patience: float) -> RecorderCall:
        """Decide whether the recorder is to be sent a message; if so, it counts as sent."""
        keys = [self._keys.journal, self._journal_counts]
        number, dropped = self._scripts.run("call_recorder", keys, [patience, TELL_EVERY])
        return RecorderCall(_CALLS[number], dropped)

    def recorder_answered(self) -> None:
        """Note that the recorder's message is done with."""
        guarded(self._client, lambda: self._client.hdel(self._journal_counts, "until"))

    def _run_noting(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        return self._noting.run(name, keys, arguments)

    def _drop(self, ids: Sequence[bytes]) -> None:
        pipeline = self._client.pipeline(transaction=True)
        pipeline.xdel(self._keys.journal, *ids)
        pipeline.hincrby(self._journal_counts, "dropped", len(ids))
        guarded(self._client, pipeline.execute)


def _stream_id(identity: str) -> str:
    """Return an entry's id as Redis has it, without the zeros that make it sort as a text."""
    milliseconds, _, number = identity.partition("-")
    return f"{int(milliseconds)}-{int(number)}"
