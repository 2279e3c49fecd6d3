"""What logs and traces say of routing an event, and of an attempt."""

from collections.abc import Sequence
from dataclasses import replace

from eventflow.delivery import Claim, Outcome, Planned, RouteWork
from eventflow.events import Event, split_delivery_id, split_ledger_id
from eventflow.records import DeadLetter, Reason
from eventflow.rules import ARCHIVE, Target
from eventflow.telemetry import Step, Tracing
from eventflow.worker.chain import Attempt

__all__ = [
    "archive_step",
    "attempt_step",
    "judge_archive",
    "judge_attempt",
    "judge_route",
    "route_step",
]


def route_step(tracing: Tracing, bus: str, work: RouteWork) -> Step:
    """Return the step of routing one event, to be entered."""
    fields: dict[str, str | int] = {"bus": bus, **_event_fields(work.event_id)}
    if not tracing.is_on:
        return tracing.step("route", bus, fields, {})
    about = {"messaging.message.id": fields["event_id"], "eventflow.bus": bus}
    return tracing.step("route", bus, fields, about)


def judge_route(
    step: Step, event: Event | None, deliveries: Sequence[Planned], letters: Sequence[DeadLetter]
) -> None:
    """Tell the step what came of an event.

    Args:
        step: Its step.
        event: The event; None where it cannot be read.
        deliveries: Its deliveries.
        letters: Its dead letters.
    """
    step.begin(None)  # where the event cannot be read
    if event is not None:
        step.tell({"eventflow.event.source": event.source, "eventflow.event.type": event.type})
    step.tell(
        {
            "eventflow.targets": [item.target for item in deliveries],
            "eventflow.rules": sorted({rule for item in deliveries for rule in item.rules}),
        }
    )
    for letter in letters:
        step.died(letter.reason.value)
        step.fail(None, letter.error_type)


def attempt_step(tracing: Tracing, bus: str, target: Target, claim: Claim) -> Step:
    """Return the step of one attempt, to be entered."""
    fields: dict[str, str | int] = {
        "bus": bus,
        **_event_fields(split_delivery_id(claim.delivery_id)[0]),
        "delivery_id": claim.delivery_id,
        "target": target.name,
        "attempt": claim.attempt,
    }
    if not tracing.is_on:
        return tracing.step("attempt", target.queue, fields, {})
    about: dict[str, str | int | Sequence[str]] = {
        "messaging.message.id": fields["event_id"],
        "messaging.consumer.group.name": target.name,
        "eventflow.bus": bus,
        "eventflow.target": target.name,
        "eventflow.integration": target.integration,
        "eventflow.delivery.id": claim.delivery_id,
        "eventflow.attempt": claim.attempt,
        "eventflow.rules": claim.rules,
    }
    return tracing.step("attempt", target.queue, fields, about, (claim.trace,))


def judge_attempt(step: Step, attempt: Attempt) -> Attempt:
    """Tell the step how an attempt went.

    Args:
        step: Its step.
        attempt: What came of it.

    Returns:
        The attempt; one that is to be tried again says where a trace finds it.
    """
    finish = attempt.finish
    if finish is None:
        return attempt
    if finish.letter is not None:
        # Where its budget was found spent, the event has not been read yet.
        event = finish.letter.event or {}
        step.begin(event.get("traceparent"), event.get("tracestate"))
    step.tell({"eventflow.attempt.outcome": finish.outcome.value})
    if finish.outcome is Outcome.DONE:
        return attempt
    step.fail(attempt.error, finish.error_type)
    if finish.outcome is Outcome.RETRY:
        step.tell({"eventflow.retry.delay": finish.delay})
        trace = step.traceparent
        return replace(attempt, finish=replace(finish, trace=trace)) if trace else attempt
    if finish.outcome is Outcome.DEAD:
        step.died(finish.letter.reason.value if finish.letter else Reason.MAX_ATTEMPTS.value)
    return attempt


def archive_step(tracing: Tracing, bus: str, traces: Sequence[str]) -> Step:
    """Return the step of writing a list of events to the archive, to be entered.

    It belongs to many traces, and so is linked to each.

    Args:
        tracing: Makes its span.
        bus: The events' bus.
        traces: The traceparents that the events carry; empty where one carries none.
    """
    about: dict[str, str | int] = {
        "messaging.batch.message_count": len(traces),
        "messaging.consumer.group.name": ARCHIVE,
        "eventflow.bus": bus,
        "eventflow.target": ARCHIVE,
    }
    return tracing.step("attempt", ARCHIVE, {"bus": bus, "target": ARCHIVE}, about, traces)


def judge_archive(step: Step, error: Exception | None) -> None:
    """Tell the step how it went.

    Args:
        step: Its step.
        error: Why nothing was written; None where all was.
    """
    step.begin(None)
    outcome = Outcome.DONE if error is None else Outcome.RETRY
    step.tell({"eventflow.attempt.outcome": outcome.value})
    if error is not None:
        step.fail(error)


def _event_fields(identity: str) -> dict[str, str | int]:
    event_id, replay_name = split_ledger_id(identity)
    fields: dict[str, str | int] = {"event_id": event_id}
    if replay_name is not None:
        fields["replay_name"] = replay_name
    return fields
