"""Spans in memory, of a provider that is the test's alone."""

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, format_span_id, format_trace_id

__all__ = ["Spans", "span_of", "trace_of"]

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Spans:
    """A tracer, and what it has made."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("test")

    def only(self) -> ReadableSpan:
        """Return the one span that has ended."""
        [span] = self._exporter.get_finished_spans()
        return span

    def all(self) -> tuple[ReadableSpan, ...]:
        """Return the spans that have ended."""
        return self._exporter.get_finished_spans()


def trace_of(span: ReadableSpan | Span) -> str:
    """Return a span's trace, as 32 digits."""
    context = span.get_span_context()
    assert context is not None
    return format_trace_id(context.trace_id)


def span_of(span: ReadableSpan | Span) -> str:
    """Return a span's id, as 16 digits."""
    context = span.get_span_context()
    assert context is not None
    return format_span_id(context.span_id)
