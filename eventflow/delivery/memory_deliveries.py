"""What the ledger in memory does for workers: deliveries are claimed, begun and finished."""

from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from eventflow.delivery.answers import (
    BreakerChange,
    BreakerState,
    Claim,
    Finish,
    Finished,
    Outcome,
    Verdict,
)
from eventflow.delivery.calls import Draw, Taken
from eventflow.delivery.memory_claims import begin_one, claim_one
from eventflow.delivery.memory_records import KeptTarget
from eventflow.delivery.memory_routes import MemoryRoutes
from eventflow.delivery.memory_targets import one_at_a_time
from eventflow.events import split_delivery_id
from eventflow.journal import Step
from eventflow.rules.targets import Target

__all__ = ["MemoryDeliveries"]


class MemoryOutcomes:
    """The line on which a list of deliveries is finished: in memory all is heard at once."""

    def __init__(
        self, finish: Callable[[Sequence[Finish]], Finished], begin: Callable[[str], None]
    ) -> None:
        self._finish = finish
        self._begin = begin
        self._finished: list[Finished] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing: nothing is under way."""

    def tell(self, success: Finish, then: str) -> None:
        """Record a success, and begin one of those that are reserved."""
        self._finished.append(self._finish([success]))
        self._begin(then)

    def settle(self, last: Finish | None = None, then: str = "") -> Finished:
        """Record one outcome more, and return what became of each, since the last time."""
        finished, self._finished = self._finished, []
        if last is not None:
            finished.append(self._finish([last]))
        if then:
            self._begin(then)
        changes = [one.breaker for one in finished if one.breaker]
        recorded = [is_recorded for one in finished for is_recorded in one.recorded]
        return Finished(recorded, changes[-1] if changes else BreakerChange.NONE)


class MemoryDeliveries(MemoryRoutes):
    """Deliveries of one bus. `eventflow.delivery.ledger.Ledger` says what each method does."""

    @one_at_a_time
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
        return [
            self._claim(target, identity, lease=lease, owner=owner, alone=alone)
            for identity in dict.fromkeys(delivery_ids)
        ]

    def _claim(
        self,
        target: Target,
        identity: str,
        *,
        lease: float,
        owner: str,
        alone: bool,
        ahead: bool = False,
    ) -> Claim:
        kept, now = self._targets[target.name], self._clock()
        event = self._events.get(split_delivery_id(identity)[0])
        delivery = self._deliveries.get(identity)
        crashes = delivery.crashes if delivery is not None else 0
        was_parked = identity in kept.parked
        claim = claim_one(
            kept,
            target,
            identity,
            delivery,
            event.body if event is not None else b"",
            lease=lease,
            owner=owner,
            alone=alone,
            now=now,
            ahead=ahead,
        )
        if delivery is not None and delivery.crashes > crashes:
            self._note_delivery(Step.LOST, identity, {"why": "lease"})
        if claim.verdict is Verdict.PARKED and not was_parked:
            self._note_delivery(Step.PARKED, identity, {"by": claim.parked_by})
        return claim

    @one_at_a_time
    def take(
        self, target: Target, delivery_ids: Sequence[str], draw: Draw, *, lease: float, owner: str
    ) -> Taken:
        """Claim what a message names, then more of what is queued."""
        kept = self._targets[target.name]
        named = (
            [*self._answered_again(kept, owner), *delivery_ids] if draw.repeats else delivery_ids
        )
        if draw.answers:
            kept.called = None
        claims: list[Claim] = []
        runs: list[str] = []

        def is_full() -> bool:
            has_crashed = any(self._deliveries[identity].crashes for identity in runs)
            return len(runs) >= draw.most or has_crashed

        def claim(identity: str, *, alone: bool) -> None:
            if identity in kept.waiting:  # an older message names it; a mover queues it
                claims.append(Claim(identity, Verdict.WAITING))
                return
            is_ahead = len(runs) > 0 and not draw.begins_all
            one = self._claim(
                target, identity, lease=lease, owner=owner, alone=alone, ahead=is_ahead
            )
            claims.append(one)
            runs.extend([identity] if one.verdict is Verdict.RUN else [])

        for identity in dict.fromkeys(named):
            if not is_full():
                claim(identity, alone=len(delivery_ids) == 1 and not draw.begins_all)
        is_closed = kept.breaker.now(self._clock())[0] is BreakerState.CLOSED
        is_limited = target.rate_limit is not None or target.max_in_flight is not None
        for identity in kept.queued.first(draw.look):
            delivery = self._deliveries.get(identity)
            is_alone = delivery is not None and delivery.crashes > 0 and not draw.begins_all
            if is_full() or (runs and (is_limited or is_alone or not is_closed)):
                break
            claim(identity, alone=not draw.begins_all)
        left = len(kept.queued)
        is_called = 0 < len(runs) <= left and self._calls(target.name, draw.patience)
        return Taken(claims, left, is_called)

    def _answered_again(self, kept: KeptTarget, owner: str) -> list[str]:
        """Give back what an owner had reserved, and return what it had begun: its answer was lost."""
        own = [one for one in kept.running if self._deliveries[one].owner == owner]
        for identity in own:
            if self._deliveries[identity].is_ahead:
                self._deliveries[identity].is_ahead = False
                kept.drop(identity)
                kept.queued[identity] = self._clock()
        return [identity for identity in own if identity in kept.running]

    def outcomes(self, target: Target, *, owner: str) -> MemoryOutcomes:
        """Return the line on which a list of deliveries is finished, one after another."""

        def begin(identity: str) -> None:
            self._begin(identity, owner)

        return MemoryOutcomes(partial(self.finish, target), begin)

    @one_at_a_time
    def _begin(self, identity: str, owner: str) -> None:
        delivery = self._deliveries.get(identity)
        if delivery is not None and delivery.is_ahead and delivery.owner == owner:
            begin_one(delivery, self._clock())

    @one_at_a_time
    def finish(self, target: Target, finishes: Sequence[Finish]) -> Finished:
        """Record outcomes, and what they tell of the target."""
        kept, now = self._targets[target.name], self._clock()
        change = BreakerChange.NONE
        recorded = []
        for item in finishes:
            delivery = self._deliveries.get(item.delivery_id)
            was_ahead = delivery is not None and delivery.is_ahead
            is_recorded = self._record(target.name, item, now)
            recorded.append(is_recorded)
            if is_recorded and not (was_ahead and item.outcome is Outcome.RELEASE):
                error = f"{item.error_type}: {item.error}" if item.error_type else item.error
                noted = kept.breaker.note(target, item.delivery_id, item.succeeded, error, now)
                change = noted or change
                self._note_attempt(item, noted, now)
        return Finished(recorded, change)

    def _record(self, target: str, item: Finish, now: float) -> bool:
        kept, identity = self._targets[target], item.delivery_id
        delivery = self._deliveries.get(identity)
        if delivery is None:
            return False
        if item.leased_until and item.leased_until != kept.running.get(identity):
            return False
        if delivery.is_ahead and delivery.attempts + 1 == item.attempt:
            # It is begun by saying how it went, where the word that it is begun was lost.
            begin_one(delivery, now)
        if item.outcome is Outcome.DONE:
            # A success counts even when it comes after its lease: nobody is to do it once more.
            self._close(target, identity)
            kept.delivered += 1
            return True
        if delivery.attempts != item.attempt:
            return False
        if item.outcome is Outcome.DEAD:
            self._keep([item.letter] if item.letter is not None else [])
            self._close(target, identity)
            kept.dead += 1
            return True
        kept.drop(identity)  # its lease may have ended, so that it was queued, or parked, meanwhile
        if item.outcome is Outcome.RETRY:
            kept.waiting[identity] = now + item.delay
            delivery.failed = delivery.attempts
            delivery.error_type, delivery.error = item.error_type, item.error
            delivery.trace = item.trace or delivery.trace
            kept.retried += 1
        else:
            delivery.attempts -= 1
            kept.queued[identity] = now
        return True

    def _close(self, target: str, identity: str) -> None:
        self._targets[target].drop(identity)
        del self._deliveries[identity]
        event = self._events.get(split_delivery_id(identity)[0])
        if event is not None:
            event.left -= 1
            if event.left <= 0:
                self._forget_later(event)

    @one_at_a_time
    def park(self, target: str, delivery_ids: Sequence[str]) -> int:
        """Hold back those that are queued, until their target may be called."""
        kept, now = self._targets[target], self._clock()
        count = 0
        for identity in delivery_ids:
            delivery = self._deliveries.get(identity)
            is_held = identity in kept.running or kept.waiting.get(identity, 0.0) > now
            if delivery is not None and not is_held:
                kept.park(identity, delivery)
                self._note_delivery(Step.PARKED, identity, {"by": "turn"})
                count += 1
        return count

    @one_at_a_time
    def lost(self, target: str, *, owner: str, delay: float, error: str) -> list[str]:
        """Take back what *owner* had claimed when it ended; what it had begun is due after *delay*."""
        kept, now = self._targets[target], self._clock()
        ids = []
        for identity in kept.running.first(len(kept.running)):
            delivery = self._deliveries[identity]
            if not delivery.owner.startswith(owner):
                continue
            kept.drop(identity)
            if delivery.is_ahead:
                delivery.is_ahead = False
                kept.queued[identity] = now
                self._note_delivery(Step.QUEUED, identity, {"why": "sent again"})
                continue
            kept.waiting[identity] = now + delay
            delivery.crashes += 1
            delivery.failed = delivery.attempts
            delivery.error_type, delivery.error = "WorkerLost", error
            facts = {"why": "worker"}
            self._note_delivery(Step.LOST, identity, facts, due_at=now + delay, error=error)
            ids.append(identity)
        return ids
