"""RabbitMQ: what is sent is confirmed and has a queue, and what is refused is said."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery

from eventflow.errors import TransportError
from eventflow.settings import load_settings
from eventflow.transport import Message, Sender, make_queue
from eventflow.transport.queues import DELIVERY_LIMIT
from eventflow.worker import make_app
from tests.servers import VirtualHost, require_broker, shared_node
from tests.servers.server import freeze


@pytest.fixture(scope="module")
def host() -> Iterator[VirtualHost]:
    """A broker."""
    require_broker("rabbitmq")
    made = shared_node().add_host(uuid4().hex)
    yield made
    made.remove()


@pytest.fixture
def queue() -> str:
    """The name of a queue that is nowhere yet."""
    return f"q-{uuid4().hex}"


def app_of(url: str) -> Celery:
    """Return a Celery app on that broker."""
    return make_app(load_settings(broker_url=url))


def messages(queue: str, count: int = 1) -> list[Message]:
    """Return messages for a queue."""
    return [
        Message("eventflow.route", queue, ("default", [str(n)]), f"id-{n}", "shadow", "()")
        for n in range(count)
    ]


def _sockets_to(port: int) -> Iterator[str]:
    """Yield where the established TCP connections to a port of this machine come from."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        if state == "01" and int(remote.rpartition(":")[2], 16) == port:
            yield local


def test_a_queue_that_is_missing_is_made(host: VirtualHost, queue: str) -> None:
    """A message for a queue that nobody declared comes back, and goes again once there is one."""
    sender = Sender(app_of(host.url))
    sender.send(messages(queue))
    assert 1 == sender.depth(queue)
    made = host.queues()[queue]
    assert (made["type"], made["durable"]) == ("quorum", True)
    assert made["arguments"]["x-delivery-limit"] == DELIVERY_LIMIT


def test_a_list_is_all_there_when_send_returns(host: VirtualHost, queue: str) -> None:
    """Hundreds of messages, for a queue that is there and one that is not: none is lost."""
    sender = Sender(app_of(host.url))
    sender.declare([queue])
    other = f"{queue}-other"
    sender.send([*messages(queue, 300), *messages(other, 200)])
    assert (300, 200) == (sender.depth(queue), sender.depth(other))


def test_a_queue_that_is_not_there_is_empty(host: VirtualHost, queue: str) -> None:
    """Asking for its depth makes no queue, and the sender goes on."""
    sender = Sender(app_of(host.url))
    assert 0 == sender.depth(queue)
    assert queue not in host.queues()
    sender.send(messages(queue))
    assert 1 == sender.depth(queue)


def test_one_connection_is_enough(host: VirtualHost, queue: str) -> None:
    """Sending and asking again and again opens no connection each time."""
    sender = Sender(app_of(host.url))
    sender.send(messages(queue))
    before = set(_sockets_to(host.node.port))
    assert before
    for _ in range(20):
        sender.send(messages(queue, 2))
        sender.depth(queue)
        sender.depth(f"{queue}-not-there")
    assert before.issuperset(_sockets_to(host.node.port)), "others may have closed theirs"


def test_a_joined_app_may_confirm_for_itself(host: VirtualHost, queue: str) -> None:
    """An app whose own messages are confirmed one by one changes nothing for eventflow's."""
    app = app_of(host.url)
    app.conf.broker_transport_options = {"confirm_publish": True}
    sender = Sender(app)
    sender.send(messages(queue, 5))
    assert 5 == sender.depth(queue)


