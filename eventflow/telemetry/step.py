"""One step of an event's way, as logs and traces tell of it: the routing of an event, an attempt.

Names and attributes are those of OpenTelemetry's semantic conventions for messaging; what they have
no word for begins with `eventflow.`.
"""

import time
import traceback
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eventflow.events import Event
from eventflow.telemetry.context import (
    CARRIED,
    TraceContext,
    as_span_context,
    context_of,
    is_loaded,
    read_context,
)

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

__all__ = ["CURRENT", "MOST_STACK", "AttributeValue", "Step", "begin_step", "mark_failed"]

AttributeValue = str | bool | int | float | Sequence[str]

MOST_STACK = 4_000
"""Characters of a stack trace in a span: its end, which says most."""


class Step:
    """A context manager around one step; what is logged inside carries its ids.

    Args:
        tracer: Makes its span; None where there is none to be.
        name: What is done.
        destination: The bus or the queue that it was taken from.
        fields: What each log line in it carries.
        attributes: What its span carries.
        linked: The traceparents of what came before; an empty one is none.
    """

    __slots__ = (
        "_attributes",
        "_before",
        "_carried",
        "_destination",
        "_is_begun",
        "_linked",
        "_name",
        "_span",
        "_started",
        "_token",
        "_tracer",
        "fields",
    )

    def __init__(
        self,
        tracer: "Tracer | None",
        *,
        name: str,
        destination: str,
        fields: Mapping[str, str | int],
        attributes: Mapping[str, AttributeValue],
        linked: Sequence[str],
    ) -> None:
        self.fields = dict(fields)
        self._tracer = tracer
        self._name = name
        self._destination = destination
        self._attributes = attributes
        self._linked = linked
        self._is_begun = False
        self._span: Span | None = None
        self._token: Token[Context] | None = None
        self._carried: Token[TraceContext | None] | None = None

    def __enter__(self) -> Self:
        self._before = CURRENT.set(self)
        self._started = time.time_ns() if self._tracer is not None else 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.fail(error)
        if self._token is not None:
            from opentelemetry import context  # noqa: PLC0415 - loaded already

            context.detach(self._token)
        if self._carried is not None:
            CARRIED.reset(self._carried)
        if self._span is not None:
            self._span.end()
        CURRENT.reset(self._before)

    def begin(self, traceparent: str | None, tracestate: str | None = None) -> None:
        """Begin the span, now that the event says which trace it is of; from here on it is current.

        Once: what is said later counts no more.

        Args:
            traceparent: The event's.
            tracestate: The event's.
        """
        if self._is_begun:
            return
        self._is_begun = True
        parent = read_context(traceparent, tracestate)
        if parent is not None:
            self.fields["trace_id"] = parent.trace_id
            self._carried = CARRIED.set(parent)
        if self._tracer is not None:
            self._begin_span(parent)
        elif parent is not None and is_loaded():
            self._attach(_remote(parent))

    @property
    def traceparent(self) -> str:
        """Where a later step finds this one; empty where it has no span."""
        found = context_of(self._span.get_span_context()) if self._span is not None else None
        return found.traceparent if found is not None else ""

    def tell(self, facts: Mapping[str, AttributeValue]) -> None:
        """Add attributes to the span: what came of the step."""
        if self._span is not None:
            self._span.set_attributes(facts)

    def died(self, reason: str) -> None:
        """Add to the span that a dead letter came of it, and why."""
        if self._span is not None:
            self._span.add_event("eventflow.dead_letter", {"eventflow.reason": reason})

    def fail(self, error: BaseException | None, kind: str = "") -> None:
        """Say that the step failed.

        Args:
            error: What was raised; its text, which may hold the event's data, is left out.
            kind: Its class, where there is no exception to ask.
        """
        if self._span is not None:
            mark_failed(self._span, error, kind)

    def _begin_span(self, parent: TraceContext | None) -> None:
        from opentelemetry import context, trace  # noqa: PLC0415 - loaded already

        assert self._tracer is not None
        before = [found for text in self._linked if (found := read_context(text))]
        span = self._tracer.start_span(
            f"{self._name} {self._destination}",
            context=_remote(parent) if parent is not None else context.get_current(),
            kind=trace.SpanKind.CONSUMER,
            attributes={
                "messaging.system": "eventflow",
                "messaging.operation.name": self._name,
                "messaging.operation.type": "process",
                "messaging.destination.name": self._destination,
                **self._attributes,
            },
            links=[trace.Link(as_span_context(each)) for each in before],
            start_time=self._started,
        )
        self._span = span
        self._attach(trace.set_span_in_context(span))
        own = context_of(span.get_span_context())
        if own is not None:
            self.fields |= {"trace_id": own.trace_id, "span_id": own.span_id}

    def _attach(self, found: "Context") -> None:
        from opentelemetry import context  # noqa: PLC0415 - loaded already

        self._token = context.attach(found)


CURRENT: ContextVar[Step | None] = ContextVar("eventflow_step", default=None)
"""The step that is under way here."""


def begin_step(event: Event) -> None:
    """Tell the step that is under way, if there is one, which event it is about."""
    step = CURRENT.get()
    if step is not None:
        step.begin(event.traceparent, event.tracestate)


def mark_failed(span: "Span", error: BaseException | None, kind: str = "") -> None:
    """Say in a span what failed, without the error's text, which may hold an event's data.

    Args:
        span: The span.
        error: What was raised.
        kind: Its class, where there is no exception to ask.
    """
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - loaded already

    name = type(error).__qualname__ if error is not None else kind
    span.set_status(StatusCode.ERROR, name)
    span.set_attribute("error.type", name)
    if error is not None:
        stack = "".join(traceback.format_tb(error.__traceback__))[-MOST_STACK:]
        span.add_event("exception", {"exception.type": name, "exception.stacktrace": stack})


def _remote(parent: TraceContext) -> "Context":
    from opentelemetry import trace  # noqa: PLC0415 - loaded already

    return trace.set_span_in_context(trace.NonRecordingSpan(as_span_context(parent)))
