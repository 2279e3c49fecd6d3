"""OpenTelemetry's SDK, set up by its own environment variables where the application has set up none.

In each process when its first span is made: a pool's child has its own, with a thread of its own
that sends. Sources: OpenTelemetry specification, "Environment variables" and "OTLP exporter".
"""

import logging
import os
import socket
import sys
import threading
from functools import partial
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import TYPE_CHECKING, Any

from eventflow.errors import StartError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = ["MOST_FLUSH", "check_sdk", "flush_spans", "found_tracer", "is_asked_for", "set_up_sdk"]

MOST_FLUSH = 3.0
"""Seconds that a process which ends waits for its last spans to be sent."""

_log = logging.getLogger("eventflow.telemetry")

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXTRA = "pip install 'eventflow[opentelemetry]'"


class _Process:
    """What is known of the process: a provider is made once, and a tracer asked for once."""

    lock = threading.Lock()
    set_up_in = 0  # the process's id
    tracer: "tuple[object, Tracer | None] | None" = None  # and the provider that it is of


def _unlock() -> None:
    _Process.lock = threading.Lock()


# In a child nobody is left who would let go of what another thread held at the fork.
os.register_at_fork(after_in_child=_unlock)


def is_asked_for() -> bool:
    """Whether the environment says where spans go to."""
    if os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return any(os.environ.get(name) for name in _ENDPOINTS)


def check_sdk() -> None:
    """Check that spans can be made and sent.

    Raises:
        StartError: When the SDK or the exporter is not installed.
    """
    try:
        import opentelemetry.sdk.trace  # noqa: F401, PLC0415 - only where traces are asked for
    except ImportError as error:
        message = f"traces are asked for, and OpenTelemetry's SDK is not installed: {_EXTRA}"
        raise StartError(message) from error
    _find_exporter()


def set_up_sdk(service: str) -> None:
    """Set up the SDK in this process, unless the application has, or it is done.

    What cannot be is logged: a delivery must not fail because it cannot be traced.

    Args:
        service: Its `service.name`, where the environment does not say one.
    """
    if _Process.set_up_in == os.getpid():
        return
    with _Process.lock:
        if _Process.set_up_in == os.getpid():
            return  # another thread has, meanwhile
        try:
            _set_up(service)
        except Exception:  # noqa: BLE001 - logged; an exporter's own, of whatever kind
            _log.exception("no spans are sent", extra={"action": "traces_failed"})
        finally:
            _Process.set_up_in = os.getpid()


def _set_up(service: str) -> None:
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    if found_tracer() is not None:
        return
    about: dict[str, Any] = {
        "service.namespace": "eventflow",
        "service.version": _version(),
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
    }
    if not os.environ.get("OTEL_SERVICE_NAME"):
        about["service.name"] = service
    # Flushed by whoever ends the process, with a limit of time, which the SDK's own way has not.
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_find_exporter()()))
    trace.set_tracer_provider(provider)


def found_tracer() -> "Tracer | None":
    """Return eventflow's tracer of the provider that the process has; None where it has none.

    OpenTelemetry must be loaded.
    """
    trace = sys.modules[
        "opentelemetry.trace"
    ]  # for each event, an import takes longer than the rest
    provider = trace.get_tracer_provider()
    known = _Process.tracer
    if known is not None and known[0] is provider:
        return known[1]
    is_none = isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider)
    tracer = None if is_none else provider.get_tracer("eventflow", _version())
    _Process.tracer = (provider, tracer)
    return tracer


def flush_spans() -> None:
    """Send what spans are left, for a process that ends; at most for `MOST_FLUSH` seconds."""
    from opentelemetry import trace  # noqa: PLC0415 - loaded already

    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is None:
        return
    # In a thread, since the SDK heeds no limit of time, and a collector may be away.
    work = partial(flush, int(MOST_FLUSH * 1000))
    thread = threading.Thread(target=work, name="eventflow-flush", daemon=True)
    thread.start()
    thread.join(MOST_FLUSH)


def _find_exporter() -> type[Any]:
    name = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "otlp"
    if name == "otlp":
        protocol = os.environ.get(
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
        )
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    found = list(entry_points(group="opentelemetry_traces_exporter", name=name))
    if not found:
        message = (
            f"no exporter of spans is installed under the name {name!r}: {_EXTRA} has the one for "
            "OTLP over HTTP; OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_PROTOCOL name another"
        )
        raise StartError(message)
    exporter: type[Any] = found[0].load()
    return exporter


def _version() -> str:
    try:
        return version("eventflow")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return ""
