"""The claim of one delivery, in memory: what `lua/claim.lua` decides, decided the same way."""

from dataclasses import replace

from eventflow.delivery.answers import BreakerState, Claim, Verdict
from eventflow.delivery.memory_records import KeptDelivery, KeptTarget
from eventflow.rules.targets import Target

__all__ = ["begin_one", "claim_one"]

_PASSED_OVER = {Verdict.GONE, Verdict.LEASED, Verdict.WAITING, Verdict.APART}


def claim_one(
    kept: KeptTarget,
    target: Target,
    identity: str,
    delivery: KeptDelivery | None,
    body: bytes,
    *,
    lease: float,
    owner: str,
    alone: bool,
    now: float,
    ahead: bool = False,
) -> Claim:
    """Decide whether a delivery may run now; if so, count the attempt and lease it.

    Args:
        kept: What is known of its target.
        target: Its target, whose policy and limits decide.
        identity: Its id.
        delivery: What is known of it; None where it is through.
        body: Its event's JSON.
        lease: Seconds that it is leased for.
        owner: Who claims it; empty for nobody in particular.
        alone: Whether its message names no others.
        now: The time.
        ahead: Whether it is reserved only, and begun later.
    """
    since = kept.queued.get(identity, 0.0)
    if delivery is None:
        kept.queued.pop(identity, None)
        return Claim(identity, Verdict.GONE)
    is_again = identity in kept.running and owner != "" and delivery.owner == owner
    # The answer to this owner's claim was lost on the way: it is given once more, and counts once.
    verdict, why = (
        (delivery.verdict, "")
        if is_again
        else _decide(kept, target, identity, delivery, alone=alone, now=now)
    )
    if is_again and delivery.is_ahead:
        is_again = delivery.is_ahead = False
    if verdict in _PASSED_OVER:
        return Claim(identity, verdict)
    kept.head = max(kept.head, since)
    if verdict is Verdict.PARKED:
        kept.park(identity, delivery)
        return Claim(identity, verdict, parked_by=why)
    # The lease is taken for the last rites too: two workers must not both bury it.
    kept.drop(identity)
    kept.running[identity] = now + lease
    delivery.has_pass = False
    delivery.owner, delivery.verdict = owner, verdict
    if verdict is Verdict.RUN and not is_again:
        delivery.is_ahead = ahead
        if not ahead:
            begin_one(delivery, now)
        kept.tokens.take(target, now)
        kept.breaker.begin(identity, now, lease)
    paused = kept.paused(now) - delivery.paused
    return replace(_answer(identity, verdict, delivery, body, now), paused=paused)


def begin_one(delivery: KeptDelivery, now: float) -> None:
    """Count the attempt of a delivery that begins.

    Args:
        delivery: What is known of it.
        now: The time.
    """
    delivery.is_ahead = False
    delivery.attempts += 1
    delivery.first = delivery.first or now


def _decide(
    kept: KeptTarget,
    target: Target,
    identity: str,
    delivery: KeptDelivery,
    *,
    alone: bool,
    now: float,
) -> tuple[Verdict, str]:
    leased_until = kept.running.get(identity)
    if leased_until is not None and leased_until > now:
        return Verdict.LEASED, ""
    if leased_until is not None:
        del kept.running[identity]
        delivery.crashes += not delivery.is_ahead
        delivery.is_ahead = False
    if kept.waiting.get(identity, 0.0) > now:
        return Verdict.WAITING, ""
    if identity in kept.parked:
        return Verdict.PARKED, "turn"
    spent = _spent(kept, target, delivery, now)
    if spent is not None:
        return spent, ""
    if delivery.crashes > 0 and not alone:
        return Verdict.APART, ""
    hold = _hold(kept, target, delivery, now)
    return (Verdict.PARKED, hold) if hold else (Verdict.RUN, "")


def _spent(kept: KeptTarget, target: Target, delivery: KeptDelivery, now: float) -> Verdict | None:
    """Return which budget of a delivery is spent; None where none is."""
    if delivery.crashes >= target.retry.max_crashes:
        return Verdict.POISON
    if delivery.attempts >= target.retry.max_attempts:
        return Verdict.MAX_ATTEMPTS
    return Verdict.MAX_AGE if kept.age(delivery, now) > target.retry.max_age else None


def _hold(kept: KeptTarget, target: Target, delivery: KeptDelivery, now: float) -> str:
    """Return what holds a delivery back, empty where nothing does."""
    if kept.pause is not None:
        return "paused"
    # First come, first served: what was parked and let go has a pass, and all else gets in line.
    if not delivery.has_pass and kept.parked:
        return "turn"
    state, _, probe = kept.breaker.now(now)
    if state is BreakerState.OPEN or probe is not None:
        return "breaker"
    if target.max_in_flight is not None and len(kept.running) >= target.max_in_flight:
        return "in_flight"
    return "rate" if kept.tokens.now(target, now) < 1 else ""


def _answer(
    identity: str, verdict: Verdict, delivery: KeptDelivery, body: bytes, now: float
) -> Claim:
    kind, error = delivery.error_type, delivery.error
    tried = delivery.attempts + delivery.is_ahead - (verdict is Verdict.RUN)
    if tried > delivery.failed:
        # An attempt that never told how it went ended with its worker.
        kind, error = "WorkerLost", f"attempt {tried} ended with its worker"
    return Claim(
        identity,
        verdict,
        attempt=delivery.attempts + delivery.is_ahead,
        body=body,
        input=delivery.input,
        rules=delivery.rules,
        accepted_at=delivery.accepted,
        first_attempt_at=delivery.first or (now if delivery.is_ahead else 0.0),
        redrives=delivery.redrives,
        now=now,
        error_type=kind,
        error=error,
        trace=delivery.trace,
    )
