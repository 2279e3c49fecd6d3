"""An outside system's answer is read as delivered, try again, or never."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from eventflow.errors import Refuse, Retry
from workers.outside import post

Serve = Callable[[int, dict[str, str]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server on a free port that gives one answer to all; tells its address."""
    running: list[tuple[HTTPServer, threading.Thread]] = []

    def start(status: int, headers: dict[str, str]) -> str:
        class Handler(BaseHTTPRequestHandler):
            """Gives that answer."""

            def do_POST(self) -> None:
                """Answer a call."""
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_returns(serve: Serve, status: int) -> None:
    """Any 2xx is delivered."""
    assert post(serve(status, {}), {}, key="k", timeout=5) is None


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [(429, "7", 7.0), (503, "30", 30.0), (429, "0", 0.0), (429, "-5", 0.0)],
)
def test_busy_says_when(serve: Serve, status: int, retry_after: str, seconds: float) -> None:
    """429 and 503 with a Retry-After are tried again when they say, zero included."""
    with pytest.raises(Retry) as caught:
        post(serve(status, {"Retry-After": retry_after}), {}, key="k", timeout=5)

    assert seconds == caught.value.after


def test_busy_until_a_date(serve: Serve) -> None:
    """A Retry-After may be a date; the wait is until then."""
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    with pytest.raises(Retry) as caught:
        post(serve(503, {"Retry-After": moment}), {}, key="k", timeout=5)

    assert caught.value.after is not None
    assert 80 <= caught.value.after <= 90


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_never(serve: Serve, status: int) -> None:
    """What stays wrong however often it is said is refused, with the status and the address."""
    url = serve(status, {})
    with pytest.raises(Refuse, match=f"{status} .* from {url}"):
        post(url, {}, key="k", timeout=5)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (500, {}),
        (502, {}),
        (401, {}),  # a wrong password can be set right
        (429, {}),  # says no time: the policy knows one
        (503, {"Retry-After": "soon"}),
    ],
)
def test_failure_is_left_to_the_policy(serve: Serve, status: int, headers: dict[str, str]) -> None:
    """Other failures are plain errors, which the target's policy retries."""
    with pytest.raises(OSError, match=str(status)):
        post(serve(status, headers), {}, key="k", timeout=5)


def test_nobody_there_is_left_to_the_policy(serve: Serve) -> None:
    """A refused connection is a plain error."""
    with pytest.raises(OSError, match="refused"):
        post("http://127.0.0.1:1/", {}, key="k", timeout=5)
