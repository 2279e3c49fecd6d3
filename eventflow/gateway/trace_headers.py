"""W3C trace context of a request: for the events in it that carry none of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from eventflow.events import Event
from eventflow.telemetry import read_context

__all__ = ["with_trace"]


def with_trace(headers: Mapping[str, str], events: Sequence[Event[Any]]) -> list[Event[Any]]:
    """Return the events, those without a trace context with that of their request.

    Args:
        headers: The request's; `traceparent` and `tracestate` are read.
        events: The request's events.
    """
    context = read_context(headers.get("traceparent"), headers.get("tracestate"))
    if context is None:
        return list(events)
    carried = {"traceparent": context.traceparent, "tracestate": context.tracestate}
    return [event if event.traceparent else event.model_copy(update=carried) for event in events]
