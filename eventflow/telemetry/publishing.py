"""The span of one call of `publish()`, and the trace context that its events carry from there."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from eventflow.events import Event
from eventflow.telemetry.context import (
    TraceContext,
    as_span_context,
    context_of,
    current_context,
    read_context,
)
from eventflow.telemetry.step import mark_failed

if TYPE_CHECKING:
    from opentelemetry.trace import Link, Span, Tracer

__all__ = ["Publication"]


class Publication:
    """A context manager around one call of `publish()`.

    The caller's context is the parent. Where it has none, that of the events is, if they agree; and
    where they do not, as those of an outbox's relay, each keeps its own and the span is linked to it.

    Args:
        tracer: Makes the span; None where there is none to be.
    """

    __slots__ = ("_span", "_started", "_tracer")

    def __init__(self, tracer: "Tracer | None" = None) -> None:
        self._tracer = tracer
        self._span: Span | None = None

    def __enter__(self) -> Self:
        self._started = time.time_ns() if self._tracer is not None else 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._span is not None:
            if error is not None:
                mark_failed(self._span, error)
            self._span.end()

    def mark(self, events: Sequence[Event[Any]]) -> Sequence[Event[Any]]:
        """Begin the span, and return the events with the trace context that they are to carry.

        Args:
            events: What is published, not checked yet.
        """
        current = current_context()
        if self._tracer is None:
            return events if current is None else [_carrying(event, current) for event in events]
        owns = [read_context(event.traceparent, event.tracestate) for event in events]
        agreed = owns[0] if owns and all(own == owns[0] for own in owns) else None
        span = self._span = self._start(events, current or agreed, owns)
        mine = context_of(span.get_span_context())
        if mine is None:  # OTEL_SDK_DISABLED, say
            return events
        takes_all = current is not None or agreed is not None
        return [
            _carrying(event, mine) if takes_all or own is None else event
            for event, own in zip(events, owns, strict=True)
        ]

    def _start(
        self,
        events: Sequence[Event[Any]],
        parent: TraceContext | None,
        owns: Sequence[TraceContext | None],
    ) -> "Span":
        from opentelemetry import context, trace  # noqa: PLC0415 - loaded already

        assert self._tracer is not None
        around = context.get_current()
        if parent is not None:
            remote = trace.NonRecordingSpan(as_span_context(parent))
            around = trace.set_span_in_context(remote, around)
        others = dict.fromkeys(own for own in owns if own is not None and own != parent)
        buses = {event.bus for event in events}
        links: list[Link] = [trace.Link(as_span_context(other)) for other in others]
        return self._tracer.start_span(
            f"publish {buses.pop()}" if len(buses) == 1 else "publish",
            context=around,
            kind=trace.SpanKind.PRODUCER,
            attributes=_attributes(events),
            links=links,
            start_time=self._started,
        )


def _attributes(events: Sequence[Event[Any]]) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "messaging.system": "eventflow",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
    }
    buses = {event.bus for event in events}
    if len(buses) == 1:
        found["messaging.destination.name"] = buses.pop()
    if len(events) == 1:
        [event] = events
        found["messaging.message.id"] = event.id
        found["eventflow.event.source"] = event.source
        found["eventflow.event.type"] = event.type
    else:
        found["messaging.batch.message_count"] = len(events)
    return found


def _carrying(event: Event[Any], context: TraceContext) -> Event[Any]:
    return event.model_copy(
        update={"traceparent": context.traceparent, "tracestate": context.tracestate}
    )
