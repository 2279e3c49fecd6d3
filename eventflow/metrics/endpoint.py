"""The HTTP endpoint that Prometheus scrapes: threads of a process's own, on a port of its own."""

import logging
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

__all__ = ["MOST_CONNECTIONS", "TIDY_EVERY", "Endpoint"]

_log = logging.getLogger("eventflow.metrics")

MOST_CONNECTIONS = 8
"""Requests that an endpoint answers at once; more are closed unread."""

TIDY_EVERY = 60.0
"""Seconds between two times that what gathers is tidied up, though nobody asks for metrics."""

_PATIENCE = 10  # seconds for a request, and for its answer to be taken
_endpoints: "weakref.WeakSet[Endpoint]" = weakref.WeakSet()


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's own name
        """Say nothing of each scrape."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    tidy: Callable[[], object] | None = None
    _next_tidy = 0.0

    def __init__(self, *args: Any, **options: Any) -> None:
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*args, **options)

    def service_actions(self) -> None:
        """Tidy up now and then; called twice a second by the thread that waits for requests."""
        if self.tidy is not None and time.monotonic() >= self._next_tidy:
            self._next_tidy = time.monotonic() + TIDY_EVERY
            try:
                self.tidy()
            except Exception:  # noqa: BLE001 - a full disk, say; requests are answered all the same
                _log.exception("metrics could not be tidied", extra={"action": "tidy_failed"})

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        # A client that goes away in the middle; nothing of ours can raise here.
        _log.debug("a scrape failed", exc_info=True, extra={"action": "scrape_failed"})


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


class Endpoint:
    """Serves `/metrics`.

    Args:
        collectors: What is served, beside the process's own memory, CPU and open files.
        address: The address to listen on.
        port: The port.
        tidy: Called once a minute.
    """

    def __init__(
        self,
        collectors: Iterable[Collector],
        *,
        address: str,
        port: int,
        tidy: Callable[[], object] | None = None,
    ) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        for collector in collectors:
            registry.register(_OneAtATime(collector))
        self._application = make_wsgi_app(registry)
        self._address = address
        self._port = port
        self._tidy = tidy
        self._server: _Server | None = None

    def start(self) -> bool:
        """Listen; False where the port cannot be had, which is logged and ends nothing."""
        kind = _ServerOfIPv6 if ":" in self._address else _Server
        try:
            self._server = make_server(self._address, self._port, self._answer, kind, _Handler)
        except OSError as error:
            _log.error(
                "metrics are not served: %s:%d cannot be listened on (%s). Give each process of a "
                "machine a port of its own in EVENTFLOW_METRICS_PORT, or none; all else goes on",
                self._address,
                self._port,
                error.strerror or error,
                extra={"action": "metrics_unserved", "port": self._port},
            )
            return False
        self._server.tidy = self._tidy
        thread = threading.Thread(
            target=self._server.serve_forever, name="eventflow-metrics", daemon=True
        )
        thread.start()
        _endpoints.add(self)
        _log.info(
            "metrics are served at http://%s:%d/metrics",
            f"[{self._address}]" if ":" in self._address else self._address,
            self._port,
            extra={"action": "metrics_served", "port": self._port},
        )
        return True

    def stop(self) -> None:
        """Listen no more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def close_in_child(self) -> None:
        """Leave the port to the parent: a process that a pool forks would hold it."""
        if self._server is not None:
            self._server.socket.close()
            self._server = None

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/metrics":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"the metrics are at /metrics\n"]
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer


class _OneAtATime(Collector):
    """Collects for one scrape after another, and never fails a scrape as a whole."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._lock = threading.Lock()

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            try:
                return list(self._collector.collect())
            except Exception:  # noqa: BLE001 - the edge: the other collectors' numbers are served
                _log.exception("metrics could not be read", extra={"action": "scrape_failed"})
                return []


def _close_in_child() -> None:
    for endpoint in list(_endpoints):
        endpoint.close_in_child()


os.register_at_fork(after_in_child=_close_in_child)
