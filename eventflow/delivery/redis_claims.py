"""What the ledger in Redis does for workers: deliveries are claimed, begun and finished."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import redis

from eventflow.delivery.answers import (
    Claim,
    Finish,
    Finished,
    Outcome,
    Verdict,
)
from eventflow.delivery.calls import Draw, Taken
from eventflow.delivery.ledger_clock import LedgerClock
from eventflow.delivery.limits import packed_limits
from eventflow.delivery.packing import CommandPacker, Template, cut
from eventflow.delivery.redis_outcomes import OutcomeWriter, RedisOutcomes, read_finished
from eventflow.delivery.redis_routes import RedisRoutes
from eventflow.delivery.scripts import Argument, guarded
from eventflow.errors import LedgerError
from eventflow.rules.targets import Target

__all__ = ["RedisClaims"]

_TEXTS = 8  # of one claim
_NOW = 2  # where an answer says how late it is there
_TOO_LATE = -1
_TOLD_FOR = (
    86_400  # seconds at least for which what a worker has told is kept, if nobody looks for it
)
_VERDICTS = {verdict.value.encode(): verdict for verdict in Verdict}
_PACKER = CommandPacker()


class RedisClaims(RedisRoutes):
    """Deliveries of one bus. `eventflow.delivery.ledger.Ledger` says what each method does."""

    def __init__(self, client: redis.Redis, bus: str, *, journal_most: int = 0) -> None:
        super().__init__(client, bus, journal_most=journal_most)
        self._ledger_clock = LedgerClock()

    def claim(
        self,
        target: Target,
        delivery_ids: Sequence[str],
        *,
        lease: float,
        owner: str = "",
        alone: bool = True,
    ) -> list[Claim]:
        """Decide for each delivery whether it may run now; if so, count the attempt, lease it."""
        how: list[Argument] = ["", 0, 0, 0, "", "", ""]
        names, arguments = self._claim_call(target, delivery_ids, [lease, owner, int(alone)], how)
        return _read_taken(self._run_noting("claim", names, arguments)).claims

    def take(
        self, target: Target, delivery_ids: Sequence[str], draw: Draw, *, lease: float, owner: str
    ) -> Taken:
        """Claim what a message names, then more of what is queued."""
        how: list[Argument] = [draw.most, draw.look, int(not draw.begins_all)]
        how += [int(draw.repeats), int(draw.answers)]
        alone = int(len(delivery_ids) == 1 and not draw.begins_all)
        # What was drawn is known to nobody where the answer is lost: hence `repeats`, and no other
        # try of the same; and once an answer is not waited for any more, there is to be none.
        for _ in range(2):
            patience: list[Argument] = [draw.patience, self._last_moment()]
            names, arguments = self._claim_call(
                target, delivery_ids, [lease, owner, alone], [*how, *patience]
            )
            answer = self._noting.run_once("claim", names, arguments)
            self._ledger_clock.read(float(answer[_NOW]))
            if answer[0] != _TOO_LATE:
                return _read_taken(answer)
        message = "the ledger was asked twice, and each time it was too late when it could answer"
        raise LedgerError(message) from redis.TimeoutError()

    def _last_moment(self) -> Argument:
        """Return until when, by its own clock, the ledger's answer is waited for; '' for ever."""
        patience = self._client.connection_pool.connection_kwargs.get("socket_timeout")
        if not patience:
            return ""
        if not self._ledger_clock.is_known:
            seconds, microseconds = guarded(self._client, self._client.time)
            self._ledger_clock.read(seconds + microseconds / 1e6)
        return f"{self._ledger_clock.least() + patience:.6f}"

    def _claim_call(
        self,
        target: Target,
        delivery_ids: Sequence[str],
        who: Sequence[Argument],
        how: Sequence[Argument],
    ) -> tuple[list[str], list[Argument]]:
        keys, retry, (lease, owner, alone) = self._keys, target.retry, who
        names = [*self._places(target.name), keys.counts(target.name)]
        names += [keys.breaker(target.name), keys.tokens(target.name), keys.pause(target.name)]
        names.append(keys.told(target.name, str(owner)))
        arguments: list[Argument] = [lease, retry.max_attempts, retry.max_age, retry.max_crashes]
        arguments += [owner, alone, keys.prefix, target.name, *how]
        arguments += [packed_limits(target), self._window, *delivery_ids]
        return names, arguments

    def finish(self, target: Target, finishes: Sequence[Finish]) -> Finished:
        """Record outcomes, and what they tell of the target."""
        names, arguments = self._finish_call(target, finishes)
        return read_finished(self._run_noting("finish", names, arguments))

    def outcomes(self, target: Target, *, owner: str) -> RedisOutcomes:
        """Return the line on which a list of deliveries is finished, one after another."""
        told = self._keys.told(target.name, owner)
        note = Template(["RPUSH", told, *[None] * 4])

        def push(success: Finish, then: str) -> bytes:
            seconds = _seconds_of(success)
            return note.pack((success.delivery_id, success.attempt, seconds, then))

        def call(
            finishes: Sequence[Finish], then: str, last: str
        ) -> tuple[list[str], list[Argument]]:
            names, arguments = self._finish_call(
                target, finishes, then=then, owner=owner, last_told=last
            )
            return [*names, told] if last else names, arguments

        def record(finishes: Sequence[Finish], then: str, last: str) -> bytes:
            words = self._noting.command("finish", *call(finishes, then, last))
            return b"".join(_PACKER.pack(*words))

        def finish(finishes: Sequence[Finish], then: str, last: str) -> Finished:
            return read_finished(self._run_noting("finish", *call(finishes, then, last)))

        keep = b"".join(_PACKER.pack("EXPIRE", told, max(self._window, _TOLD_FOR)))
        return RedisOutcomes(self._client, OutcomeWriter(push, keep, record, finish))

    def _finish_call(
        self,
        target: Target,
        finishes: Sequence[Finish],
        *,
        then: str = "",
        owner: str = "",
        last_told: str = "",
    ) -> tuple[list[str], list[Argument]]:
        keys, name = self._keys, target.name
        names = [keys.running(name), keys.counts(name), keys.breaker(name)]
        arguments: list[Argument] = [self._window, keys.prefix, name, then, owner]
        arguments += (packed_limits(target), last_told)
        for item in finishes:
            arguments += _words_of(item)
        return names, arguments

    def park(self, target: str, delivery_ids: Sequence[str]) -> int:
        """Hold back those that are queued, until their target may be called."""
        names = self._places(target)
        names += [self._keys.delivery(identity) for identity in delivery_ids]
        return int(self._run_noting("park", names, delivery_ids))

    def lost(self, target: str, *, owner: str, delay: float, error: str) -> list[str]:
        """Take back what *owner* had claimed when it ended; what it had begun is due after *delay*."""
        names = [self._keys.running(target), self._keys.waiting(target), self._keys.queued(target)]
        arguments: list[Argument] = [owner, delay, error, self._keys.prefix, target, self._window]
        return [identity.decode() for identity in self._run_noting("lost", names, arguments)]


