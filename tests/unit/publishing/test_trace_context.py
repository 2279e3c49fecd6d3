"""Events carry the trace context of the code that publishes them."""

import asyncio
from pathlib import Path

import pytest

from eventflow.app import EventFlow
from eventflow.encoding import decode_event
from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.schemas import EventModel
from eventflow.telemetry import current_context, provider
from eventflow.testing import MemoryBus
from tests.unit.telemetry.spans import PARENT, Spans, span_of

RULES = """
targets: {vendor: {task: m.f}}
rules: {all: {pattern: {source: [shop]}, targets: [vendor]}}
"""


class Paid(EventModel, source="shop", type="Paid", version="1.0"):
    """A typed event."""

    amount: int


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventFlow:
    """Give an application with one rule."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.yaml").write_text(RULES)
    return EventFlow()


def event_of(traceparent: str | None = None) -> Event:
    """Return an event."""
    return Event(source="shop", type="Paid", data={}, traceparent=traceparent)


def test_what_an_outbox_stores_has_the_caller_s_context(flow: EventFlow) -> None:
    """Without a span of its own: the relay's comes when it publishes."""
    with Spans().tracer.start_as_current_span("request") as request:
        [(event, body)] = flow.prepare([event_of()])
    assert span_of(request) == (event.traceparent or "")[36:52]
    assert event.traceparent == decode_event(body).traceparent


def test_without_a_context_a_body_has_none(flow: EventFlow) -> None:
    """No field is made up."""
    [(event, body)] = flow.prepare([event_of()])
    assert event.traceparent is None
    assert b"traceparent" not in body


@pytest.mark.parametrize("is_async", [False, True])
def test_what_is_published_is_returned_with_its_context(
    flow: EventFlow, monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    """From a coroutine as from a thread, of a model as of an event."""
    spans = Spans()
    monkeypatch.setattr(provider, "found_tracer", lambda: spans.tracer)
    with MemoryBus(flow):
        model = Paid(amount=7)
        event = asyncio.run(flow.apublish(model)) if is_async else flow.publish(model)
    [publish] = [span for span in spans.all() if span.name == "publish default"]
    assert span_of(publish) == (event.traceparent or "")[36:52]
    assert isinstance(event.data, Paid)


def test_which_event_of_a_list_is_wrong_is_still_said(flow: EventFlow) -> None:
    """Of those that are none, and of those that cannot be published as they are."""
    with pytest.raises(EventError, match="event 2 of the list: only an Event"):
        flow.publish_many([event_of(), 7])  # type: ignore[list-item]
    bad = Event(source="shop", type="Paid", data={"amount": float("nan")})
    with pytest.raises(EventError, match=r"event 2 of the list: .*JSON does not have"):
        flow.publish_many([event_of(), bad])


def test_a_subscriber_continues_the_event_s_trace_without_spans(flow: EventFlow) -> None:
    """What it publishes is of the same trace, though nobody here traces."""
    seen: list[str] = []

    @flow.subscriber("vendor")
    async def pay(event: Event) -> None:
        context = current_context()
        seen.append(context.traceparent if context is not None else "")
        [(prepared, _)] = flow.prepare([event_of()])
        seen.append(prepared.traceparent or "")

    with MemoryBus(flow) as bus:
        flow.publish(event_of(PARENT))
        bus.deliver_all()
    assert [PARENT, PARENT] == seen
