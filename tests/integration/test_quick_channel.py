"""What the quick channel of Redis has in hand is where it belongs, whatever becomes of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from eventflow.settings import Settings
from eventflow.transport import Message, Sender, make_queue, route_message
from eventflow.transport.redis_quick import QuickChannel
from eventflow.worker.celery_app import configure_app, make_app

QUEUE = "eventflow.route"
UNACKED = {"unacked_key": "in-hand", "unacked_index_key": "in-hand-index"}


@pytest.fixture
def app(server_settings: Settings, client: redis.Redis) -> Celery:
    """An app whose server is empty."""
    app = make_app(server_settings)
    configure_app(app)
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, **UNACKED}
    return app


@pytest.fixture
def channel(app: Celery) -> Iterator[Any]:
    """A channel of the app's, as its worker has one."""
    connection = app.connection_for_read()
    channel = connection.channel()
    assert isinstance(channel, QuickChannel)
    yield channel
    connection.close()


def send_call(app: Celery) -> None:
    """Send one of eventflow's own messages."""
    Sender(app).send([route_message("default", [("e1", "T")])])


def send_task(app: Celery) -> None:
    """Send a task of the user's own, on the same queue."""
    Sender(app).send([Message("tasks.own", QUEUE, ("door",), "t1", "own", "('door',)")])


def noted(client: redis.Redis) -> int:
    """Return how many messages the server has noted as in someone's hand."""
    return client.hlen(UNACKED["unacked_key"])


@pytest.mark.parametrize(("send", "notes"), [(send_call, 0), (send_task, 1)])
def test_what_the_ledger_does_not_have_is_noted_on_the_server(
    app: Celery, channel: Any, client: redis.Redis, send: Callable[[Celery], None], notes: int
) -> None:
    """A call is in hand here alone; a user's task is on the server until it is acknowledged."""
    send(app)
    channel.qos.prefetch_count = 1
    message = channel.basic_get(QUEUE)
    assert notes == noted(client)
    assert not channel.qos.can_consume()
    message.ack()
    assert noted(client) == client.llen(QUEUE) == 0
    assert channel.qos.can_consume()


@pytest.mark.parametrize("send", [send_call, send_task])
def test_what_is_given_back_is_on_its_queue(
    app: Celery, channel: Any, client: redis.Redis, send: Callable[[Celery], None]
) -> None:
    """As when a pool's process dies; it says that it was here before, and lies behind the others."""
    send(app)
    first = channel.basic_get(QUEUE)
    send(app)
    first.reject(requeue=True)
    assert client.llen(QUEUE) == 2
    assert "redelivered" not in channel.basic_get(QUEUE).headers
    again = channel.basic_get(QUEUE)
    assert again.headers["redelivered"] is True
    assert first.decode() == again.decode()
    assert first.headers["id"] == again.headers["id"]


@pytest.mark.parametrize("send", [send_call, send_task])
def test_what_is_rejected_is_gone(
    app: Celery, channel: Any, client: redis.Redis, send: Callable[[Celery], None]
) -> None:
    """As Celery does with what it cannot run."""
    send(app)
    channel.basic_get(QUEUE).reject()
    assert noted(client) == client.llen(QUEUE) == 0
    channel.close()
    assert client.llen(QUEUE) == 0


@pytest.mark.parametrize("send", [send_call, send_task])
def test_a_worker_that_stops_gives_back_what_it_has_not_done(
    app: Celery, channel: Any, client: redis.Redis, send: Callable[[Celery], None]
) -> None:
    """And nothing of what it has done, even where its account does not show that yet."""
    send(app)
    send(app)
    channel.basic_get(QUEUE).ack()
    channel.basic_get(QUEUE)
    channel.close()
    assert client.llen(QUEUE) == 1
    assert noted(client) == 0


def test_calls_that_come_again_are_as_good_as_new(app: Celery, channel: Any) -> None:
    """What was given back can be taken, given back again, and acknowledged."""
    send_call(app)
    for _ in range(3):
        channel.basic_get(QUEUE).reject(requeue=True)
    channel.basic_get(QUEUE).ack()
    assert channel.basic_get(QUEUE) is None


def test_a_client_is_kept_as_long_as_its_connections(channel: Any) -> None:
    """All commands share one; a fork, which ends the connections, has another made."""
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
        assert first is second
    channel._after_fork()
    with channel.conn_or_acquire() as third:
        assert third is not first
        assert third.ping()


def test_what_comes_is_handed_over(app: Celery, channel: Any, client: redis.Redis) -> None:
    """A message is read once and whole; garbage is carried, and none of it ends the reader."""
    got: list[Any] = []
    consumer = app.amqp.TaskConsumer(channel, queues=[make_queue(QUEUE)], on_message=got.append)
    marked = '{"properties": {"__type__": "no-such", "__value__": 1}}'
    with consumer:
        client.lpush(QUEUE, b"garbage", marked, marked.encode("utf-16"))
        send_call(app)
        while len(got) < 4:
            channel.connection.client.drain_events(timeout=5)
    kinds = [message.content_type for message in got]
    assert kinds == ["application/x-eventflow-undecodable"] * 3 + ["application/json"]
    assert noted(client) == 3
    assert [message.body for message in got[:2]] == [b"garbage", marked.encode()]
