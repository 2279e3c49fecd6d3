"""The task `eventflow.deliver`: a list of one target's deliveries, each on its own."""

import logging
from collections import Counter
from collections.abc import Sequence

from celery.exceptions import Ignore
from celery.exceptions import Retry as CeleryRetry
from celery.utils.serialization import get_pickleable_exception

from eventflow.delivery import Claim, Finish, Outcome, RedisLedger, insist
from eventflow.errors import EventflowError, TransportError
from eventflow.records import Reason
from eventflow.rules import Target
from eventflow.transport import record_message
from eventflow.worker.chain import Attempt, attempt_delivery
from eventflow.worker.context import WorkerContext
from eventflow.worker.timeout import GRACE

__all__ = ["deliver", "lease_seconds"]

_log = logging.getLogger("eventflow.deliver")


class DeadLetterError(EventflowError):
    """Shown as the failure of a task whose delivery became a dead letter without a last error."""


def deliver(
    context: WorkerContext, bus: str, target_name: str, delivery_ids: Sequence[str]
) -> dict[str, int]:
    """Claim, run and finish deliveries, one after another.

    A single delivery's fate is the Celery task's own: RETRY when it is to be tried again, FAILURE
    when it is dead. A list's task succeeds and returns how many went which way.

    Args:
        context: The process's parts.
        bus: Their bus.
        target_name: Their target.
        delivery_ids: Their ids.

    Returns:
        How many were done, to be retried, dead, or not ours to do.

    Raises:
        celery.exceptions.Retry, Ignore: What Celery is to show for a single delivery.
        Exception: The subscriber's own, of a single delivery that is dead.
        LedgerError: When the ledger cannot be reached; the lease ends, and the mover tries again.
    """
    ledger = context.ledgers.of(bus)
    target = context.book.get(bus, target_name)
    counts: Counter[str] = Counter()
    attempt: Attempt | None = None
    for delivery_id in delivery_ids:
        # One at a time, so that a delivery that kills its worker costs its neighbours no attempt.
        [claim] = ledger.claim(
            target_name,
            [delivery_id],
            lease=lease_seconds(target, context.settings.lease_margin),
            max_attempts=target.retry.max_attempts,
            max_age=target.retry.max_age,
        )
        attempt = attempt_delivery(context, bus, target, claim)
        counts[_finish(context, ledger, target, claim, attempt)] += 1
    if len(delivery_ids) == 1 and attempt is not None:
        _show(attempt)
    return dict(counts)


def lease_seconds(target: Target, margin: float) -> float:
    """Return how long a delivery is leased: its timeout, its grace, and a margin on top."""
    return target.timeout + GRACE + margin


def _finish(
    context: WorkerContext, ledger: RedisLedger, target: Target, claim: Claim, attempt: Attempt
) -> str:
    if attempt.finish is None:
        return "passed over"
    finish = attempt.finish
    [is_recorded] = insist(lambda: ledger.finish(target.name, [finish]))
    if not is_recorded:
        _log.warning(
            "delivery %s was finished or claimed by another worker meanwhile",
            claim.delivery_id,
            extra={"action": "delivery_superseded", "delivery_id": claim.delivery_id},
        )
        return "superseded"
    _tell(target, claim, attempt.finish, attempt.error)
    if attempt.finish.outcome is Outcome.DEAD:
        try:
            context.sender.send([record_message(ledger.bus, [claim.delivery_id])])
        except TransportError as error:
            _log.warning("%s", error, extra={"action": "send_failed", "messages": 1})
    return attempt.finish.outcome.value


def _tell(target: Target, claim: Claim, finish: Finish, error: BaseException | None) -> None:
    facts = {
        "delivery_id": claim.delivery_id,
        "target": target.name,
        "attempt": claim.attempt,
        "error_type": type(error).__qualname__ if error is not None else "",
    }
    match finish.outcome:
        case Outcome.DONE:
            _log.info(
                "delivered %s at attempt %d",
                claim.delivery_id,
                claim.attempt,
                extra={"action": "delivery_done", **facts},
            )
        case Outcome.RETRY:
            _log.warning(
                "delivery %s failed at attempt %d (%s: %s); due again in %.1f s",
                claim.delivery_id,
                claim.attempt,
                finish.error_type,
                finish.error,
                finish.delay,
                # Once is enough: the next attempts mostly fail in the same place.
                exc_info=error if claim.attempt == 1 else None,
                extra={"action": "delivery_retry", "due_in": finish.delay, **facts},
            )
        case _:
            reason = finish.letter.reason if finish.letter else Reason.MAX_ATTEMPTS
            _log.error(
                "delivery %s is a dead letter after %d attempts: %s",
                claim.delivery_id,
                claim.attempt,
                reason.value,
                exc_info=error,
                extra={"action": "delivery_dead", "reason": reason.value, **facts},
            )


def _show(attempt: Attempt) -> None:
    """Raise what makes Celery, and so Flower, show a single delivery for what it is."""
    finish = attempt.finish
    if finish is None:
        # A second message for the same delivery says nothing of how the delivery went.
        raise Ignore
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
    plain: Exception = get_pickleable_exception(error)
    return plain
