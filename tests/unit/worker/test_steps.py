"""What logs and traces say of routing an event, and of an attempt."""

import json
from dataclasses import replace

import pytest

from eventflow.delivery import Claim, Finish, Outcome, RouteWork, Verdict
from eventflow.errors import StoreError
from eventflow.events import Event
from eventflow.records import DeadLetter, Reason
from eventflow.rules import Target
from eventflow.telemetry import Tracing, begin_step, provider
from eventflow.worker.chain import Attempt
from eventflow.worker.steps import (
    archive_step,
    attempt_step,
    judge_archive,
    judge_attempt,
    judge_route,
    route_step,
)
from tests.unit.telemetry.spans import OTHER, PARENT, Spans

TARGET = Target(name="vendor", task="m.f", queue="vendors")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    """Give the spans that are made, as if the application had a provider."""
    made = Spans()
    monkeypatch.setattr(provider, "found_tracer", lambda: made.tracer)
    return made


def claim(verdict: Verdict = Verdict.RUN, identity: str = "e1:vendor") -> Claim:
    """Return a claim of a third attempt."""
    return Claim(identity, verdict, attempt=3, rules=("r",), trace=OTHER)


def letter(reason: Reason, event: dict[str, object] | None) -> DeadLetter:
    """Return a dead letter."""
    return DeadLetter(id="e1:vendor", target="vendor", reason=reason, event=event)


def test_an_attempt_that_is_tried_again_says_where_it_is_found(spans: Spans) -> None:
    """The next one is linked to it; the outcome is the same but for that."""
    finish = Finish("e1:vendor", 3, Outcome.RETRY, delay=7.0, error_type="OSError", error="secret")
    with attempt_step(Tracing(), "default", TARGET, claim()) as step:
        begin_step(Event(source="s", type="T", data={}, traceparent=PARENT))
        judged = judge_attempt(step, Attempt(finish, OSError("secret")))
        traceparent = step.traceparent
    assert judged.finish is not None
    assert traceparent == judged.finish.trace != ""
    assert finish == replace(judged.finish, trace="")
    attributes = dict(spans.only().attributes or {})
    assert (3, "retry", 7.0, "OSError", "vendors", "vendor") == tuple(
        attributes[name]
        for name in (
            "eventflow.attempt",
            "eventflow.attempt.outcome",
            "eventflow.retry.delay",
            "error.type",
            "messaging.destination.name",
            "messaging.consumer.group.name",
        )
    )
    assert "secret" not in json.dumps(attributes, default=str)


def test_without_spans_an_outcome_stays_as_it_is() -> None:
    """Nothing is copied where nobody traces."""
    attempt = Attempt(Finish("e1:vendor", 3, Outcome.RETRY), OSError())
    with attempt_step(Tracing(wanted=False), "default", TARGET, claim()) as step:
        assert attempt is judge_attempt(step, attempt)


def test_a_budget_that_is_found_spent_is_of_the_event_s_trace(spans: Spans) -> None:
    """The event was not read for it; the dead letter has it."""
    dead = letter(Reason.MAX_ATTEMPTS, {"id": "e1", "traceparent": PARENT})
    finish = Finish("e1:vendor", 3, Outcome.DEAD, letter=dead, error_type="WorkerLost")
    with attempt_step(Tracing(), "default", TARGET, claim(Verdict.MAX_ATTEMPTS)) as step:
        judge_attempt(step, Attempt(finish))
    span = spans.only()
    assert span.parent is not None
    assert PARENT[36:52] == f"{span.parent.span_id:016x}"
    [event] = span.events
    assert {"eventflow.reason": "max_attempts"} == dict(event.attributes or {})


def test_what_cannot_be_read_has_a_span_of_its_own(spans: Spans) -> None:
    """In a trace of its own, since whose it was cannot be read either."""
    with route_step(Tracing(), "default", RouteWork("e1", b"{", 0.0, 1)) as step:
        judge_route(step, None, [], [letter(Reason.UNDECODABLE, None)])
    span = spans.only()
    assert span.parent is None
    assert ["eventflow.dead_letter"] == [event.name for event in span.events]


def test_a_replay_is_told_from_the_event() -> None:
    """The event's id is its own; the replay has a field."""
    tracing = Tracing(wanted=False)
    identity = "e1@replay:again:vendor"
    assert {
        "bus": "default",
        "event_id": "e1",
        "replay_name": "again",
        "delivery_id": identity,
        "target": "vendor",
        "attempt": 3,
    } == attempt_step(tracing, "default", TARGET, claim(identity=identity)).fields
    routed = route_step(tracing, "default", RouteWork("e1@replay:again", b"", 0.0, 1))
    assert {"bus": "default", "event_id": "e1", "replay_name": "again"} == routed.fields


def test_a_delivery_that_another_has_leaves_no_span(spans: Spans) -> None:
    """Nothing was tried."""
    with attempt_step(Tracing(), "default", TARGET, claim(Verdict.LEASED)) as step:
        judge_attempt(step, Attempt(None, verdict=Verdict.LEASED))
    assert () == spans.all()


def test_writing_to_the_archive_is_linked_to_every_event(spans: Spans) -> None:
    """One transaction for the events of many traces; those without one are counted too."""
    with archive_step(Tracing(), "default", [PARENT, "", OTHER]) as step:
        judge_archive(step, StoreError("away"))
    span = spans.only()
    assert ("attempt eventflow.archive", None) == (span.name, span.parent)
    assert [PARENT[36:52], OTHER[36:52]] == [f"{one.context.span_id:016x}" for one in span.links]
    attributes = dict(span.attributes or {})
    assert (3, "retry", "StoreError") == (
        attributes["messaging.batch.message_count"],
        attributes["eventflow.attempt.outcome"],
        attributes["error.type"],
    )