def test_threads_each_have_a_line(host: VirtualHost, queue: str) -> None:
    """Eight threads send at once: everything arrives."""
    sender = Sender(app_of(host.url))
    sender.declare([queue])
    threads = [
        threading.Thread(target=lambda: [sender.send(messages(queue, 5)) for _ in range(10)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 400 == sender.depth(queue)


def test_a_fork_has_connections_of_its_own(host: VirtualHost, queue: str) -> None:
    """A child sends, and its parent's connection lives on."""
    sender = Sender(app_of(host.url))
    sender.send(messages(queue))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sender.send(messages(queue))
            code = 0
        finally:
            os._exit(code)
    assert 0 == os.waitpid(child, 0)[1]
    sender.send(messages(queue))
    assert 3 == sender.depth(queue)


def test_a_queue_that_may_not_be_declared_is_named(host: VirtualHost, queue: str) -> None:
    """A user without the right: the error says which queue, and what to do."""
    host.node.add_user(queue, "secret", host.name, configure="^$", write=".*", read="^$")
    sender = Sender(app_of(host.node.url_of(host.name, queue, "secret")))
    with pytest.raises(TransportError, match=rf"no queue '{queue}' that this user could") as caught:
        sender.send(messages(queue))
    assert "set_permissions" in str(caught.value)
    assert "secret" not in str(caught.value)
    Sender(app_of(host.url)).declare([queue])
    sender.send(messages(queue))  # it may write, and the queue is there now


def test_a_queue_of_another_kind_is_named(host: VirtualHost, queue: str) -> None:
    """A classic queue of that name is in the way: the error says so, and how to be rid of it."""
    with host.connect() as connection, connection.channel() as channel:
        channel.queue_declare(queue, durable=True, auto_delete=False)
    sender = Sender(app_of(host.url))
    with pytest.raises(TransportError, match=f"another queue '{queue}'.*delete_queue {queue}"):
        sender.declare([queue])
    sender.send(messages(queue))  # sending needs no more than that it is there


def test_a_queue_at_its_limit_refuses(host: VirtualHost, queue: str) -> None:
    """What the broker will not keep is an error, not a message that was sent."""
    arguments = {
        **make_queue(queue).queue_arguments,
        "x-max-length": 1,
        "x-overflow": "reject-publish",
    }
    with host.connect() as connection, connection.channel() as channel:
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
    sender = Sender(app_of(host.url))

    def fill() -> None:
        for _ in range(20):  # the queue tells publishers that it is full a moment after it is
            sender.send(messages(queue, 50))

    with pytest.raises(TransportError, match="refused"):
        fill()


def test_a_broker_that_was_restarted_is_found_again(host: VirtualHost, queue: str) -> None:
    """A connection that lay idle meanwhile is replaced without an error."""
    sender = Sender(app_of(host.url))
    sender.send(messages(queue))
    host.stop()
    with pytest.raises(TransportError, match="cannot be used") as caught:
        sender.send(messages(queue))
    assert "of-the-tests" not in str(caught.value)
    host.start()
    sender.send(messages(queue))
    sender.send(messages(queue))


def test_a_silent_broker_is_given_up_on(host: VirtualHost, queue: str) -> None:
    """A broker that is there and says nothing holds its callers for the deadline, not for ever."""
    sender = Sender(app_of(host.url), silence=0.3)
    sender.send(messages(queue))
    assert host.pid is not None
    freeze(host.pid)
    try:
        with pytest.raises(TransportError, match="cannot be used"):
            sender.send(messages(queue))
        with pytest.raises(TransportError, match="cannot be used"):  # on a new connection
            sender.send(messages(queue))
    finally:
        os.kill(host.pid, signal.SIGCONT)
    sender.send(messages(queue))


def post_again(sender: Sender, queue: str) -> None:
    """Post some messages; the broker may take a moment to fall silent."""
    for _ in range(5):
        sender.post(messages(queue))


def test_what_is_posted_waits_for_nothing(host: VirtualHost, queue: str) -> None:
    """A broker that says nothing is found out by the next message, and is no error for the first."""
    sender = Sender(app_of(host.url), silence=0.3)
    sender.post(messages(queue))  # the first on its queue is confirmed, since that may be missing
    assert 1 == sender.depth(queue)
    assert host.pid is not None
    freeze(host.pid)
    try:
        sender.post(messages(queue))
        with pytest.raises(TransportError, match="cannot be used"):
            post_again(sender, queue)
    finally:
        os.kill(host.pid, signal.SIGCONT)
    sender.send(messages(queue))


@pytest.mark.parametrize("last", ["post", "send"])
def test_what_was_posted_and_came_back_goes_once_more(
    last: str, host: VirtualHost, queue: str
) -> None:
    """A queue that was deleted is made again for what was posted to it, with the next message."""
    sender = Sender(app_of(host.url))
    other = f"{queue}-other"
    sender.send([*messages(queue), *messages(other)])
    with host.connect() as connection, connection.channel() as channel:
        channel.queue_delete(queue)
    sender.post(messages(queue, 3))
    getattr(sender, last)(messages(other))
    sender.send(messages(other))
    assert (3, 3) == (sender.depth(queue), sender.depth(other))


def test_what_is_posted_finds_a_broker_that_was_restarted(host: VirtualHost, queue: str) -> None:
    """The broker's farewell on an idle connection is read before anything is written to it."""
    sender = Sender(app_of(host.url))
    sender.send(messages(queue))
    host.stop()
    host.start()
    sender.post(messages(queue))
    sender.send(messages(queue))
    assert 3 == sender.depth(queue)


def test_what_was_posted_and_refused_is_said(host: VirtualHost, queue: str) -> None:
    """A queue at its limit is an error of the next message."""
    arguments = {
        **make_queue(queue).queue_arguments,
        "x-max-length": 1,
        "x-overflow": "reject-publish",
    }
    with host.connect() as connection, connection.channel() as channel:
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
    sender = Sender(app_of(host.url))

    def fill() -> None:
        for _ in range(20):
            sender.post(messages(queue, 50))

    with pytest.raises(TransportError, match="refused"):
        fill()
