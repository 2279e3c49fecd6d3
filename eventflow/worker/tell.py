"""What a worker's log says of deliveries and circuit breakers."""

import logging

from eventflow.delivery import BreakerChange, Claim, Finish, Ledger, Outcome
from eventflow.records import Reason
from eventflow.rules import Target
from eventflow.units import format_duration

__all__ = [
    "tell_breaker",
    "tell_dropped",
    "tell_given_back",
    "tell_outcome",
    "tell_parked",
    "tell_superseded",
]

_log = logging.getLogger("eventflow.deliver")


def tell_outcome(target: Target, claim: Claim, finish: Finish, error: BaseException | None) -> None:
    """Log how an attempt went.

    Args:
        target: Its target.
        claim: Its claim.
        finish: What was recorded.
        error: What the subscriber raised.
    """
    if finish.outcome is Outcome.DONE and not _log.isEnabledFor(logging.INFO):
        return  # most of all there is to tell, and most workers are not asked
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


def tell_parked(target: Target, claim: Claim, count: int) -> None:
    """Log that deliveries wait because a person has paused their target; other limits say nothing.

    Args:
        target: The target.
        claim: The claim of the first of them.
        count: How many.
    """
    if claim.parked_by == "paused":
        _log.info(
            "%d deliveries of target %s wait: it is paused",
            count,
            target.name,
            extra={"action": "deliveries_paused", "target": target.name, "count": count},
        )


def tell_superseded(claim: Claim) -> None:
    """Log that an outcome came too late to count.

    Args:
        claim: The delivery's claim.
    """
    _log.warning(
        "delivery %s was finished or claimed by another worker meanwhile",
        claim.delivery_id,
        extra={"action": "delivery_superseded", "delivery_id": claim.delivery_id},
    )


def tell_given_back(target: Target, count: int) -> None:
    """Log that a worker which stops leaves what it had reserved to others.

    Args:
        target: The deliveries' target.
        count: How many.
    """
    _log.info(
        "gave %d deliveries of target %s back to its queue",
        count,
        target.name,
        extra={"action": "given_back", "target": target.name, "count": count},
    )


def tell_breaker(ledger: Ledger, target: Target, change: BreakerChange) -> None:
    """Log what became of a target's circuit breaker.

    Args:
        ledger: The target's ledger.
        target: The target.
        change: What the outcomes did to its breaker.
    """
    if change is BreakerChange.NONE:
        return
    status = ledger.breakers([target.name])[target.name]
    facts = {"action": f"breaker_{change.value}", "target": target.name}
    match change:
        case BreakerChange.OPENED:
            window = target.circuit_breaker.window if target.circuit_breaker else 0
            _log.error(
                "the circuit breaker of target %s opened: %d of %d calls failed within %s (%s); its "
                "deliveries are parked for %s, then one is let through as a probe",
                target.name,
                status.failed,
                status.calls,
                format_duration(window),
                status.error,
                format_duration(status.until - status.since),
                extra=facts,
            )
        case BreakerChange.REOPENED:
            _log.warning(
                "the circuit breaker of target %s stays open: a probe failed (%s); the next in %s",
                target.name,
                status.error,
                format_duration(status.until - status.since),
                extra=facts,
            )
        case _:
            _log.warning(
                "the circuit breaker of target %s closed: its deliveries go on",
                target.name,
                extra=facts,
            )


def tell_dropped(bus: str, count: int) -> None:
    """Log that a part of the journal is missing.

    Args:
        bus: The journal's bus.
        count: How many entries.
    """
    _log.warning(
        "%s entries of the journal of bus '%s' were dropped, since as many as may wait for the "
        "recorder did (EVENTFLOW_JOURNAL_MOST): does `eventflow recorder` run, and can it write "
        "to the store? Events and deliveries are not touched by it",
        f"{count:,}",
        bus,
        extra={"action": "journal_dropped", "bus": bus, "count": count},
    )
