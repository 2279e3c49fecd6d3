"""What has long been silent: when each rule last matched, and which events no rule matched.

A router writes what it has seen at once where it is news, and then at most once a minute: the facts
are about days, and cost the routing of an event nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from eventflow.delivery.keys import Keys
from eventflow.delivery.scripts import Argument, Scripts, guarded

__all__ = ["MOST_UNMATCHED", "Silence", "Unmatched"]

MOST_UNMATCHED = 200
"""Kinds of events without a rule that are remembered; of more, those that came first."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Events of one source and type that matched no rule, since the rules are as they are.

    Attributes:
        source: Their source.
        type: Their type.
        number: At least so many.
        last_at: When the last was noted, seconds since the epoch by the ledger's clock.
    """

    source: str
    type: str
    number: int
    last_at: float


class Silence:
    """The facts of one bus. Every method raises LedgerError when Redis is away.

    Args:
        client: From `connect_redis`.
        bus: The bus.
    """

    def __init__(self, client: redis.Redis, bus: str) -> None:
        self._client: Any = client  # redis-py types each answer as "now or awaitable"
        self._scripts = Scripts(client)
        self._keys = Keys(bus)

    def begin(self, rules: Sequence[str]) -> None:
        """Count from now on for rules that are new, and forget those that are no more.

        Args:
            rules: The names of those in force.
        """
        self._scripts.run("begin_silence", [self._keys.matches], list(rules))

    def note(
        self,
        matched: Iterable[str],
        unmatched: Mapping[tuple[str, str], int],
        *,
        fingerprint: str,
    ) -> None:
        """Note that rules have matched just now, and events that none has.

        Args:
            matched: The rules' names.
            unmatched: How many events, by source and type.
            fingerprint: Of the rules; with others, unmatched events are counted anew.
        """
        rules = list(matched)
        arguments: list[Argument] = [fingerprint, MOST_UNMATCHED, len(rules), *rules]
        for (source, kind), number in unmatched.items():
            arguments += (f"{source}|{kind}", number)
        keys = [self._keys.matches, self._keys.unmatched]
        self._scripts.run("note_silence", keys, arguments)

    def matches(self) -> dict[str, float]:
        """Return, for each rule in force, the seconds since it matched, or since it is there."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.time()
        pipeline.hgetall(self._keys.matches)
        (seconds, micros), kept = guarded(self._client, pipeline.execute)
        now = seconds + micros / 1e6
        return {name.decode(): max(0.0, now - float(at)) for name, at in kept.items()}

    def unmatched(self) -> list[Unmatched]:
        """Return the events that no rule matched, most frequent first."""
        kept = guarded(self._client, lambda: self._client.hgetall(self._keys.unmatched))
        found = []
        for name, text in kept.items():
            source, bar, kind = name.decode().partition("|")
            if bar:  # the other field is the rules' fingerprint
                number, at = text.split()
                found.append(Unmatched(source, kind, int(number), float(at)))
        return sorted(found, key=lambda one: (-one.number, one.source, one.type))

    def unserved(self, targets: Sequence[str]) -> dict[str, float]:
        """Return, for each target that has got deliveries since its last success, for how long."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.time()
        for name in targets:
            pipeline.hget(self._keys.counts(name), "unserved")
        (seconds, micros), *kept = guarded(self._client, pipeline.execute)
        now = seconds + micros / 1e6
        return {
            name: max(0.0, now - float(at))
            for name, at in zip(targets, kept, strict=True)
            if at is not None
        }
