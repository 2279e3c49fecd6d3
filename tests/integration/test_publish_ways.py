"""publish() from wherever users call it: threads, forks, prefork pools, gevent and asyncio."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.delivery.at_once import AtOnce
from eventflow.errors import PublishError
from eventflow.events import Event
from eventflow.settings import Settings, load_settings
from tests.deployment import deployed
from tests.faults.proxy import Mode, Proxy, proxied

PATIENCE = 60.0  # seconds
ROOT = Path(__file__).resolve().parents[2]


def event(name: str) -> Event:
    """Return an event."""
    return Event(id=name, source="s", type="T", data={})


def bodies(client: redis.Redis) -> int:
    """Count the events in the ledger."""
    return len(list(client.scan_iter("eventflow:*:body:*")))


@pytest.fixture
def flow(server_settings: Settings, client: redis.Redis) -> EventFlow:
    """A flow on an empty server, with time enough for a busy machine."""
    return EventFlow(server_settings.with_changes(publish_deadline=PATIENCE))


@pytest.fixture
def proxy(server_settings: Settings, client: redis.Redis) -> Iterator[Proxy]:
    """A proxy before the ledger."""
    with proxied(server_settings.ledger_url) as [proxy]:
        yield proxy
        proxy.set(Mode.PASSING)


def test_connections_are_used_again(proxy: Proxy) -> None:
    """A hundred events, one after another, need no more connections than the first few."""
    flow = EventFlow(load_settings(redis_url=proxy.url, publish_deadline=PATIENCE))
    flow.publish(event("first"))
    before = proxy.connections
    for number in range(100):
        flow.publish(event(f"e{number}"))
    assert proxy.connections <= before + 2


def ready(flow: EventFlow) -> AtOnce:
    """Publish a first event, and wait until the next needs no other thread."""
    flow.publish(event("first"))
    at_once: AtOnce = flow._publisher._ledgers.of("default")._at_once  # type: ignore[attr-defined]
    deadline = time.monotonic() + PATIENCE
    while not at_once._idle:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return at_once


def test_no_other_thread(
    flow: EventFlow, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a connection is open, events go in the caller's own thread, on that connection."""
    ready(flow)
    refuse_threads(flow, monkeypatch)
    for number in range(20):
        flow.publish(event(f"e{number}"))
    flow.publish_many([event(f"e{number}") for number in range(40)])
    assert bodies(client) == 41


