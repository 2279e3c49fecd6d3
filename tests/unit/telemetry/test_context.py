"""W3C trace context is read as its specification says, and found where code runs."""

import subprocess
import sys

import pytest
from opentelemetry import trace

from eventflow.telemetry import TraceContext, current_context, read_context
from eventflow.telemetry.context import CARRIED, as_span_context, context_of
from tests.unit.telemetry.spans import OTHER, PARENT, Spans, span_of, trace_of


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "garbage",
        PARENT.upper(),
        PARENT.replace("00-0af", "ff-0af"),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        PARENT[:-1],
        PARENT + "00",
    ],
)
def test_what_is_no_trace_context_is_passed_over(text: str | None) -> None:
    """A text from outside that is none counts as none, and is never an error."""
    assert read_context(text) is None


def test_a_context_is_read_and_written_alike() -> None:
    """What OpenTelemetry is given is what comes back, its state and flags too."""
    context = read_context(PARENT, "vendor=1,other=2")
    assert context == TraceContext(PARENT, "vendor=1,other=2")
    assert context == context_of(as_span_context(context))
    assert ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331") == (
        context.trace_id,
        context.span_id,
    )


def test_a_later_version_may_say_more() -> None:
    """A field that a later version of the specification adds is no fault."""
    assert read_context(PARENT.replace("00-", "01-", 1) + "-more") is not None


def test_the_span_around_goes_before_the_event_that_is_worked_on() -> None:
    """Without either there is no context."""
    assert current_context() is None
    token = CARRIED.set(TraceContext(OTHER))
    try:
        assert TraceContext(OTHER) == current_context()
        with Spans().tracer.start_as_current_span("around") as span:
            found = current_context()
            assert found is not None
            assert (trace_of(span), span_of(span)) == (found.trace_id, found.span_id)
    finally:
        CARRIED.reset(token)
    assert not trace.get_current_span().get_span_context().is_valid


def test_all_of_it_works_where_opentelemetry_is_not_installed() -> None:
    """The trace that an event carries is still carried on."""
    code = f"""
import sys
sys.modules["opentelemetry"] = None
from eventflow.app import EventFlow
from eventflow.events import Event
from eventflow.telemetry import begin_step
tracing = EventFlow().context.tracing
event = Event(source="s", type="T", data={{}}, traceparent={PARENT!r})
with tracing.step("attempt", "q", {{}}, {{}}), tracing.publication() as publication:
    begin_step(event)
    [published] = publication.mark([Event(source="s", type="T", data={{}})])
tracing.flush()
print(published.traceparent)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60, text=True
    )
    assert PARENT == done.stdout.strip()
