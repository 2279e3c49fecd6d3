"""What `publish()` makes of the trace contexts around it and in its events."""

import pytest
from opentelemetry import trace

from eventflow.errors import PublishError
from eventflow.events import Event
from eventflow.telemetry import Publication, TraceContext
from eventflow.telemetry.context import CARRIED
from tests.unit.telemetry.spans import OTHER, PARENT, Spans, span_of, trace_of


def event_of(traceparent: str | None = None, bus: str = "default") -> Event:
    """Return an event that carries a context."""
    return Event(
        id="e1", source="s", type="T", data={}, traceparent=traceparent, tracestate=None, bus=bus
    )


def marked(spans: Spans | None, *events: Event) -> list[str | None]:
    """Publish events, and return the contexts that they carry then."""
    with Publication(spans.tracer if spans is not None else None) as publication:
        return [event.traceparent for event in publication.mark(events)]


def test_without_spans_an_event_stays_as_it_is() -> None:
    """No trace is invented where nobody traces, and the very event is given back."""
    event = event_of(PARENT)
    assert event is Publication().mark([event])[0]
    assert [None] == marked(None, event_of())


def test_without_spans_the_caller_s_context_is_taken() -> None:
    """An application that traces by other means, or a subscriber that publishes, is continued."""
    with Spans().tracer.start_as_current_span("around") as span:
        assert span_of(span) == (marked(None, event_of(OTHER))[0] or "")[36:52]
    token = CARRIED.set(TraceContext(PARENT, "vendor=1"))
    try:
        [event] = Publication().mark([event_of()])
    finally:
        CARRIED.reset(token)
    assert (PARENT, "vendor=1") == (event.traceparent, event.tracestate)


def test_the_span_is_the_caller_s_child_and_the_event_s_parent() -> None:
    """Names and attributes are those of the conventions for messaging."""
    spans = Spans()
    with spans.tracer.start_as_current_span("around") as around:
        [traceparent] = marked(spans, event_of())
    span = spans.all()[0]
    assert span.parent is not None
    assert span_of(around) == f"{span.parent.span_id:016x}"
    assert f"00-{trace_of(span)}-{span_of(span)}-" == (traceparent or "")[:-2]
    assert ("publish default", trace.SpanKind.PRODUCER) == (span.name, span.kind)
    assert {
        "messaging.system": "eventflow",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": "default",
        "messaging.message.id": "e1",
        "eventflow.event.source": "s",
        "eventflow.event.type": "T",
    } == dict(span.attributes or {})


def test_an_event_s_own_context_is_the_parent_where_the_caller_has_none() -> None:
    """As of an event that came over HTTP, or out of an outbox."""
    spans = Spans()
    traceparents = marked(spans, event_of(PARENT), event_of(PARENT))
    span = spans.only()
    assert PARENT[3:35] == trace_of(span)
    assert [span_of(span)] * 2 == [(text or "")[36:52] for text in traceparents]
    assert 2 == (span.attributes or {})["messaging.batch.message_count"]


def test_events_of_several_traces_stay_in_them() -> None:
    """One call publishes what many have written: it is linked to each, and is nobody's parent."""
    spans = Spans()
    traceparents = marked(spans, event_of(PARENT), event_of(OTHER, bus="doors"), event_of())
    span = spans.only()
    assert [PARENT, OTHER] == traceparents[:2]
    assert span_of(span) == (traceparents[2] or "")[36:52]
    assert {PARENT[36:52], OTHER[36:52]} == {f"{one.context.span_id:016x}" for one in span.links}
    assert "publish" == span.name


def test_the_caller_s_context_goes_before_the_event_s_which_is_linked() -> None:
    """An event that is sent on keeps no stale parent, and its origin is not lost."""
    spans = Spans()
    with spans.tracer.start_as_current_span("around"):
        [traceparent] = marked(spans, event_of(PARENT))
    span = spans.all()[0]
    assert span_of(span) == (traceparent or "")[36:52]
    assert [PARENT[36:52]] == [f"{one.context.span_id:016x}" for one in span.links]


def test_what_is_not_published_is_an_error_of_the_span() -> None:
    """The ledger was away, say."""
    spans = Spans()
    with (  # noqa: PT012 - the block is what is tested
        pytest.raises(PublishError),
        Publication(spans.tracer) as publication,
    ):
        publication.mark([event_of()])
        raise PublishError("away", [], ["e1"], [])
    assert "PublishError" == (spans.only().attributes or {})["error.type"]


def test_what_cannot_be_read_has_no_span() -> None:
    """An event that is none was never on its way."""
    spans = Spans()
    with pytest.raises(ValueError), Publication(spans.tracer):
        raise ValueError
    assert () == spans.all()
