"""A step of an event's way: its span, its parent and links, and what its log lines carry."""

import logging

import pytest
from opentelemetry import trace

from eventflow.events import Event
from eventflow.telemetry import Step, begin_step, current_context
from eventflow.telemetry.logs import DeliveryFilter
from eventflow.telemetry.step import MOST_STACK
from tests.unit.telemetry.spans import OTHER, PARENT, Spans, span_of, trace_of


def step_of(spans: Spans | None, linked: str = "") -> Step:
    """Return an attempt's step."""
    return Step(
        spans.tracer if spans is not None else None,
        name="attempt",
        destination="vendor",
        fields={"event_id": "e1"},
        attributes={"eventflow.attempt": 2},
        linked=(linked,),
    )


def event_of(traceparent: str | None) -> Event:
    """Return an event that carries a context."""
    return Event(source="s", type="T", data={}, traceparent=traceparent)


def fields() -> dict[str, object]:
    """Return what a record that is made here is given."""
    record = logging.makeLogRecord({})
    before = set(record.__dict__)
    DeliveryFilter().filter(record)
    return {name: value for name, value in record.__dict__.items() if name not in before}


def test_a_span_continues_the_event_s_trace() -> None:
    """Its parent is the publisher's span, and it is linked to the step before."""
    spans = Spans()
    with step_of(spans, linked=OTHER) as step:
        begin_step(event_of(PARENT))
        assert span_of(trace.get_current_span()) == step.traceparent[36:52]
    span = spans.only()
    assert span.parent is not None
    assert ("attempt vendor", trace.SpanKind.CONSUMER) == (span.name, span.kind)
    assert PARENT[36:52] == f"{span.parent.span_id:016x}"
    assert PARENT[3:35] == trace_of(span)
    assert [OTHER[36:52]] == [f"{link.context.span_id:016x}" for link in span.links]
    assert {
        "messaging.system": "eventflow",
        "messaging.operation.name": "attempt",
        "messaging.operation.type": "process",
        "messaging.destination.name": "vendor",
        "eventflow.attempt": 2,
    } == dict(span.attributes or {})


def test_log_lines_inside_carry_its_ids_and_none_outside() -> None:
    """With the span's own ids, as soon as there is one."""
    spans = Spans()
    with step_of(spans):
        assert {"event_id": "e1"} == fields()
        begin_step(event_of(PARENT))
        inside = fields()
    assert {
        "event_id": "e1",
        "trace_id": PARENT[3:35],
        "span_id": span_of(spans.only()),
    } == inside
    assert {} == fields()


@pytest.mark.parametrize("traceparent", [None, "garbage"])
def test_without_a_context_it_begins_a_trace(traceparent: str | None) -> None:
    """What cannot be read is as good as nothing."""
    spans = Spans()
    with step_of(spans):
        begin_step(event_of(traceparent))
    assert spans.only().parent is None


def test_without_a_tracer_the_context_goes_on() -> None:
    """What a subscriber calls and publishes is still of the publisher's trace; there is no span."""
    with step_of(None) as step:
        begin_step(event_of(PARENT))
        found = current_context()
        assert PARENT[3:35] == fields()["trace_id"]
        assert "" == step.traceparent
    assert found is not None
    assert PARENT == found.traceparent
    assert current_context() is None


def test_a_step_within_another_ends_by_itself() -> None:
    """As where a subscriber runs a task at once: the outer one's ids are back afterwards."""
    with step_of(None):
        begin_step(event_of(PARENT))
        with step_of(None):
            begin_step(event_of(OTHER))
            assert OTHER[3:35] == fields()["trace_id"]
        assert PARENT[3:35] == fields()["trace_id"]


def test_an_error_is_recorded_without_its_text() -> None:
    """Its class and where it was raised say enough; its text may hold the event's data."""
    spans = Spans()
    with pytest.raises(ValueError, match="secret"), step_of(spans) as step:  # noqa: PT012
        step.begin(PARENT)
        text = "secret"
        raise ValueError(text)
    span = spans.only()
    assert trace.StatusCode.ERROR is span.status.status_code
    assert "ValueError" == (span.attributes or {})["error.type"] == span.status.description
    [event] = span.events
    stack = str((event.attributes or {})["exception.stacktrace"])
    assert __name__.rpartition(".")[2] in stack
    assert "secret" not in str(dict(event.attributes or {}))


def test_a_long_stack_is_cut() -> None:
    """Its end is kept."""

    def odd(left: int) -> None:
        if left:
            even(left - 1)
            return
        raise ValueError

    def even(left: int) -> None:
        odd(left)

    spans = Spans()
    with pytest.raises(ValueError), step_of(spans) as step:  # noqa: PT012
        step.begin(None)
        odd(100)
    [event] = spans.only().events
    assert MOST_STACK == len(str((event.attributes or {})["exception.stacktrace"]))


def test_a_step_that_never_begins_has_no_span() -> None:
    """As with a delivery that another worker has."""
    spans = Spans()
    with step_of(spans) as step:
        step.tell({"eventflow.attempt.outcome": "done"})
        step.died("refused")
        step.fail(None, "Refuse")
    assert () == spans.all()
