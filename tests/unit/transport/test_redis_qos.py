"""A worker lets go of messages when Redis is away, instead of losing its place or its life."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from kombu import Connection

from eventflow.transport.redis_transport import Transport
from tests.ports import free_port


@pytest.fixture
def qos(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The account of a channel whose server is away, with one message in hand."""
    options = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    url = f"redis://127.0.0.1:{free_port()}/0"
    with monkeypatch.context() as patch:
        # A channel asks its server for an answer before there is one.
        patch.setattr(redis.Redis, "ping", lambda self: True)
        channel = Connection(url, transport=Transport, transport_options=options).channel()
    channel.qos.prefetch_count = 1
    channel.qos._delivered["tag"] = "message"
    yield channel.qos
    channel.qos._delivered.clear()


def test_a_failed_acknowledgement_frees_its_place(qos: Any) -> None:
    """The failure is told, and the next message may come."""
    assert not qos.can_consume()
    with pytest.raises(redis.ConnectionError):
        qos.ack("tag")
    assert qos.can_consume()


@pytest.mark.parametrize("requeue", [True, False])
def test_a_failed_rejection_frees_its_place(qos: Any, requeue: bool) -> None:
    """Whether or not the message was to be put back."""
    with pytest.raises(redis.ConnectionError):
        qos.reject("tag", requeue=requeue)
    assert qos.can_consume()


def test_what_cannot_be_put_back_is_let_go(qos: Any) -> None:
    """A connection that is lost, and one that is closed already, end no worker."""
    with pytest.raises(redis.ConnectionError):
        qos.restore_unacked_once()
    assert qos.can_consume()
    qos._delivered["tag"] = "message"
    qos._delivered.restored = False
    qos.channel.connection.client = None
    qos.restore_unacked_once()
    assert qos.can_consume()


@pytest.mark.parametrize("closed", ["channel", "connection"])
def test_what_is_done_after_its_connection_is_let_go(qos: Any, closed: str) -> None:
    """A task that outlives its connection is acknowledged on nothing, and ends no worker."""
    if closed == "channel":
        qos.channel.connection = None
    else:
        qos.channel.connection.client = None
    qos.ack("tag")
    assert qos.can_consume()
