"""publish() under faults: it ends while the fault lasts, and says what is known.

None of these tests looks at a clock: that publish() has ended while a server is still silent, a name
still looked up or a script still running is what they see.
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.errors import PublishError
from eventflow.events import Event
from eventflow.settings import Settings, load_settings
from tests.faults.proxy import Mode, Proxy, proxied
from tests.servers import require_broker
from tests.servers.rabbitmq import VirtualHost, shared_node

DEADLINE = 0.5  # seconds


def event(name: str = "e1") -> Event:
    """Return an event."""
    return Event(id=name, source="s", type="T", data={})


def insist(flow: EventFlow, one: Event) -> None:
    """Publish, and again where a busy machine did not do so within the short deadline."""
    while True:
        with contextlib.suppress(PublishError):
            flow.publish(one)
            return


def as_if_taken(client: redis.Redis) -> None:
    """Have the next event call a router, as if one had taken the message before."""
    client.hdel("eventflow:{default}:counts:eventflow.route", "called")


def bodies(client: redis.Redis) -> int:
    """Count the events in the ledger."""
    return len(list(client.scan_iter("eventflow:*:body:*")))


@pytest.fixture
def proxy(server_settings: Settings) -> Iterator[Proxy]:
    """A proxy before the ledger."""
    with proxied(server_settings.ledger_url) as [proxy]:
        yield proxy
        proxy.set(Mode.PASSING)


@pytest.fixture
def flow(proxy: Proxy, client: redis.Redis) -> EventFlow:
    """A flow whose ledger and broker are behind the proxy."""
    return EventFlow(load_settings(redis_url=proxy.url, publish_deadline=DEADLINE))


@pytest.mark.parametrize("mode", [Mode.STALLING, Mode.BLACK_HOLING, Mode.DROPPING])
@pytest.mark.parametrize("is_connected", [True, False], ids=["connected", "not connected"])
def test_a_ledger_that_is_cut_off(
    flow: EventFlow, proxy: Proxy, client: redis.Redis, mode: Mode, is_connected: bool
) -> None:
    """While nothing comes back publish() raises; once it does, the same event is published once."""
    if is_connected:
        insist(flow, event("first"))
    proxy.set(mode)
    with pytest.raises(PublishError, match=r"1 of 1 events .* is not known: publish the same") as e:
        flow.publish(event())
    assert (e.value.accepted, e.value.rejected, e.value.unknown) == ((), ("e1",), ("e1",))
    proxy.set(Mode.PASSING)
    insist(flow, event())
    insist(flow, event())
    assert bodies(client) == 1 + is_connected


def test_a_list_tells_the_parts_apart(
    flow: EventFlow, proxy: Proxy, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a list in several calls, what was accepted before the fault is named as accepted."""
    events = [event(f"e{number}") for number in range(1500)]
    ledger, calls = flow._publisher._ledgers.of("default"), []
    accept = ledger.accept

    def accept_then_cut(part: Any) -> Any:
        answers = accept(part)
        calls.append(part)
        if len(calls) == 1:
            proxy.set(Mode.STALLING)
        return answers

    monkeypatch.setattr(ledger, "accept", accept_then_cut)
    with pytest.raises(PublishError, match="1000 of 1500 events") as caught:
        flow.publish_many(events)
    assert len(caught.value.accepted) == 500
    assert caught.value.unknown == tuple(f"e{number}" for number in range(500, 1000))


