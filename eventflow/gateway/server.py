"""Uvicorn, set up for clients that are slow, endless or never done."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from eventflow.telemetry import logging_config

__all__ = ["run_server", "server_options"]

_PATIENCE = 10  # seconds for a request's headers, and between two requests
_MOST_HEAD = 64 * 1024  # bytes of a request's headers
_MOST_CONNECTIONS = 1000  # of one process; beyond, 503
_GRACE = 30  # seconds in which running requests may end


class _ImpatientProtocol(HttpToolsProtocol):
    """Uvicorn's quicker HTTP, which by itself takes headers without end, and waits so for them."""

    _waiting: asyncio.TimerHandle | None = None
    _in_head = True  # whether what comes now are headers, and not the rest of a refused body
    _head = 0  # bytes of them, without those that came together with something else

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._head += len(data) if self._in_head else 0
        super().data_received(data)
        if self._head > _MOST_HEAD:
            self._give_up()
        elif self._is_in_request():
            self._stop_watching()
        elif self._waiting is None:
            self._watch()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def _is_in_request(self) -> bool:
        # None before the first, whatever uvicorn's annotation says.
        return bool(self.cycle) and not self.cycle.response_complete

    def _watch(self) -> None:
        self._waiting = self.loop.call_later(_PATIENCE, self._give_up)

    def _stop_watching(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._stop_watching()
        if not self._is_in_request() and not self.transport.is_closing():
            self.transport.close()


def server_options() -> dict[str, Any]:
    """Return what uvicorn is to be set up with, wherever it listens; as `uvicorn.Config` takes it."""
    return {
        "http": _ImpatientProtocol,
        "ws": "none",
        "access_log": False,
        "server_header": False,
        "limit_concurrency": _MOST_CONNECTIONS,
        "timeout_keep_alive": _PATIENCE,
        "timeout_graceful_shutdown": _GRACE,
    }


def run_server(
    factory: str, *, host: str, port: int, workers: int, log_level: str, log_format: str
) -> None:
    """Serve until a signal says stop; then what runs is finished first.

    Args:
        factory: Where the function is that makes the application.
        host: The address to listen on.
        port: The port.
        workers: How many processes.
        log_level: DEBUG, INFO, WARNING or ERROR.
        log_format: `text` or `json`.
    """
    # Uvicorn's loggers have handlers of their own by default: with JSON, none but the root's has.
    own = logging_config(log_level, log_format, quiet=("uvicorn", "uvicorn.error"))
    uvicorn.run(
        factory,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level=log_level.lower(),
        log_config=own if log_format == "json" else LOGGING_CONFIG,
        **server_options(),
    )
