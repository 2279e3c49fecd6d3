"""A gateway for tests: the real application on a real server, in a thread of the test."""

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from eventflow.gateway.application import build_application
from eventflow.gateway.server import server_options
from eventflow.settings import Settings
from tests.ports import free_port

__all__ = [
    "ACCESS_KEY",
    "GITHUB_SECRET",
    "KEY",
    "SECRET_KEY",
    "WHSEC",
    "serving",
    "write_publishers",
]

KEY = "a-key-of-courier-app"
ACCESS_KEY = "AKIDBILLING"
SECRET_KEY = "the-secret-access-key-of-billing"
GITHUB_SECRET = "the-secret-of-github"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

PUBLISHERS = f"""
publishers:
  courier:
    kind: key
    key_sha256: {hashlib.sha256(KEY.encode()).hexdigest()}
    sources: [courier.app, "courier.*"]
    buses: [default, doors]
  billing:
    kind: sigv4
    access_key: {ACCESS_KEY}
    secret: {{file: billing.txt}}
    sources: ["billing.*"]
    buses: [default, doors]
    reads_rules: true
  slow:
    kind: key
    key_sha256: {hashlib.sha256(b"slow").hexdigest()}
    sources: ["*"]
    rate: 2/h
  slow-sdk:
    kind: sigv4
    access_key: AKIDSLOW
    secret: {{file: billing.txt}}
    sources: ["*"]
    rate: 1/h
  github:
    kind: github
    secret: {{file: github.txt}}
  partner:
    kind: standard-webhooks
    secret: {{file: partner.txt}}
    source: partner.example
"""


def write_publishers(place: Path) -> Path:
    """Write the file of publishers and their secrets, and return where it is."""
    for name, secret in (("billing", SECRET_KEY), ("github", GITHUB_SECRET), ("partner", WHSEC)):
        (place / f"{name}.txt").write_text(secret)
    path = place / "publishers.yaml"
    path.write_text(PUBLISHERS)
    return path


@contextlib.contextmanager
def serving(settings: Settings, *, is_open: bool = False) -> Iterator[str]:
    """Have a gateway for a `with` block, and its address."""
    port = free_port()
    application = build_application(settings, is_open=is_open)
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_config=None, **server_options()
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the server has ended"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()
