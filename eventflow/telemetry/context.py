"""W3C trace context: read from an event, and found around the code that runs.

Source: W3C Trace Context, level 1.
"""

import re
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

__all__ = [
    "CARRIED",
    "TraceContext",
    "as_span_context",
    "context_of",
    "current_context",
    "is_loaded",
    "read_context",
]

_TRACE = "opentelemetry.trace"
_PARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})(?P<span>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?:-.*)?"
)


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace.

    Attributes:
        traceparent: W3C's header of that name.
        tracestate: W3C's header of that name; None where there is none.
    """

    traceparent: str
    tracestate: str | None = None

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hexadecimal digits."""
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        """The span's id, 16 hexadecimal digits."""
        return self.traceparent[36:52]


CARRIED: ContextVar[TraceContext | None] = ContextVar("eventflow_carried", default=None)
"""The context of the event that is worked on, for where OpenTelemetry is not there to keep it."""


def read_context(traceparent: str | None, tracestate: str | None = None) -> TraceContext | None:
    """Return the context that an event or a request carries; None where it is none.

    Args:
        traceparent: As it came: anything.
        tracestate: Likewise; of no use without the other.
    """
    if not traceparent or _PARENT.fullmatch(traceparent) is None:
        return None
    return TraceContext(traceparent, tracestate or None)


def is_loaded() -> bool:
    """Whether anything in this process has imported OpenTelemetry; else there is no span."""
    return _TRACE in sys.modules


def current_context() -> TraceContext | None:
    """Return the context of the code that calls: of its span, else of the event it works on."""
    trace = sys.modules.get(_TRACE)  # to import it again for each event takes longer than the rest
    if trace is not None:
        found = context_of(trace.get_current_span().get_span_context())
        if found is not None:
            return found
    return CARRIED.get()


def context_of(span: "SpanContext") -> TraceContext | None:
    """Return a span's context as an event carries it; None where it is no span's."""
    if not span.is_valid:
        return None
    parent = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    return TraceContext(parent, span.trace_state.to_header() or None)


def as_span_context(context: TraceContext) -> "SpanContext":
    """Return the context as OpenTelemetry has it."""
    from opentelemetry.trace import SpanContext, TraceFlags, TraceState  # noqa: PLC0415

    state = context.tracestate
    return SpanContext(
        trace_id=int(context.trace_id, 16),
        span_id=int(context.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(context.traceparent[53:55], 16)),
        trace_state=TraceState.from_header([state]) if state else None,
    )