def test_no_other_thread_of_a_coroutine(
    flow: EventFlow, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a connection is open, a coroutine's events go on it, awaited by the event loop."""
    ready(flow)
    refuse_threads(flow, monkeypatch)

    async def publish() -> None:
        for number in range(20):
            await flow.apublish(event(f"e{number}"))
        await flow.apublish_many([event(f"e{number}") for number in range(40)])

    asyncio.run(publish())
    flow.publish(event("last"))
    assert bodies(client) == 42


def test_no_other_thread_beside_another_broker(
    server_settings: Settings, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the broker is another server, a thread is asked where a router is to be called, and only there."""
    place = server_settings.celery_broker_url.replace("virtual_host=0", "virtual_host=1")
    settings = load_settings(
        broker_url=place, redis_url=server_settings.ledger_url, publish_deadline=PATIENCE
    )
    flow = EventFlow(settings)
    ready(flow)
    flow.publish(event("second"))  # a message that was not taken is sent again after a while
    client.hset("eventflow:{default}:counts:eventflow.route", "called", time.time() + PATIENCE)
    with monkeypatch.context() as patched:
        refuse_threads(flow, patched)
        flow.publish(event("e1"))
    client.hdel("eventflow:{default}:counts:eventflow.route", "called")
    other = redis.Redis.from_url(server_settings.ledger_url.replace("db=0", "db=1"))
    other.flushdb()
    flow.publish(event("e2"))
    assert (bodies(client), other.llen("eventflow.route")) == (4, 1)
    other.flushdb()
    other.close()


def refuse_threads(flow: EventFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where another thread is asked to publish."""

    def fail(_work: object) -> None:
        pytest.fail("another thread is asked")

    monkeypatch.setattr(flow._publisher._carriers, "start", fail)


@pytest.mark.parametrize("who", ["a thread", "a coroutine"])
@pytest.mark.parametrize("what", ["the connection", "the script"])
def test_what_was_there_is_gone(what: str, who: str, flow: EventFlow, client: redis.Redis) -> None:
    """A connection that the server closed, or a script that it forgot, costs a little time, no event."""
    at_once = ready(flow)
    if what == "the script":
        client.script_flush()
    else:
        [(connection, _)] = at_once._idle
        connection._sock.shutdown(socket.SHUT_RDWR)
    if who == "a thread":
        flow.publish(event("e1"))
    else:
        asyncio.run(flow.apublish(event("e1")))
    flow.publish(event("e2"))
    assert bodies(client) == 3


def test_silence_in_the_own_thread(proxy: Proxy, client: redis.Redis) -> None:
    """A ledger that falls silent is waited for until the deadline; then it is not known what it did."""
    flow = EventFlow(load_settings(redis_url=proxy.url, publish_deadline=0.5))
    at_once = ready(flow)
    proxy.set(Mode.STALLING)
    with pytest.raises(PublishError, match="is not known: publish the same") as caught:
        flow.publish(event("e1"))
    assert (caught.value.accepted, caught.value.unknown) == ((), ("e1",))
    assert not at_once._idle, "an answer to it may still come on that connection"
    proxy.set(Mode.PASSING)
    while True:
        with contextlib.suppress(PublishError):
            flow.publish(event("e1"))
            break
    assert bodies(client) == 2


def test_who_is_interrupted(flow: EventFlow, client: redis.Redis) -> None:
    """Ctrl-C while an answer is awaited: nobody reads that answer as one to another question."""
    at_once = ready(flow)
    [(connection, _)] = at_once._idle

    class Interrupted:
        """A socket on which Ctrl-C comes before the answer."""

        def __init__(self, line: socket.socket) -> None:
            self._line = line

        def recv(self, _most: int) -> bytes:
            """Hear nothing."""
            raise KeyboardInterrupt

        def __getattr__(self, name: str) -> Any:
            return getattr(self._line, name)

    connection._sock = Interrupted(connection._sock)
    with pytest.raises(KeyboardInterrupt):
        flow.publish(event("e1"))
    assert not at_once._idle
    flow.publish(event("e2"))
    assert bodies(client) == 3


def test_32_threads(flow: EventFlow, client: redis.Redis) -> None:
    """Threads that publish at once all succeed, and nothing is lost or doubled."""

    def publish(thread: int) -> None:
        for number in range(10):
            flow.publish(event(f"{thread}-{number}"))
            flow.publish(event(f"shared-{number}"))

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert bodies(client) == 330


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # from Python 3.12 on
def test_a_fork_beside_busy_threads(flow: EventFlow, client: redis.Redis) -> None:
    """Each of ten forks publishes, whatever locks its parent's threads held when it was made."""
    is_over = threading.Event()

    def publish() -> None:
        number = 0
        while not is_over.is_set():
            flow.publish(event(f"parent-{threading.get_ident()}-{number}"))
            number += 1

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        codes = [_fork(flow, number) for number in range(10)]
    finally:
        is_over.set()
        for thread in threads:
            thread.join(60)
    assert codes == [0] * 10
    assert len(list(client.scan_iter("eventflow:*:body:child-*"))) == 100


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # from Python 3.12 on
def test_a_fork_while_another_thread_holds_locks(flow: EventFlow, client: redis.Redis) -> None:
    """What redis-py and kombu had locked in the parent, the child never waits for."""
    flow.publish(event("first"))
    pools = flow._publisher._ledgers._connect().connection_pool
    locks = [pools._lock, flow._sender._pool()._resource.mutex]  # type: ignore[attr-defined]
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            is_held.set()
            assert is_over.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_held.wait(60)
    client.delete("eventflow.route", "eventflow:{default}:counts:eventflow.route")
    code = _fork(flow, 0)
    is_over.set()
    thread.join(60)
    assert code == 0
    assert client.llen("eventflow.route") >= 1, "a router is called, too"


def _fork(flow: EventFlow, child: int) -> int:
    """Publish from a fork of this process, and return its exit code."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            for number in range(10):
                flow.publish(event(f"child-{child}-{number}"))
            code = 0
        except Exception:  # noqa: BLE001 - told by the exit code
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def test_a_prefork_pool(tmp_path: Path) -> None:
    """Subscribers in a worker's processes publish through the flow that published at import."""
    project = """
        flow.publish(Event(id=f"import-{os.getpid()}", source="other", type="T", data={}))

        @flow.subscriber("first")
        def first(event: Event, delivery: Delivery):
            flow.publish(Event(id=f"{event.id}-again", source="second", type="T", data={}))

        @flow.subscriber("second")
        def second(event: Event, delivery: Delivery):
            note(delivery)
    """
    rules = """
        targets: {first: {task: t}, second: {task: t}}
        rules:
          first: {pattern: {source: [first]}, targets: [first]}
          second: {pattern: {source: [second]}, targets: [second]}
    """
    with deployed(tmp_path, project=project, rules=rules, publish_deadline=PATIENCE) as deployment:
        queues = ["eventflow.route", "first", "second"]
        deployment.start("all", queues, "-P", "prefork", "-c", "2")
        deployment.await_ready()
        deployment.flow.publish_many(
            [Event(id=f"e{n}", source="first", type="T", data={}) for n in range(10)]
        )
        wanted = {f"e{number}-again:second" for number in range(10)}
        deployment.wait(
            lambda: {note["id"] for note in deployment.noted()} == wanted, "all to be delivered"
        )


def test_gevent(proxy: Proxy, client: redis.Redis) -> None:
    """Under gevent greenlets publish side by side, and go on while one waits for a silent ledger."""
    program = """
        from gevent import monkey
        monkey.patch_all()
        import gevent, sys
        from eventflow import Event, EventFlow
        from eventflow.errors import PublishError
        from eventflow.settings import load_settings

        def event(name):
            return Event(id=name, source="s", type="T", data={})

        flow = EventFlow(load_settings(redis_url=sys.argv[1], publish_deadline=60))
        jobs = [gevent.spawn(flow.publish, event(f"g{number}")) for number in range(50)]
        gevent.joinall(jobs, timeout=60, raise_error=True)
        print("published", flush=True)
        sys.stdin.readline()
        flow = EventFlow(load_settings(redis_url=sys.argv[1], publish_deadline=0.5))
        late = gevent.spawn(flow.publish, event("late"))
        ticks = 0
        while not late.ready():
            gevent.sleep(0.01)
            ticks += 1
        print(type(late.exception).__name__, ticks > 5, flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), proxy.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "published\n"
        assert bodies(client) == 50
        proxy.set(Mode.STALLING)
        said, _ = process.communicate("go\n", timeout=60)
        assert said == "PublishError True\n"
    finally:
        process.kill()
        process.wait()


def test_asyncio(flow: EventFlow, client: redis.Redis) -> None:
    """Coroutines publish side by side; an event's id counts once here too."""

    async def publish() -> None:
        await asyncio.gather(*(flow.apublish(event(f"a{number}")) for number in range(200)))
        await flow.apublish_many([event(f"a{number}") for number in range(210)])

    asyncio.run(publish())
    assert bodies(client) == 210


@pytest.mark.parametrize("is_ready", [False, True], ids=["a first", "a later"])
def test_the_loop_goes_on(is_ready: bool, proxy: Proxy) -> None:
    """While one coroutine waits for a silent ledger others run; then it raises."""
    flow = EventFlow(load_settings(redis_url=proxy.url, publish_deadline=0.5))
    if is_ready:
        ready(flow)
    proxy.set(Mode.STALLING)

    async def publish() -> int:
        task = asyncio.create_task(flow.apublish(event("e1")))
        ticks = 0
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(PublishError, match="is not known"):
            await task
        return ticks

    assert asyncio.run(publish()) > 5


def test_it_can_be_cancelled(proxy: Proxy, client: redis.Redis) -> None:
    """A coroutine that is cancelled ends at once, though the ledger is silent for long."""
    flow = EventFlow(load_settings(redis_url=proxy.url, publish_deadline=3600))
    flow.publish(event("first"))
    proxy.set(Mode.STALLING)

    async def publish() -> None:
        await asyncio.wait_for(
            flow.apublish_many([event(f"e{number}") for number in range(1000)]), timeout=0.05
        )

    with pytest.raises(TimeoutError):
        asyncio.run(publish())
    proxy.set(Mode.PASSING)
    flow.publish(event("last"))
    assert not client.exists("eventflow:{default}:body:e999"), "nothing was begun after the cancel"
