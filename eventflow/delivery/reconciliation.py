"""What the reconciler does to one bus's ledger: it looks for what is nowhere, slice by slice.

A ledger that only eventflow's scripts touch is always even, since each of them is one step. What is
taken out of it by hand, or was lost with a part of the server's data, is looked for here: Redis is
never asked for more than a slice at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import redis

from eventflow.delivery.keys import DEAD_LETTERS, OVERSEER, ROUTE, Keys
from eventflow.delivery.redis_journal import Noting
from eventflow.delivery.scripts import Argument, Scripts, guarded
from eventflow.events import split_delivery_id

__all__ = ["SLICE", "Reconciliation", "hold_overseer"]

SLICE = 500
"""Keys, or entries of a sorted set, that are looked at in one step."""


def hold_overseer(client: redis.Redis, identity: str, seconds: float) -> bool:
    """Take or keep the place of the one router that oversees; False when another has it.

    Args:
        client: From `connect_redis`.
        identity: Who asks.
        seconds: How long it is given for.

    Raises:
        LedgerError: When the server cannot be reached.
    """
    arguments: list[Argument] = [identity, max(1, round(seconds * 1000))]
    return bool(Scripts(client).run("hold", [OVERSEER], arguments))


class Reconciliation:
    """Repairs on one bus. Every method raises LedgerError when Redis is away.

    Args:
        client: From `connect_redis`.
        bus: The bus.
        journal_most: How many entries of the journal may wait for the recorder; 0 for no journal.
    """

    def __init__(self, client: redis.Redis, bus: str, *, journal_most: int = 0) -> None:
        self._client: Any = client  # redis-py types each answer as "now or awaitable"
        self._scripts = Scripts(client)
        self._keys = Keys(bus)
        self._noting = Noting(self._scripts, self._keys, journal_most)

    def restore_deliveries(self, targets: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """Queue again the deliveries that are in no place, a slice at each step.

        Args:
            targets: Whose deliveries.

        Yields:
            After each slice, a target and the ids that were queued again; empty where there was
            nothing of it.
        """
        wanted, prefix = set(targets), self._keys.deliveries
        for names in self._scan(prefix):
            by_target: defaultdict[str, list[str]] = defaultdict(list)
            for identity in names:
                target = split_delivery_id(identity)[1]
                if target in wanted:
                    by_target[target].append(identity)
            for target, ids in by_target.items():
                keys = [*self._places(target), *(self._keys.delivery(each) for each in ids)]
                yield target, _texts(self._noting.run("restore", keys, ids))
            yield "", []

    def restore_events(self) -> Iterator[list[str]]:
        """Queue again the events that are not routed and in no place, a slice at each step.

        Yields:
            After each slice, the ids that were queued again.
        """
        keys = self._keys
        places = [keys.queued(ROUTE), keys.running(ROUTE), keys.lanes]
        for ids in self._scan(keys.event("")):
            names = [*places, *(keys.event(each) for each in ids)]
            yield _texts(self._noting.run("restore_events", names, [keys.prefix, *ids]))

    def forget_vanished(self, target: str) -> Iterator[list[str]]:
        """Take away entries whose delivery's record is gone, and count them, a slice at each step.

        Yields:
            After each slice, the ids that were taken away.
        """
        for place in self._places(target):
            cursor = 0
            while True:
                read = partial(self._client.zscan, place, cursor, count=SLICE)
                cursor, entries = guarded(self._client, read)
                ids = [identity.decode() for identity, _ in entries]
                keys = [place, self._keys.counts(target)]
                keys += [self._keys.delivery(each) for each in ids]
                yield _texts(self._noting.run("forget", keys, ids)) if ids else []
                if cursor == 0:
                    break

    def restore_letters(self) -> Iterator[list[str]]:
        """Queue again the dead letters that nobody would record, a slice at each step.

        Yields:
            After each slice, the ids that were queued again.
        """
        keys = [self._keys.dead_letters, self._keys.queued(DEAD_LETTERS)]
        for key, scan in zip(keys, (self._client.hscan, self._client.zscan), strict=True):
            cursor = 0
            while True:
                read = partial(scan, key, cursor, count=SLICE)
                cursor, entries = guarded(self._client, read)
                names = _texts(entry if isinstance(entry, bytes) else entry[0] for entry in entries)
                yield _texts(self._scripts.run("restore_letters", keys, names)) if names else []
                if cursor == 0:
                    break

    def settle(self, target: str) -> int:
        """Take a target's balance for right as it is; return the difference that there was."""
        keys = [*self._places(target), self._keys.counts(target)]
        return int(self._scripts.run("settle", keys, []))

    def owners(self, target: str, limit: int) -> list[str]:
        """Return who has the leases of a target that have not ended; so many at most."""
        running = self._keys.running(target)
        seconds, micros = guarded(self._client, self._client.time)
        now = float(seconds) + float(micros) / 1e6
        ids = guarded(
            self._client,
            lambda: self._client.zrangebyscore(running, now, "+inf", start=0, num=limit),
        )
        pipeline = self._client.pipeline(transaction=False)
        for identity in ids:
            pipeline.hget(self._keys.delivery(identity.decode()), "owner")
        return [(owner or b"").decode() for owner in guarded(self._client, pipeline.execute)]

    def progress(self, names: Iterable[str]) -> str:
        """Return what changes whenever something of one of the names is claimed or is through."""
        pipeline = self._client.pipeline(transaction=False)
        for name in names:
            pipeline.hmget(self._keys.counts(name), ["head", "delivered"])
        answers = guarded(self._client, pipeline.execute)
        return ",".join((part or b"").decode() for answer in answers for part in answer)

    def _scan(self, prefix: str) -> Iterator[list[str]]:
        """Yield what follows *prefix* in the names of keys, slice by slice."""
        cursor, pattern = 0, f"{_escaped(prefix)}*"
        while True:
            read = partial(self._client.scan, cursor, match=pattern, count=SLICE)
            cursor, names = guarded(self._client, read)
            yield [name.decode()[len(prefix) :] for name in names]
            if cursor == 0:
                return

    def _places(self, target: str) -> list[str]:
        keys = self._keys
        places = (keys.queued, keys.running, keys.waiting, keys.parked)
        return [place(target) for place in places]


def _escaped(prefix: str) -> str:
    """Return a prefix as a pattern of Redis that means it literally: a bus may have any name."""
    return "".join(f"\\{letter}" if letter in "*?[]\\^-" else letter for letter in prefix)


def _texts(ids: Iterable[bytes]) -> list[str]:
    return [identity.decode() for identity in ids]
