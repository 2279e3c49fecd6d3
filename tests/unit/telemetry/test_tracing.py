"""When a process makes spans, and how it ends."""

import subprocess
import sys
import threading
import time

import pytest
from opentelemetry import trace

from eventflow.errors import StartError
from eventflow.telemetry import Tracing, provider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the environment says of OpenTelemetry."""
    for name in (ENDPOINT, "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)


def run(code: str, **environment: str) -> str:
    """Run code in a process of its own, since a provider is set once for all; return its output."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("wanted", "is_own", "environment"),
    [
        (None, True, {}),
        (None, True, {ENDPOINT: "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}),
        (None, False, {ENDPOINT: "http://127.0.0.1:1"}),
        (False, True, {ENDPOINT: "http://127.0.0.1:1"}),
    ],
)
def test_when_a_worker_makes_no_spans(
    wanted: bool | None,
    is_own: bool,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nobody says where to, or it says not to; and an app of another's is left alone."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    tracing = Tracing(wanted)
    tracing.export_as("router", is_own=is_own)
    assert not tracing.is_on


@pytest.mark.parametrize(
    ("wanted", "is_own", "environment"),
    [("None", True, {ENDPOINT: "http://127.0.0.1:1"}), ("True", False, {})],
)
def test_when_a_worker_sends_spans(wanted: str, is_own: bool, environment: dict[str, str]) -> None:
    """By its own SDK where the environment says where to, or the setting says so."""
    code = (
        f"from eventflow.telemetry import Tracing; tracing = Tracing({wanted});"
        f"tracing.export_as('router', is_own={is_own}); print(tracing.is_on)"
    )
    assert "True" == run(code, **environment)


def test_an_application_s_provider_is_used_and_kept() -> None:
    """No second one is set up beside it; `false` wins over it."""
    code = (
        "from opentelemetry import trace; from opentelemetry.sdk.trace import TracerProvider;"
        "own = TracerProvider(); from eventflow.telemetry import Tracing; tracing = Tracing();"
        "before = tracing.is_on; trace.set_tracer_provider(own); tracing.export_as('router');"
        "print(before, tracing.is_on, trace.get_tracer_provider() is own, Tracing(False).is_on)"
    )
    assert "False True True False" == run(code, **{ENDPOINT: "http://127.0.0.1:1"})


def test_threads_set_it_up_once() -> None:
    """All of them find the one provider, those too that come while it is being made."""
    code = (
        "import threading; from eventflow.telemetry import Tracing; tracing = Tracing(True);"
        "tracing.export_as('w'); gate = threading.Barrier(8); found = [];\n"
        "def look():\n    gate.wait(); found.append(tracing.is_on)\n"
        "threads = [threading.Thread(target=look) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]; print(set(found))"
    )
    assert "{True}" == run(code)


def test_what_is_not_installed_is_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(StartError, match=r"pip install 'eventflow\[opentelemetry\]'"):
        Tracing(True).export_as("router")


def test_an_environment_that_asks_in_vain_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be that of a whole cluster: the process warns, and makes no spans."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    tracing = Tracing()
    tracing.export_as("router")
    assert "no spans are made: traces are asked for, and OpenTelemetry's SDK" in caplog.text
    assert not tracing.is_on


def test_an_exporter_that_is_not_there_is_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The variables that chose it are named."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(StartError, match=r"'otlp_proto_grpc'.*OTEL_EXPORTER_OTLP_PROTOCOL"):
        Tracing(True).export_as("router")


def test_a_process_that_ends_does_not_wait_for_a_collector_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The SDK would wait for half a minute."""

    class Stuck:
        def force_flush(self, _milliseconds: int) -> None:
            released.wait(20)

    released = threading.Event()
    monkeypatch.setattr(provider, "MOST_FLUSH", 0.05)
    monkeypatch.setattr(trace, "get_tracer_provider", Stuck)
    begun = time.monotonic()
    Tracing().flush()
    assert time.monotonic() - begun < 5
    released.set()
