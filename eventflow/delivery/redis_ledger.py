"""The ledger in Redis or Valkey: each method is one script, or one plain command."""

import json
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import redis

from eventflow.delivery.keys import BUSES, DEAD_LETTERS, ROUTE, Keys
from eventflow.delivery.ledger import (
    Acceptance,
    Claim,
    DeliveryState,
    Finish,
    Moved,
    Outcome,
    Planned,
    RouteWork,
    TargetStatus,
    Verdict,
)
from eventflow.delivery.scripts import Argument, Scripts, guarded
from eventflow.events import delivery_id
from eventflow.records import DeadLetter

__all__ = ["RedisLedger"]

_ACCEPTANCES = {
    1: Acceptance.NEW,
    2: Acceptance.PENDING,
    0: Acceptance.DUPLICATE,
    3: Acceptance.FULL,
}


class RedisLedger:
    """One bus's ledger. Fulfils `eventflow.delivery.ledger.Ledger`, which says what each does.

    Args:
        client: From `connect_redis`.
        bus: The bus.
        window: How long, in seconds, an event's id is remembered once all is delivered.
        most: How many events may wait to be routed before `accept` takes no more; 0 for any number.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        bus: str = "default",
        window: float = 86400.0,
        most: int = 0,
    ) -> None:
        self._client: Any = client  # redis-py types each answer as "now or awaitable"
        self._scripts = Scripts(client)
        self._keys = Keys(bus)
        self._bus = bus
        self._window = ceil(window)
        self._most = most
        self._known = False

    @property
    def bus(self) -> str:
        """The bus whose events it knows."""
        return self._bus

    def accept(self, events: Sequence[tuple[str, bytes]]) -> list[Acceptance]:
        """Take events, as pairs of id and JSON; when this returns, they are safe."""
        if not self._known:  # movers look only at buses that they know of
            guarded(self._client, lambda: self._client.sadd(BUSES, self._bus))
            self._known = True
        keys = [self._keys.queued(ROUTE)]
        arguments: list[Argument] = [self._most]
        for event_id, body in events:
            keys += (self._keys.event(event_id), self._keys.body(event_id))
            arguments += (event_id, body)
        return [_ACCEPTANCES[answer] for answer in self._scripts.run("accept", keys, arguments)]

    def begin_route(self, event_ids: Sequence[str]) -> list[RouteWork]:
        """Hand out those of the events that are not routed yet, and count the attempt."""
        keys = [self._keys.queued(ROUTE), self._keys.counts(ROUTE)]
        for event_id in event_ids:
            keys += (self._keys.event(event_id), self._keys.body(event_id))
        answers = self._scripts.run("begin_route", keys, event_ids)
        return [
            RouteWork(event_id, answer[0] or b"", float(answer[1]), answer[2])
            for event_id, answer in zip(event_ids, answers, strict=True)
            if answer
        ]

    def finish_route(
        self,
        event_id: str,
        event_type: str,
        deliveries: Sequence[Planned],
        letters: Sequence[DeadLetter],
    ) -> bool:
        """Register all deliveries and mark the event routed, in one step; False if it was."""
        keys = [
            self._keys.event(event_id),
            self._keys.body(event_id),
            self._keys.queued(ROUTE),
            self._keys.dead_letters,
            self._keys.queued(DEAD_LETTERS),
        ]
        arguments: list[Argument] = [event_id, event_type, self._window, len(deliveries)]
        for planned in deliveries:
            identity = delivery_id(event_id, planned.target)
            keys += (self._keys.delivery(identity), self._keys.queued(planned.target))
            arguments += (identity, json.dumps(planned.rules), planned.input or "")
        for letter in letters:
            keys.append(self._keys.counts(letter.target or ROUTE))
            arguments += (letter.id, letter.to_json())
        return bool(self._scripts.run("finish_route", keys, arguments))

    def claim(
        self,
        target: str,
        delivery_ids: Sequence[str],
        *,
        lease: float,
        max_attempts: int,
        max_age: float,
    ) -> list[Claim]:
        """Decide for each delivery whether it may run now; if so, count the attempt, lease it."""
        keys = self._target_keys(target)
        for identity in delivery_ids:
            keys += (self._keys.delivery(identity), self._keys.body_of(identity))
        arguments: list[Argument] = [lease, max_attempts, max_age, *delivery_ids]
        answers = self._scripts.run("claim", keys, arguments)
        return [
            _read_claim(identity, answer)
            for identity, answer in zip(delivery_ids, answers, strict=True)
        ]

    def finish(self, target: str, finishes: Sequence[Finish]) -> list[bool]:
        """Record outcomes; False where the delivery was finished or claimed by another since."""
        keys = [
            *self._target_keys(target),
            self._keys.dead_letters,
            self._keys.queued(DEAD_LETTERS),
        ]
        arguments: list[Argument] = [self._window]
        for item in finishes:
            identity = item.delivery_id
            keys += (
                self._keys.delivery(identity),
                self._keys.event_of(identity),
                self._keys.body_of(identity),
            )
            arguments += (identity, item.attempt, item.outcome.value, _value_of(item))
            arguments += (item.error_type, item.error)
        return [bool(answer) for answer in self._scripts.run("finish", keys, arguments)]

    def move(self, targets: Sequence[str], limit: int) -> Moved:
        """Queue again what is due, and what was lost with its worker."""
        if not targets:
            return Moved({}, [], None)
        keys = [key for target in targets for key in self._target_keys(target)[:3]]
        nearest, *moved = self._scripts.run("move", keys, [limit])
        by_target: dict[str, list[str]] = {}
        for number, _kind, identity in moved:
            by_target.setdefault(targets[number - 1], []).append(identity.decode())
        lost = [identity.decode() for _number, kind, identity in moved if kind == b"lost"]
        return Moved(by_target, lost, float(nearest) if nearest else None)

    def stale(self, names: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Tell, for each name with anything queued, its oldest age and its lag behind claims."""
        keys = [key for name in names for key in (self._keys.queued(name), self._keys.counts(name))]
        answers = self._scripts.run("oldest", keys, [])
        return {
            name: (float(answer[0]), float(answer[1]))
            for name, answer in zip(names, answers, strict=True)
            if answer
        }

    def requeue(self, name: str, older_than: float, *, empty: bool, limit: int) -> list[str]:
        """Take what has been queued too long, to send its message again."""
        keys = [self._keys.queued(name), self._keys.counts(name)]
        ids = self._scripts.run("requeue", keys, [older_than, int(empty), limit])
        return [identity.decode() for identity in ids]

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters that belong to no delivery, for the recorder."""
        keys = [self._keys.dead_letters, self._keys.queued(DEAD_LETTERS)]
        arguments: list[Argument] = [
            text for letter in letters for text in (letter.id, letter.to_json())
        ]
        guarded(self._client, lambda: self._client.sadd(BUSES, self._bus))
        self._scripts.run("bury", keys, arguments)

    def letters(self, ids: Sequence[str]) -> list[tuple[str, bytes]]:
        """Return those of the dead letters that are still to be recorded, as id and JSON."""
        texts = guarded(
            self._client, lambda: self._client.hmget(self._keys.dead_letters, list(ids))
        )
        return [(identity, text) for identity, text in zip(ids, texts, strict=True) if text]

    def recorded(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Forget dead letters that are safely in the store."""
        keys = [self._keys.dead_letters, self._keys.queued(DEAD_LETTERS)]
        self._scripts.run("recorded", keys, [part for letter in letters for part in letter])

    def revive(self, letter: DeadLetter) -> bool:
        """Register a dead letter's delivery again; False if it is in flight or was revived."""
        keys = [
            self._keys.delivery(letter.id),
            self._keys.event_of(letter.id),
            self._keys.body_of(letter.id),
            self._keys.queued(letter.target),
        ]
        body = json.dumps(letter.event, ensure_ascii=False, separators=(",", ":"))
        rules = json.dumps(letter.rules)
        arguments: list[Argument] = [letter.id, letter.target, letter.redrives, body]
        arguments += (letter.event_type, rules, letter.input or "")
        return bool(self._scripts.run("revive", keys, arguments))

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

    def describe(self, delivery_ids: Sequence[str]) -> list[tuple[str, int]]:
        """Return each delivery's event type and attempts so far; `("", 0)` where it is gone."""
        pipeline = self._client.pipeline(transaction=False)
        for identity in delivery_ids:
            pipeline.hmget(self._keys.delivery(identity), ["type", "attempts"])
        answers = guarded(self._client, pipeline.execute)
        return [(_text(kind), int(attempts or 0)) for kind, attempts in answers]

    def status(self, targets: Sequence[str]) -> dict[str, TargetStatus]:
        """Count each target's deliveries."""
        pipeline = self._client.pipeline(transaction=False)
        for target in targets:
            queued, running, waiting, counts = self._target_keys(target)
            pipeline.zcard(queued).zcard(running).zcard(waiting)
            pipeline.hmget(counts, ["delivered", "retried", "dead"])
        answers = guarded(self._client, pipeline.execute)
        return {
            target: TargetStatus(
                *answers[at : at + 3], *(int(number or 0) for number in answers[at + 3])
            )
            for target, at in zip(targets, range(0, len(answers), 4), strict=True)
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

    def _target_keys(self, target: str) -> list[str]:
        keys = self._keys
        return [
            keys.queued(target),
            keys.running(target),
            keys.waiting(target),
            keys.counts(target),
        ]


def _value_of(item: Finish) -> Argument:
    if item.outcome is Outcome.RETRY:
        return item.delay
    if item.outcome is Outcome.DEAD and item.letter is not None:
        return item.letter.to_json()
    return ""


def _read_claim(identity: str, answer: Sequence[bytes]) -> Claim:
    verdict = Verdict(answer[0].decode())
    if len(answer) == 1:
        return Claim(identity, verdict)
    attempt, body, shaped, rules, accepted, first, redrives, now, kind, error, failed = answer[1:]
    tried = int(attempt) - (verdict is Verdict.RUN)
    if tried > int(failed):
        # An attempt that never told how it went ended with its worker.
        kind, error = b"WorkerLost", f"attempt {tried} ended with its worker".encode()
    return Claim(
        identity,
        verdict,
        attempt=int(attempt),
        body=body,
        input=shaped.decode() if shaped else None,
        rules=tuple(json.loads(rules)),
        accepted_at=float(accepted),
        first_attempt_at=float(first),
        redrives=int(redrives),
        now=float(now),
        error_type=kind.decode(),
        error=error.decode(),
    )


def _text(value: bytes | None) -> str:
    return value.decode() if value else ""
