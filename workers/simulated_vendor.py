"""The outside world of the demo: one small HTTP server for vendor, partner and message service.

    python -m workers.simulated_vendor --port 8099 --failure-rate 0.33 --latency 50ms

    POST /vendor/doors/{id}/{action}      slow, failing now and then, and down when told so
    POST /vendor/doors/{id}               registers a door that was unknown
    POST /partner/parcels/{id}/{event}    takes everything
    POST /messages/{person}               takes everything
    POST /control                         {"outage", "failure_rate", "latency", "unknown", "broken"}
    GET  /account?after=N                 every accepted call since the Nth, in order
    GET  /health

It remembers accepted calls by their idempotency key, so that it can say what arrived, when, and
whether anything arrived twice.
"""

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from eventflow.units import parse_duration

__all__ = ["Answer", "Server", "World", "main"]

_MAX_BODY = 1024 * 1024
_CONTROLS = {"outage", "failure_rate", "latency", "unknown", "broken"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says. A status of 0 says nothing: the connection is cut."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


_CUT = Answer(0)


class World:
    """What is out there and what has happened to it; safe to share between threads.

    Args:
        failure_rate: The share of the vendor's calls that fail, 0 to 1.
        latency: About how many seconds the vendor takes.
        seed: Makes the failures the same each time.
        unknown: Ids that are answered 404 until registered.
        broken: Ids that are answered 500 always.
        clock: Returns seconds since the epoch.
    """

    def __init__(
        self,
        *,
        failure_rate: float = 0.0,
        latency: float = 0.0,
        seed: int = 0,
        unknown: Iterable[str] = (),
        broken: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - failures, not secrets
        self._clock = clock
        self._failure_rate = failure_rate
        self._latency = latency
        self._outage = False
        self._unknown = set(unknown)
        self._broken = set(broken)
        self._accepted: list[dict[str, Any]] = []
        self._keys: set[str] = set()
        self._counts = {"calls": 0, "failed": 0, "turned_away": 0}

    def pause(self, path: str) -> float:
        """Return the seconds that a call to *path* takes."""
        if not path.startswith("/vendor/"):
            return 0.0
        with self._lock:
            return 0.0 if self._outage else self._latency * self._random.uniform(0.5, 1.5)

    def call(self, path: str, key: str) -> Answer:
        """Answer one call of an integration and remember it if it is accepted."""
        service, *names = [unquote(part) for part in path.strip("/").split("/")]
        with self._lock:
            if service == "vendor" and len(names) == 2 and names[0] == "doors":  # noqa: PLR2004
                self._unknown.discard(names[1])
                return Answer(HTTPStatus.CREATED, {"door": names[1]})
            if service not in {"vendor", "partner", "messages"} or not names:
                return Answer(HTTPStatus.NOT_FOUND, {"error": f"there is nothing at {path}"})
            if not key:
                return Answer(HTTPStatus.BAD_REQUEST, {"error": "Idempotency-Key is missing"})
            self._counts["calls"] += 1
            return self._judge(service, names, path, key)

    def _judge(self, service: str, names: Sequence[str], path: str, key: str) -> Answer:
        if service == "vendor" and self._outage:
            self._counts["failed"] += 1
            return _CUT
        if self._unknown.intersection(names):
            self._counts["turned_away"] += 1
            return Answer(HTTPStatus.NOT_FOUND, {"error": f"nobody here knows {names[-2:]}"})
        fails = service == "vendor" and self._random.random() < self._failure_rate
        if fails or self._broken.intersection(names):
            self._counts["failed"] += 1
            # Now and then the vendor says when to come back.
            if fails and self._random.random() < 0.25:  # noqa: PLR2004
                return Answer(HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "1"})
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "something went wrong"})
        repeat = key in self._keys
        self._keys.add(key)
        self._accepted.append({"key": key, "path": path, "at": self._clock(), "repeat": repeat})
        return Answer(HTTPStatus.OK, {"accepted": key, "repeat": repeat})

    def control(self, changes: object) -> Answer:
        """Change how the world behaves; what is not named stays."""
        if not isinstance(changes, dict) or set(changes) - _CONTROLS:
            known = ", ".join(sorted(_CONTROLS))
            return Answer(HTTPStatus.BAD_REQUEST, {"error": f"send an object of: {known}"})
        with self._lock:
            self._outage = bool(changes.get("outage", self._outage))
            self._failure_rate = float(changes.get("failure_rate", self._failure_rate))
            self._latency = float(changes.get("latency", self._latency))
            self._unknown = set(changes.get("unknown", self._unknown))
            self._broken = set(changes.get("broken", self._broken))
        return Answer(HTTPStatus.OK)

    def account(self, after: int = 0) -> Answer:
        """Return what was accepted, from the entry *after* on, and where to go on from."""
        with self._lock:
            entries = self._accepted[after:]
            return Answer(
                HTTPStatus.OK,
                {"accepted": entries, "next": after + len(entries), **self._counts},
            )


