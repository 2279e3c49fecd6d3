"""A simulated outside world on a free port, and how to ask it things."""

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from workers.simulated_vendor import Server, World


class Client:
    """Speaks HTTP with one server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        raw: bytes | None = None,
        key: str = "",
    ) -> tuple[int, dict[str, Any]]:
        """Return the answer's status and JSON."""
        data = raw if raw is not None else json.dumps(body).encode()
        request = Request(self.url + path, data=data, method=method)
        if key:
            request.add_header("Idempotency-Key", key)
        try:
            with urlopen(request, timeout=5) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}")


@pytest.fixture
def world() -> World:
    """A world in which nothing fails."""
    return World(unknown=["garage-404"], broken=["person-500"], clock=lambda: 1000.0)


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    """A client of that world, over real HTTP."""
    with Server(world) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Client(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
