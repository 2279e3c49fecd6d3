"""Real parts for the integration tests: a private Valkey, started on demand, emptied between tests."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from eventflow.embedded import EmbeddedServer
from eventflow.settings import Settings, load_settings


@pytest.fixture(scope="session")
def server_settings() -> Iterator[Settings]:
    """Settings whose embedded server runs for the whole session of tests."""
    place = Path(tempfile.mkdtemp(prefix="ef-"))
    # The reference deployment has schemas, and tests publish what they like.
    settings = load_settings(data_dir=place, schemas=place / "schemas")
    server = EmbeddedServer(settings)
    server.start()
    yield settings
    server.stop()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def client(server_settings: Settings) -> Iterator[redis.Redis]:
    """A client of an empty server."""
    connection = redis.Redis.from_url(server_settings.ledger_url)
    connection.flushall()
    yield connection
    connection.close()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Return a function that waits until a condition holds, and fails when it does not in time."""

    def wait(condition: Callable[[], bool], timeout: float = 30.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.01)

    return wait
