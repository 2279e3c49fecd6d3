"""The addresses that settings derive lead real clients to the real server."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kombu import Connection

from eventflow.embedded import EmbeddedServer
from eventflow.settings import Settings, load_settings


@pytest.fixture(scope="module", params=["plain", "with space", "per%cent", "what?", "ha#sh"])
def oddly_placed(request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings whose embedded server runs in a directory of that name."""
    with tempfile.TemporaryDirectory(prefix="ef-") as place:
        settings = load_settings(data_dir=Path(place) / request.param)
        server = EmbeddedServer(settings)
        server.start()
        yield settings
        server.stop()


def test_ledger_address_leads_to_the_server(oddly_placed: Settings) -> None:
    """redis-py reaches the embedded server by the ledger's address, whatever its directory."""
    with redis.Redis.from_url(oddly_placed.ledger_url) as client:
        assert client.ping()


def test_broker_address_leads_to_the_server(oddly_placed: Settings) -> None:
    """Kombu reaches the embedded server by the broker's address, whatever its directory."""
    with Connection(oddly_placed.celery_broker_url) as connection:
        queue = connection.SimpleQueue("settings-test")
        queue.put({"a": 1})
        message = queue.get(timeout=5)
        message.ack()
        assert {"a": 1} == message.payload
        queue.close()
