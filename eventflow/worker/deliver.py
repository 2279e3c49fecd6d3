"""The task `eventflow.deliver`: a list of one target's deliveries, each on its own."""

import time
from collections.abc import Sequence
from dataclasses import replace

from eventflow.delivery import (
    BreakerChange,
    Claim,
    Draw,
    Finish,
    Finished,
    Ledger,
    Outcome,
    Taken,
    Verdict,
    insist,
)
from eventflow.metrics import meter
from eventflow.rules import Target
from eventflow.telemetry import Step
from eventflow.transport import deliver_message, record_message
from eventflow.worker.async_deliver import at_once, make_at_once
from eventflow.worker.calling import call_again, send_calls
from eventflow.worker.chain import Attempt, attempt_delivery
from eventflow.worker.context import WorkerContext
from eventflow.worker.fate import show_fate
from eventflow.worker.identity import owner_name
from eventflow.worker.made import Made
from eventflow.worker.monitoring import count_finish
from eventflow.worker.steps import attempt_step, judge_attempt
from eventflow.worker.tell import (
    tell_breaker,
    tell_given_back,
    tell_outcome,
    tell_parked,
    tell_superseded,
)
from eventflow.worker.timeout import GRACE
from eventflow.worker.turn import TURN, Turn

__all__ = ["deliver", "lease_seconds", "make_deliveries"]

_LOOK = (
    50  # queued deliveries that are looked at: what holds their target back parks them on the way
)
_FRESH = 0.5  # seconds after its claim for which what is reserved may begin; much less than a lease
_SHUT = {BreakerChange.OPENED, BreakerChange.REOPENED}


def deliver(
    context: WorkerContext, bus: str, target_name: str, delivery_ids: Sequence[str]
) -> dict[str, int | str]:
    """Make deliveries, and have Celery show what became of them.

    Those of an async subscriber many at once, all others one after another.

    A single delivery's fate is the Celery task's own: RETRY when it is to be tried again, FAILURE
    when it is dead. A list's task succeeds and returns how many went which way, and so do those of a
    target that fails more often than anybody looks at.

    Args:
        context: The process's parts.
        bus: Their bus.
        target_name: Their target.
        delivery_ids: Their ids.

    Returns:
        How many were done, to be retried, dead, parked, given back, or not ours to do; and the
        events of those that were made and are not named.

    Raises:
        celery.exceptions.Retry, Ignore: What Celery is to show for a single delivery.
        Exception: The subscriber's own, of a single delivery that is dead.
        LedgerError: When the ledger cannot be reached; the lease ends, and the mover tries again.
    """
    target = context.book.get(bus, target_name)
    subscriber = context.subscribers.get(target_name)
    if subscriber is None or at_once(target, subscriber) == 1:
        made = make_deliveries(context, bus, target_name, delivery_ids, turn=TURN)
    else:
        made, apart = make_at_once(context, bus, target, subscriber, delivery_ids)
        alone = _Worker(context, context.ledgers.of(bus), target, made)
        alone.make_apart(apart, time.monotonic() + TURN)
    if len(delivery_ids) == 1:
        show_fate(made, delivery_ids[0], context.shown, bus, target_name)
    return made.result()


def make_deliveries(
    context: WorkerContext,
    bus: str,
    target_name: str,
    delivery_ids: Sequence[str],
    *,
    turn: float = 0.0,
) -> Made:
    """Claim, run and finish deliveries, one after another.

    A worker that is told to stop ends the delivery that runs, and gives back untried what it has
    reserved.

    Args:
        context: The process's parts.
        bus: Their bus.
        target_name: Their target.
        delivery_ids: Their ids. What is not taken of them stays queued, and is taken in its turn.
        turn: Seconds for which more of what is queued is taken; 0 for nothing but what is named.

    Raises:
        LedgerError: When the ledger cannot be reached; the lease ends, and the mover tries again.
    """
    target, made = context.book.get(bus, target_name), Made(delivery_ids)
    worker = _Worker(context, context.ledgers.of(bus), target, made)
    worker.work(delivery_ids, turn)
    return worker.made


