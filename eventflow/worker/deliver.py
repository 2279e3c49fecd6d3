"""The task `eventflow.deliver`: a list of one target's deliveries, each on its own."""

from collections.abc import Sequence

from celery.exceptions import Ignore
from celery.exceptions import Retry as CeleryRetry
from celery.utils.serialization import get_pickleable_exception

from eventflow.delivery import Claim, Ledger, Outcome, Verdict, insist
from eventflow.errors import EventflowError
from eventflow.metrics import meter
from eventflow.rules import Target
from eventflow.worker.async_deliver import at_once, make_at_once
from eventflow.worker.chain import Attempt, attempt_delivery
from eventflow.worker.context import WorkerContext
from eventflow.worker.hand_back import hand_back
from eventflow.worker.identity import owner_name
from eventflow.worker.made import Made
from eventflow.worker.outcomes import record_finishes, tell_finish
from eventflow.worker.steps import attempt_step, judge_attempt
from eventflow.worker.tell import tell_parked
from eventflow.worker.timeout import GRACE

__all__ = ["deliver", "lease_seconds", "make_deliveries"]

_OUTCOMES = frozenset({Outcome.DONE.value, Outcome.RETRY.value, Outcome.DEAD.value})


class DeadLetterError(EventflowError):
    """Shown as the failure of a task whose delivery became a dead letter without a last error."""


def deliver(
    context: WorkerContext, bus: str, target_name: str, delivery_ids: Sequence[str]
) -> dict[str, int]:
    """Make deliveries, and have Celery show what became of them.

    Those of an async subscriber many at once, and with them more of what is queued; all others one
    after another.

    A single delivery's fate is the Celery task's own: RETRY when it is to be tried again, FAILURE
    when it is dead. A list's task succeeds and returns how many went which way.

    Args:
        context: The process's parts.
        bus: Their bus.
        target_name: Their target.
        delivery_ids: Their ids.

    Returns:
        How many were done, to be retried, dead, parked, given back, or not ours to do.

    Raises:
        celery.exceptions.Retry, Ignore: What Celery is to show for a single delivery.
        Exception: The subscriber's own, of a single delivery that is dead.
        LedgerError: When the ledger cannot be reached; the lease ends, and the mover tries again.
    """
    target = context.book.get(bus, target_name)
    subscriber = context.subscribers.get(target_name)
    if subscriber is None or at_once(target, subscriber) == 1:
        made = make_deliveries(context, bus, target_name, delivery_ids)
    else:
        made, apart = make_at_once(context, bus, target, subscriber, delivery_ids)
        if apart == list(delivery_ids):
            alone = make_deliveries(context, bus, target_name, apart)
            made.attempts, made.counts = alone.attempts, made.counts + alone.counts
        else:
            hand_back(context, context.ledgers.of(bus), target, apart, together=False)
    if len(delivery_ids) == 1:
        _show(made)
    return dict(made.counts)


def make_deliveries(
    context: WorkerContext, bus: str, target_name: str, delivery_ids: Sequence[str]
) -> Made:
    """Claim, run and finish deliveries, one after another.

    A worker that is told to stop ends the delivery that runs, and gives the rest back untried.

    Args:
        context: The process's parts.
        bus: Their bus.
        target_name: Their target.
        delivery_ids: Their ids.

    Raises:
        LedgerError: When the ledger cannot be reached; the lease ends, and the mover tries again.
    """
    ledger = context.ledgers.of(bus)
    target = context.book.get(bus, target_name)
    made = Made()
    apart: list[str] = []
    is_alone = len(delivery_ids) == 1
    for number, delivery_id in enumerate(delivery_ids):
        rest = delivery_ids[number:]
        if context.stopping.is_set():
            hand_back(context, ledger, target, rest, together=True)
            made.counts["given back"] += len(rest)
            break
        claim = _claim(context, ledger, target, delivery_id, alone=is_alone)
        if claim.verdict is Verdict.PARKED:
            # What holds this one back holds its neighbours back: one call for all of them.
            parked = 1 + (ledger.park(target.name, rest[1:]) if rest[1:] else 0)
            made.counts["parked"] += parked
            tell_parked(target, claim, parked)
            meter().parked(bus, target.name, claim.parked_by, parked)
            made.attempts.append((claim, Attempt(None, verdict=claim.verdict)))
            break
        if claim.verdict is Verdict.APART:
            apart.append(delivery_id)
            continue
        with attempt_step(context.tracing, bus, target, claim) as step:
            attempt = judge_attempt(step, attempt_delivery(context, bus, target, claim))
            made.attempts.append((claim, attempt))
            made.counts[_finish(context, ledger, target, claim, attempt)] += 1
    hand_back(context, ledger, target, apart, together=False)
    return made


def _claim(
    context: WorkerContext, ledger: Ledger, target: Target, delivery_id: str, *, alone: bool
) -> Claim:
    lease = lease_seconds(target, context.settings.lease_margin)
    owner = owner_name()
    # One at a time, so that a delivery that kills its worker costs its neighbours no attempt. A claim
    # whose answer is lost is made again, by the same owner, and so costs none either.
    [claim] = insist(
        lambda: ledger.claim(target, [delivery_id], lease=lease, owner=owner, alone=alone),
        unless=context.stopping.is_set,
    )
    return claim


def lease_seconds(target: Target, margin: float) -> float:
    """Return how long a delivery is leased: its timeout, its grace, and a margin on top."""
    return target.timeout + GRACE + margin


def _finish(
    context: WorkerContext, ledger: Ledger, target: Target, claim: Claim, attempt: Attempt
) -> str:
    finish = attempt.finish
    recorded = (
        record_finishes(context, ledger, target, [finish]) if finish is not None else (False,)
    )
    return tell_finish(ledger, target, claim, attempt, recorded=recorded[0])


def _show(made: Made) -> None:
    """Raise what makes Celery, and so Flower, show a single delivery for what it is."""
    attempt = made.attempts[-1][1] if made.attempts else None
    finish = attempt.finish if attempt is not None else None
    if attempt is None or finish is None:
        if _OUTCOMES.isdisjoint(made.counts):
            # A second message for the same delivery says nothing of how the delivery went.
            raise Ignore
        return  # others were made in its place
    if finish.outcome is Outcome.RETRY:
        assert attempt.error is not None
        raise CeleryRetry(exc=_plain(attempt.error), when=finish.delay)
    if finish.outcome is Outcome.DEAD:
        if attempt.error is not None:
            raise _plain(attempt.error)
        reason = finish.letter.reason.value if finish.letter else ""
        message = f"dead letter: {reason}"
        raise DeadLetterError(message)


def _plain(error: BaseException) -> Exception:
    """Return an exception that can go from a pool's process to its parent, whatever it holds."""
    if isinstance(error, MemoryError):
        # Celery raises this one again in the parent, which would keep the message in hand for ever.
        message = f"MemoryError: {error}"
        return DeadLetterError(message)
    plain: Exception = get_pickleable_exception(error)
    return plain