def _read_taken(answer: Sequence[Any]) -> Taken:
    left, is_called, now, lengths, text = answer
    claims = [_read_claim(texts, float(now)) for texts in cut(lengths, text, _TEXTS)]
    return Taken(claims, left, bool(is_called))


def _words_of(item: Finish) -> list[Argument]:
    """Return what `lua/finish.lua` reads of one outcome."""
    words: list[Argument] = [
        *(item.delivery_id, item.attempt, item.outcome.value),
        "" if item.succeeded is None else int(item.succeeded),
        _seconds_of(item),
    ]
    if item.outcome in {Outcome.RETRY, Outcome.DEAD}:
        words += (_value_of(item), item.error_type, item.error)
        words += (item.letter.reason.value if item.letter is not None else "", item.trace)
    return words


def _seconds_of(item: Finish) -> str:
    seconds = item.leased_until if item.outcome is Outcome.RELEASE else item.duration
    return f"{seconds:.6f}" if seconds else ""


def _value_of(item: Finish) -> Argument:
    if item.outcome is Outcome.RETRY:
        return item.delay
    if item.outcome is Outcome.DEAD and item.letter is not None:
        return item.letter.to_json()
    return ""


def _read_claim(texts: Sequence[bytes], now: float) -> Claim:
    identity, words, body, shaped, rules, kind, error, trace = texts
    said, *numbers = words.split()
    verdict = _VERDICTS[said]
    if verdict is Verdict.PARKED:
        return Claim(identity.decode(), verdict, parked_by=numbers[0].decode())
    if not numbers:
        return Claim(identity.decode(), verdict)
    attempt, accepted, first, redrives, failed, paused = numbers
    tried = int(attempt) - (verdict is Verdict.RUN)
    if tried > int(failed):
        # An attempt that never told how it went ended with its worker.
        kind, error = b"WorkerLost", f"attempt {tried} ended with its worker".encode()
    return Claim(
        identity.decode(),
        verdict,
        attempt=int(attempt),
        body=body,
        input=shaped.decode() if shaped else None,
        rules=_read_rules(rules),
        accepted_at=float(accepted),
        first_attempt_at=float(first),
        redrives=int(redrives),
        now=now,
        error_type=kind.decode(),
        error=error.decode(),
        paused=float(paused),
        trace=trace.decode(),
    )


@lru_cache(1024)
def _read_rules(text: bytes) -> tuple[str, ...]:
    return tuple(json.loads(text or b"[]"))
