"""The chain of one delivery, from its claim to its outcome: the one place that shows the order.

claim decides      in the ledger: finished, leased, not due, parked, or its budget spent
read               the event; what cannot be read is a dead letter
find               the subscriber or Celery task; none here is a dead letter
fit                the event to the subscriber's model, through upcasters where it is of another
                   version; what does not fit is a dead letter
time limit         around the call, always shorter than the lease
call               the subscriber
judge              success, Retry, Refuse, or any other exception: by the target's policy
"""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from eventflow.delivery import Claim, Finish, Outcome, Verdict, next_delay
from eventflow.encoding import decode_event
from eventflow.errors import (
    DeliveryTimeout,
    EventError,
    EventflowError,
    Refuse,
    Retry,
    UnknownTaskError,
)
from eventflow.events import Event
from eventflow.records import Reason
from eventflow.rules import Target
from eventflow.subscribers import Delivery, Subscriber
from eventflow.telemetry import begin_step
from eventflow.worker.async_call import OwnLoop, call_within, run_async
from eventflow.worker.context import WorkerContext
from eventflow.worker.letters import letter_of_delivery
from eventflow.worker.timeout import time_limit

__all__ = ["Attempt", "attempt_delivery", "attempt_in_loop", "give_up"]

_SPENT = {
    Verdict.MAX_ATTEMPTS: Reason.MAX_ATTEMPTS,
    Verdict.MAX_AGE: Reason.MAX_AGE,
    Verdict.POISON: Reason.POISON,
}
_MOST_ERROR = 500  # characters of an error that the ledger keeps until the next attempt


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery and what came of it.

    Attributes:
        finish: What the ledger is to record; None when there was nothing to do.
        error: What the subscriber raised, or why it was not called.
        verdict: The claim's.
    """

    finish: Finish | None
    error: BaseException | None = None
    verdict: Verdict = Verdict.RUN


def attempt_delivery(
    context: WorkerContext, bus: str, target: Target, claim: Claim, *, late: float = 0.0
) -> Attempt:
    """Take one claimed delivery through the chain.

    Args:
        context: The process's parts.
        bus: Its bus.
        target: Its target.
        claim: The ledger's claim.
        late: Seconds since the claim, of one that waited for others of its list.

    Returns:
        What came of it; a subscriber's exception is in it, not raised.
    """
    call = _begin(context, bus, target, claim)
    if isinstance(call, Attempt):
        return call
    began = time.perf_counter()
    error: BaseException | None = None
    try:
        if call.is_async:
            run_async(call.function, call.arguments, target.timeout)
        else:
            with time_limit(target.timeout):
                call.function(*call.arguments, **call.keywords)
    except (Exception, asyncio.CancelledError) as caught:  # noqa: BLE001 - the edge of isolation: a subscriber may raise anything
        error = caught
        claim = replace(claim, now=claim.now + late)
    return _judge(context, claim, target, bus, error, duration=time.perf_counter() - began)


async def attempt_in_loop(
    context: WorkerContext, bus: str, target: Target, claim: Claim, loop: OwnLoop
) -> Attempt:
    """Take one claimed delivery of an async subscriber through the same chain, beside others.

    Args:
        context: The process's parts.
        bus: Its bus.
        target: Its target.
        claim: The ledger's claim.
        loop: The loop that runs this.

    Returns:
        What came of it; a subscriber's exception is in it, not raised.

    Raises:
        ExitRequest: When the subscriber raised what would end the process.
    """
    call = _begin(context, bus, target, claim)
    if isinstance(call, Attempt):
        return call
    began = time.perf_counter()
    error: BaseException | None = None
    try:
        await call_within(
            loop, call.function, call.arguments, target.timeout, name=claim.delivery_id
        )
    except (Exception, asyncio.CancelledError) as caught:  # noqa: BLE001 - as above
        error = caught
    return _judge(context, claim, target, bus, error, duration=time.perf_counter() - began)


def give_up(
    context: WorkerContext, bus: str, target: Target, claim: Claim, error: BaseException
) -> Attempt:
    """Judge a delivery whose call was torn off from outside.

    Args:
        context: The process's parts.
        bus: Its bus.
        target: Its target.
        claim: The ledger's claim.
        error: Why it was.
    """
    return _judge(context, claim, target, bus, error, duration=0.0)


@dataclass(frozen=True, slots=True)
class _Call:
    """What is to be called, and with what."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)
    is_async: bool = False


def _begin(context: WorkerContext, bus: str, target: Target, claim: Claim) -> _Call | Attempt:
    """Return the call to make, or what came of the delivery without one."""
    if claim.verdict in _SPENT:
        return _dead(claim, target, bus, _SPENT[claim.verdict], None)
    if claim.verdict is not Verdict.RUN:
        return Attempt(None, verdict=claim.verdict)
    try:
        return _prepare(context, target, claim)
    except _Unfit as error:
        return _dead(claim, target, bus, error.reason, error.cause)