@pytest.mark.parametrize("what", ["the ledger's name", "the broker's name"])
def test_a_name_that_is_looked_up_for_ever(
    what: str,
    server_settings: Settings,
    client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No timeout of a socket bounds DNS; publish() ends all the same."""
    look_up, is_over = socket.getaddrinfo, threading.Event()

    def hang(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "slow.example":
            assert is_over.wait(60)
            message = "no such name"
            raise socket.gaierror(message)
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    if what == "the ledger's name":
        flow = EventFlow(
            load_settings(redis_url="redis://slow.example/0", publish_deadline=DEADLINE)
        )
        with pytest.raises(PublishError, match=r"slow\.example/0 has not answered within 500ms"):
            flow.publish(event())
    else:
        flow = EventFlow(
            load_settings(
                broker_url="amqp://slow.example//",
                redis_url=server_settings.ledger_url,
                publish_deadline=DEADLINE,
            )
        )
        with caplog.at_level(logging.WARNING):
            insist(flow, event())
        assert bodies(client) == 1
        assert "1 events are accepted and wait for the broker: the broker has not taken it" in (
            caplog.text
        )
    is_over.set()


@contextlib.contextmanager
def full(client: redis.Redis) -> Iterator[None]:
    """Have the server's memory be full."""
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


@contextlib.contextmanager
def replica(client: redis.Redis) -> Iterator[None]:
    """Have the server follow another one, which there is not."""
    client.replicaof("127.0.0.1", "1")
    try:
        yield
    finally:
        client.replicaof("NO", "ONE")


@contextlib.contextmanager
def busy(client: redis.Redis) -> Iterator[None]:
    """Have a script run on the server that does not end."""
    client.config_set("busy-reply-threshold", 10)
    other = redis.Redis.from_url(client_url(client), retry=None)

    def run() -> None:
        with contextlib.suppress(redis.RedisError):
            other.eval("while true do end", 0)

    thread = threading.Thread(target=run)
    thread.start()
    while not is_busy(client):
        pass
    try:
        yield
    finally:
        client.script_kill()
        thread.join(60)
        other.close()
        client.config_set("busy-reply-threshold", 5000)


def is_busy(client: redis.Redis) -> bool:
    """Whether a script has run for so long that the server says so."""
    try:
        client.get("x")
    except redis.ResponseError:
        return True
    return False


def client_url(client: redis.Redis) -> str:
    """Return the address of a client's server."""
    return f"unix://{client.connection_pool.connection_kwargs['path']}"


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        pytest.param(full, r"maxmemory.*Its memory is full \(maxmemory\)", id="no memory"),
        pytest.param(replica, "It is a replica, which takes no writes", id="a replica"),
        pytest.param(busy, "A script runs there and does not end", id="busy with a script"),
    ],
)
def test_a_ledger_that_refuses(
    flow: EventFlow,
    client: redis.Redis,
    fault: Callable[[redis.Redis], contextlib.AbstractContextManager[None]],
    advice: str,
) -> None:
    """Where the server answers and refuses, the event surely is not accepted, and the reason is said."""
    with fault(client), pytest.raises(PublishError, match=advice) as caught:
        flow.publish(event())
    assert (caught.value.rejected, caught.value.unknown) == (("e1",), ())
    insist(flow, event())
    assert bodies(client) == 1


def test_a_ledger_that_loads(client: redis.Redis) -> None:
    """A server that still reads its data is an answer too: the event surely is not accepted."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    while connection.recv(65536):
                        connection.sendall(
                            b"-LOADING Redis is loading the dataset in memory\r\n" * 8
                        )

    thread = threading.Thread(target=answer)
    thread.start()
    port = listener.getsockname()[1]
    flow = EventFlow(load_settings(redis_url=f"redis://127.0.0.1:{port}/0"))
    with pytest.raises(PublishError, match="it answers once it is through") as caught:
        flow.publish(event())
    assert caught.value.unknown == ()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    flow._publisher._ledgers._connect().close()
    thread.join(60)


@pytest.fixture(scope="module")
def host() -> Iterator[VirtualHost]:
    """A virtual host of a RabbitMQ."""
    require_broker("rabbitmq")
    host = shared_node().add_host("publish-faults")
    yield host
    host.remove()


@pytest.mark.parametrize("mode", [Mode.STALLING, Mode.BLACK_HOLING, Mode.DROPPING])
def test_a_rabbitmq_that_is_cut_off(
    mode: Mode, host: VirtualHost, server_settings: Settings, client: redis.Redis
) -> None:
    """The ledger has the event, so that publish() returns, again and again, while the broker is away."""
    with proxied(host.url) as [proxy]:
        flow = EventFlow(
            load_settings(
                broker_url=proxy.url,
                redis_url=server_settings.ledger_url,
                publish_deadline=DEADLINE,
            )
        )
        insist(flow, event("first"))
        proxy.set(mode)
        for number in range(20):
            as_if_taken(client)
            insist(flow, event(f"e{number}"))
        assert bodies(client) == 21
        assert flow._publisher._waker.is_away
        proxy.set(Mode.PASSING)


def test_a_rabbitmq_that_lets_nobody_publish(
    host: VirtualHost, server_settings: Settings, client: redis.Redis
) -> None:
    """Under RabbitMQ's flow control (its memory alarm) publish() returns with the ledger's answer."""
    flow = EventFlow(
        load_settings(
            broker_url=host.url, redis_url=server_settings.ledger_url, publish_deadline=DEADLINE
        )
    )
    insist(flow, event("first"))
    shared_node().set_memory_alarm(raised=True)
    try:
        for name in ("second", "third"):
            as_if_taken(client)
            insist(flow, event(name))
        assert flow._publisher._waker.is_away
    finally:
        shared_node().set_memory_alarm(raised=False)
        while flow._sender._lines._mine():  # type: ignore[attr-defined]
            flow._sender._lines._mine().pop().close()  # type: ignore[attr-defined]
    assert bodies(client) == 3
