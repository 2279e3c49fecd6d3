"""What the ledger in Redis is told, and tells, of targets: definitions, counts, circuit breakers."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis

from eventflow.delivery.answers import (
    BreakerState,
    BreakerStatus,
    DeliveryState,
    Progress,
    TargetStatus,
)
from eventflow.delivery.keys import BUSES, Keys
from eventflow.delivery.scripts import Scripts, guarded

__all__ = ["RedisTargets"]


class RedisTargets:
    """One bus's targets. `eventflow.delivery.ledger.Ledger` says what each method does.

    Args:
        client: From `connect_redis`.
        bus: The bus.
    """

    def __init__(self, client: redis.Redis, bus: str) -> None:
        self._client: Any = client  # redis-py types each answer as "now or awaitable"
        self._scripts = Scripts(client)
        self._keys = Keys(bus)
        self._bus = bus

    @property
    def bus(self) -> str:
        """The bus whose events it knows."""
        return self._bus

    def announce(self, targets: Mapping[str, str]) -> None:
        """Make targets known to workers and movers: name to definition, as JSON."""
        if targets:
            key, mapping = self._keys.targets, dict(targets)
            guarded(self._client, lambda: self._client.sadd(BUSES, self._bus))
            guarded(self._client, lambda: self._client.hset(key, mapping=mapping))

    def targets(self) -> dict[str, str]:
        """Return the targets that were announced."""
        answer = guarded(self._client, lambda: self._client.hgetall(self._keys.targets))
        return {name.decode(): definition.decode() for name, definition in answer.items()}

    def restrict(self, replay_name: str, restriction: str) -> None:
        """Keep what a replay is restricted to, as JSON, for the routers of its events."""
        key = self._keys.replays
        guarded(self._client, lambda: self._client.hset(key, replay_name, restriction))

    def restriction(self, replay_name: str) -> str | None:
        """Return what `restrict` kept; None of a replay that is not known."""
        key = self._keys.replays
        answer = guarded(self._client, lambda: self._client.hget(key, replay_name))
        return answer.decode() if answer is not None else None

    def lift(self, replay_names: Sequence[str]) -> None:
        """Forget what replays were restricted to, once all of their events are routed."""
        if replay_names:
            key = self._keys.replays
            guarded(self._client, lambda: self._client.hdel(key, *replay_names))

    def queued(self, target: str, limit: int) -> list[str]:
        """Return the ids of a target's deliveries that are on its queue, the oldest first."""
        key = self._keys.queued(target)
        ids = guarded(self._client, lambda: self._client.zrange(key, 0, limit - 1))
        return [identity.decode() for identity in ids]

    def unfinished(self, target: str, limit: int) -> list[str]:
        """Return the ids of a target's deliveries that are not finished, as of one moment."""
        pipeline = self._client.pipeline(transaction=True)  # what moves meanwhile is not missed
        for place in self._places(target):
            pipeline.zrange(place, 0, limit - 1)
        places = guarded(self._client, pipeline.execute)
        return [identity.decode() for place in places for identity in place]

    def describe(self, delivery_ids: Sequence[str]) -> list[tuple[str, int]]:
        """Return each delivery's event type and attempts so far; `("", 0)` where it is gone."""
        pipeline = self._client.pipeline(transaction=False)
        for identity in delivery_ids:
            pipeline.hmget(self._keys.delivery(identity), ["type", "attempts"])
        answers = guarded(self._client, pipeline.execute)
        return [(_text(kind), int(attempts or 0)) for kind, attempts in answers]

    def progress(self, delivery_ids: Sequence[str]) -> list[Progress | None]:
        """Tell how far each delivery in flight is; None where it is finished, or never was."""
        fields = ["attempts", "failed", "error_type", "error"]
        pipeline = self._client.pipeline(transaction=False)
        for identity in delivery_ids:
            pipeline.hmget(self._keys.delivery(identity), fields)
        answers = guarded(self._client, pipeline.execute) if delivery_ids else []
        return [
            Progress(int(attempts), int(failed or 0), _text(kind), _text(error))
            if attempts is not None
            else None
            for attempts, failed, kind, error in answers
        ]

    def status(self, targets: Sequence[str]) -> dict[str, TargetStatus]:
        """Count each target's deliveries."""
        pipeline = self._client.pipeline(transaction=False)
        for target in targets:
            for place in self._places(target):
                pipeline.zcard(place)
            pipeline.hmget(self._keys.counts(target), ["delivered", "retried", "dead"])
            pipeline.hexists(self._keys.pause(target), "since")
        answers = guarded(self._client, pipeline.execute)
        return {
            target: _read_status(answers[at : at + 6])
            for target, at in zip(targets, range(0, len(answers), 6), strict=True)
        }

    def waiting(self, target: str, limit: int) -> list[DeliveryState]:
        """List deliveries that wait for their next attempt, soonest first."""
        key = self._keys.waiting(target)
        entries = guarded(
            self._client, lambda: self._client.zrange(key, 0, limit - 1, withscores=True)
        )
        pipeline = self._client.pipeline(transaction=False)
        for identity, _ in entries:
            fields = ["attempts", "error_type", "error"]
            pipeline.hmget(self._keys.delivery(identity.decode()), fields)
        answers = guarded(self._client, pipeline.execute)
        return [
            DeliveryState(
                delivery_id=identity.decode(),
                target=target,
                attempts=int(attempts or 0),
                due_at=due,
                error_type=_text(kind),
                error=_text(error),
            )
            for (identity, due), (attempts, kind, error) in zip(entries, answers, strict=True)
        ]

    def breakers(self, targets: Sequence[str]) -> dict[str, BreakerStatus]:
        """Tell the state of each target's circuit breaker."""
        if not targets:
            return {}
        answers = self._scripts.run("breakers", [self._keys.breaker(name) for name in targets], [])
        return {
            name: BreakerStatus(
                BreakerState(state.decode()),
                since=float(since or 0),
                until=float(until or 0),
                calls=int(calls or 0),
                failed=int(failed or 0),
                error=_text(error),
                reason=_text(reason),
            )
            for name, (state, since, until, calls, failed, error, reason) in zip(
                targets, answers, strict=True
            )
        }

    def open_breaker(self, target: str, *, seconds: float | None, reason: str) -> None:
        """Open a circuit breaker by hand: for so many seconds, or until it is closed by hand."""
        length = seconds if seconds is not None else ""
        self._scripts.run("set_breaker", [self._keys.breaker(target)], ["open", length, reason])

    def close_breaker(self, target: str) -> bool:
        """Close a circuit breaker by hand and forget what it counted; False if it was closed."""
        before = self._scripts.run("set_breaker", [self._keys.breaker(target)], ["closed", "", ""])
        return bool(before != b"closed")

    def _places(self, target: str) -> list[str]:
        """The sorted sets of one target: a delivery is in one of them."""
        keys = self._keys
        return [
            keys.queued(target),
            keys.running(target),
            keys.waiting(target),
            keys.parked(target),
        ]

    def _registry(self, target: str) -> list[str]:
        """What registering a delivery of a target touches, beside the delivery itself."""
        keys = self._keys
        return [keys.queued(target), keys.counts(target), keys.pause(target)]


def _read_status(answers: Sequence[Any]) -> TargetStatus:
    queued, running, waiting, parked, counts, paused = answers
    delivered, retried, dead = (int(number or 0) for number in counts)
    return TargetStatus(
        queued, running, waiting, parked, delivered, retried, dead, paused=bool(paused)
    )


def _text(value: bytes | None) -> str:
    return value.decode() if value else ""