class _Unfit(Exception):  # noqa: N818 - carries a reason from one step of the chain to the next
    """An event that cannot be handed over."""

    def __init__(self, reason: Reason, cause: EventflowError) -> None:
        super().__init__(reason, cause)
        self.reason = reason
        self.cause = cause


def _prepare(context: WorkerContext, target: Target, claim: Claim) -> _Call:
    """Return the call to make; everything that can fail before it fails here."""
    try:
        event = decode_event(claim.body)
    except EventError as error:
        raise _Unfit(Reason.UNDECODABLE, error) from error
    begin_step(event)
    delivery = Delivery(
        id=claim.delivery_id,
        target=target.name,
        attempt=claim.attempt,
        last_attempt=claim.attempt >= target.retry.max_attempts,
        rules=claim.rules,
        redrives=claim.redrives,
    )
    subscriber = context.subscribers.get(target.name)
    if subscriber is None:
        return _celery_call(context, target, event, claim)
    try:
        with _converting(subscriber, event, target):
            arguments = subscriber.bind(event, claim.input, delivery)
    except (EventError, DeliveryTimeout) as error:
        raise _Unfit(Reason.SCHEMA, error) from error
    return _Call(subscriber.function, arguments, is_async=subscriber.is_async)


def _converting(
    subscriber: Subscriber, event: Event, target: Target
) -> AbstractContextManager[None]:
    """Limit the time of upcasters, which are users' code; where there are none, nothing is spent."""
    is_converted = subscriber.converters.concern(event) and subscriber.model is not None
    return time_limit(target.timeout) if is_converted else nullcontext()


def _celery_call(context: WorkerContext, target: Target, event: Event, claim: Claim) -> _Call:
    """Return the call of an existing Celery task, in this process, within the chain."""
    task = context.celery.tasks.get(target.task)
    if task is None:
        message = (
            f"target '{target.name}' names the task {target.task!r}, and this worker has neither "
            f"a subscriber for '{target.name}' nor a Celery task of that name: is its module "
            "imported by the worker?"
        )
        raise _Unfit(Reason.UNKNOWN_TASK, UnknownTaskError(message))
    shaped = event.to_eventbridge() if claim.input is None else json.loads(claim.input)
    if target.arguments == "keywords":
        if not isinstance(shaped, dict):
            fault = EventError(
                f"target '{target.name}' takes keywords, so its input must be an object", "input"
            )
            raise _Unfit(Reason.INPUT, fault)
        return _Call(task, (), shaped)
    return _Call(task, (shaped,))


def _judge(
    context: WorkerContext,
    claim: Claim,
    target: Target,
    bus: str,
    error: BaseException | None,
    *,
    duration: float,
) -> Attempt:
    """Return what comes of a call that took so many seconds."""
    if error is None:
        done = Outcome.DONE
        return Attempt(
            Finish(claim.delivery_id, claim.attempt, done, succeeded=True, duration=duration)
        )
    attempt = _judge_error(context, claim, target, bus, error)
    assert attempt.finish is not None
    return replace(attempt, finish=replace(attempt.finish, duration=duration))


def _judge_error(
    context: WorkerContext, claim: Claim, target: Target, bus: str, error: BaseException
) -> Attempt:
    policy = target.retry
    if isinstance(error, Refuse):
        # An answer like any other: the integration is well, and this event is not for it.
        return _dead(claim, target, bus, Reason.REFUSED, error, succeeded=True)
    if claim.attempt >= policy.max_attempts:
        return _dead(claim, target, bus, Reason.MAX_ATTEMPTS, error, succeeded=False)
    if isinstance(error, Retry) and error.after is not None:
        delay = max(0.0, error.after)
    else:
        delay = next_delay(policy, claim.attempt, context.chance)
    if claim.now + delay > claim.accepted_at + claim.paused + policy.max_age:
        return _dead(claim, target, bus, Reason.MAX_AGE, error, succeeded=False)
    finish = Finish(
        claim.delivery_id,
        claim.attempt,
        Outcome.RETRY,
        delay=delay,
        error_type=type(error).__qualname__,
        error=str(error)[:_MOST_ERROR],
        succeeded=False,
    )
    return Attempt(finish, error)


def _dead(
    claim: Claim,
    target: Target,
    bus: str,
    reason: Reason,
    error: BaseException | None,
    *,
    succeeded: bool | None = None,
) -> Attempt:
    letter = letter_of_delivery(claim, target.name, bus, reason, error)
    finish = Finish(
        claim.delivery_id,
        claim.attempt,
        Outcome.DEAD,
        letter=letter,
        error_type=letter.error_type,
        error=letter.error[:_MOST_ERROR],
        succeeded=succeeded,
    )
    return Attempt(finish, error, claim.verdict)