class _Handler(BaseHTTPRequestHandler):
    """HTTP on the outside, the world on the inside."""

    server: "Server"

    def do_GET(self) -> None:
        """Answer /health and /account."""
        url = urlsplit(self.path)
        if url.path == "/health":
            self._send(Answer(HTTPStatus.OK, {"status": "up"}))
        elif url.path == "/account":
            after = parse_qs(url.query).get("after", ["0"])[0]
            self._send(self.server.world.account(int(after) if after.isdecimal() else 0))
        else:
            self._send(Answer(HTTPStatus.NOT_FOUND, {"error": f"there is nothing at {url.path}"}))

    def do_POST(self) -> None:
        """Answer a call of an integration, or change how the world behaves."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _MAX_BODY:
            self._send(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            return
        body = self.rfile.read(int(length))
        world = self.server.world
        if self.path == "/control":
            self._send(_control(world, body))
            return
        time.sleep(world.pause(self.path))
        self._send(world.call(self.path, self.headers.get("Idempotency-Key", "")))

    def _send(self, answer: Answer) -> None:
        self.close_connection = True
        if not answer.status:
            self.log_message("%s: cut", self.path)
            return
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _control(world: World, body: bytes) -> Answer:
    try:
        return world.control(json.loads(body))
    except (ValueError, TypeError) as error:
        return Answer(HTTPStatus.BAD_REQUEST, {"error": f"cannot be: {error}"})


class Server(ThreadingHTTPServer):
    """A running world, on this machine alone unless told otherwise; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, world: World, port: int = 0, address: str = "127.0.0.1") -> None:
        super().__init__((address, port), _Handler)
        self.world = world


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="simulated_vendor", description="The demo's outside.")
    parser.add_argument("--address", default="127.0.0.1", help="0.0.0.0 for all, in a container")
    parser.add_argument("--port", type=int, default=8099, help="0 takes a free one")
    parser.add_argument("--failure-rate", type=float, default=0.0, help="0 to 1, of the vendor")
    parser.add_argument("--latency", type=parse_duration, default="50ms", help="such as 50ms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unknown", action="append", default=[], metavar="ID", help="404")
    parser.add_argument("--broken", action="append", default=[], metavar="ID", help="500, always")
    options = parser.parse_args(arguments)
    if not 0 <= options.failure_rate <= 1:
        parser.error(f"--failure-rate is between 0 and 1, not {options.failure_rate}")
    world = World(
        failure_rate=options.failure_rate,
        latency=options.latency,
        seed=options.seed,
        unknown=options.unknown,
        broken=options.broken,
    )
    try:
        server = Server(world, options.port, options.address)
    except OSError as error:
        print(f"Error: port {options.port} cannot be used: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 1

    def stop(_number: int, _frame: FrameType | None) -> None:
        # shutdown() waits for the loop that this very thread runs, so another one asks for it.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with server:
        print(f"ready: http://{options.address}:{server.server_port}", flush=True)  # noqa: T201
        server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