def lease_seconds(target: Target, margin: float) -> float:
    """Return how long a delivery is leased: its timeout, its grace, and a margin on top."""
    return target.timeout + GRACE + margin


class _Worker:
    """One task's work for one target."""

    def __init__(self, context: WorkerContext, ledger: Ledger, target: Target, made: Made) -> None:
        self.made = made
        self._context = context
        self._tracing = context.tracing.for_many()
        self._ledger = ledger
        self._target = target
        self._pace = context.paces.of(ledger.bus, target.name)
        self._owner = owner_name()
        self._lease = lease_seconds(target, context.settings.lease_margin) + _FRESH
        self._call = deliver_message(ledger.bus, target.name, target.queue, target.task, [])

    def work(self, delivery_ids: Sequence[str], turn: float) -> None:
        """Make what is named, then, for so many seconds, more of what is queued."""
        own = Turn(turn, waits=self._context.reads_one_queue)
        named, left, is_first = delivery_ids, 1, True
        while left and not self._is_stopping() and (is_first or not own.is_over()):
            taken = self._take(named, draws=turn > 0, answers=is_first)
            if taken.is_called:
                send_calls(self._context, [self._call])
            left = (taken.left if taken.claims else 0) + self._make(taken.claims)
            left = left or int(own.wait(len(taken.claims)))
            named, is_first = (), False
        if left and turn > 0:
            call_again(self._context, self._ledger, self._target.name, self._call)

    def make_apart(self, delivery_ids: Sequence[str], ends: float) -> None:
        """Make those that have ended a worker before, each while nothing runs beside it."""
        for identity in delivery_ids:
            if self._is_stopping() or time.monotonic() > ends:
                call_again(self._context, self._ledger, self._target.name, self._call)
                break
            self.work([identity], 0.0)

    def _is_stopping(self) -> bool:
        return self._context.stopping.is_set()

    def _take(self, named: Sequence[str], *, draws: bool, answers: bool) -> Taken:
        """Claim a list as long as the target's pace asks for."""
        has_limits = self._target.rate_limit is not None or self._target.max_in_flight is not None
        most = 1 if has_limits else self._pace.size()
        draw = Draw(
            most,
            look=max(most, _LOOK) if draws else 0,
            answers=answers,
            patience=self._context.settings.requeue_after,
        )
        draws_left = iter([draw])
        again = replace(draw, repeats=True)

        def take() -> Taken:
            how = next(draws_left, again)
            return self._ledger.take(self._target, named, how, lease=self._lease, owner=self._owner)

        return insist(take, unless=self._is_stopping)

    def _make(self, claims: Sequence[Claim]) -> int:
        """Make a list of deliveries; return how many of it were given back."""
        parked = [claim for claim in claims if claim.verdict is Verdict.PARKED]
        if parked:
            self._count_parked(parked)
        # First those that are not run: what they need is quick, and cannot be given back.
        others = [one for one in claims if one.verdict not in {Verdict.RUN, Verdict.PARKED}]
        runs = [claim for claim in claims if claim.verdict is Verdict.RUN]
        for claim in others:
            self._make_one(claim)
        if not runs:
            return 0
        began = time.monotonic()
        made = 1
        if len(runs) == 1:
            self._make_one(runs[0])
        else:
            made = self._make_list(runs)
        self._pace.took(time.monotonic() - began, made)
        return len(runs) - made

    def _make_one(self, claim: Claim) -> None:
        with self._step(claim) as step:
            attempt = self._attempt(step, claim)
            if attempt.finish is None:
                self.made.counts["passed over"] += 1
                return
            finish = attempt.finish
            finished = insist(lambda: self._ledger.finish(self._target, [finish]))
            self._account([(claim, attempt)], finished)

    def _make_list(self, claims: Sequence[Claim]) -> int:
        """Make deliveries of which the first is begun and the others are reserved.

        Successes are told one by one, and answered together; all else is waited for.

        Returns:
            How many were made: the others are given back.
        """
        began = time.monotonic()
        said: list[tuple[Claim, Attempt]] = []
        is_over = False
        made = 0
        with self._ledger.outcomes(self._target, owner=self._owner) as outcomes:
            for made, claim in enumerate(claims, start=1):
                past = time.monotonic() - began
                with self._step(claim) as step:
                    attempt = self._attempt(step, claim, past)
                    assert attempt.finish is not None
                    said.append((claim, attempt))
                    is_over = self._is_stopping() or time.monotonic() - began > _FRESH
                    is_last = is_over or made == len(claims)
                    then = "" if is_last else claims[made].delivery_id
                    if then and attempt.finish.outcome is Outcome.DONE:
                        outcomes.tell(attempt.finish, then)
                        # Now, since the next delivery may end this process.
                        self._tell(claim, attempt.finish, None, past)
                    else:
                        finished = outcomes.settle(attempt.finish, then)
                        self._account(said, finished, told=len(said) - 1, late=past)
                        said = []
                        is_over = is_over or finished.breaker in _SHUT
                if is_over:
                    break
        self._give_back(claims[made:])
        return made

    def _give_back(self, claims: Sequence[Claim]) -> None:
        """Have what was reserved and is not begun queued again."""
        if not claims:
            return
        untried = [
            Finish(
                one.delivery_id, one.attempt, Outcome.RELEASE, leased_until=one.now + self._lease
            )
            for one in claims
        ]
        insist(lambda: self._ledger.finish(self._target, untried))
        self.made.counts["given back"] += len(claims)
        if self._is_stopping():
            tell_given_back(self._target, len(claims))

    def _step(self, claim: Claim) -> Step:
        return attempt_step(self._tracing, self._ledger.bus, self._target, claim)

    def _attempt(self, step: Step, claim: Claim, late: float = 0.0) -> Attempt:
        made = attempt_delivery(self._context, self._ledger.bus, self._target, claim, late=late)
        attempt = judge_attempt(step, made)
        self.made.note(claim, attempt)
        return attempt

    def _tell(
        self, claim: Claim, finish: Finish, error: BaseException | None, late: float = 0.0
    ) -> None:
        tell_outcome(self._target, claim, finish, error)
        count_finish(self._ledger.bus, self._target.name, claim, finish, late=late)

    def _count_parked(self, claims: Sequence[Claim]) -> None:
        # What holds the first one back holds its neighbours back.
        first, number = claims[0], len(claims)
        self.made.counts["parked"] += number
        tell_parked(self._target, first, number)
        meter().parked(self._ledger.bus, self._target.name, first.parked_by, number)
        self.made.note(first, Attempt(None, verdict=first.verdict))

    def _account(
        self,
        said: Sequence[tuple[Claim, Attempt]],
        finished: Finished,
        *,
        told: int = 0,
        late: float = 0.0,
    ) -> None:
        """Count and log what became of outcomes; the first so many were logged before."""
        tell_breaker(self._ledger, self._target, finished.breaker)
        dead: list[str] = []
        pairs = zip(said, finished.recorded, strict=True)
        for number, ((claim, attempt), is_recorded) in enumerate(pairs):
            finish = attempt.finish
            assert finish is not None
            if not is_recorded:
                tell_superseded(claim)
                self.made.counts["superseded"] += 1
                continue
            if number >= told:
                self._tell(claim, finish, attempt.error, late)
            self.made.counts[finish.outcome.value] += 1
            if finish.outcome is Outcome.DEAD:
                dead.append(claim.delivery_id)
        if dead:
            send_calls(self._context, [record_message(self._ledger.bus, dead)])
