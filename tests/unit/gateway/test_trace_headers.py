"""A request's trace context is its events', unless they have their own."""

import pytest

from eventflow.events import Event
from eventflow.gateway.trace_headers import with_trace

HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OWN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_events_take_it_where_they_have_none() -> None:
    """An event's own, as of a CloudEvent that has come a long way, says more."""
    bare = Event(source="s", type="T", data={})
    own = Event(source="s", type="T", data={}, traceparent=OWN)
    headers = {"traceparent": HEADER, "tracestate": "vendor=1"}
    assert [(HEADER, "vendor=1"), (OWN, None)] == [
        (event.traceparent, event.tracestate) for event in with_trace(headers, [bare, own])
    ]


@pytest.mark.parametrize("headers", [{}, {"traceparent": "garbage"}, {"tracestate": "vendor=1"}])
def test_without_one_they_are_as_they_were(headers: dict[str, str]) -> None:
    """A header that is none is no reason to refuse a request."""
    event = Event(source="s", type="T", data={})
    assert [event] == with_trace(headers, [event])
