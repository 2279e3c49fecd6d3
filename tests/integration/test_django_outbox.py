"""The outbox with real parts: PostgreSQL, relays that are killed, a server with several workers."""

import random
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from django.apps import apps
from django.db import connections, transaction

from eventflow.contrib.django import publish_many
from eventflow.events import Event
from eventflow.settings import Settings
from tests.contracts.outbox import OutboxContract, Table
from tests.django_shop.databases import emptied, further_database, on_postgres, table_of
from tests.django_shop.relays import Processes, running_processes
from tests.integration.postgres import MISSING, PostgresServer, find_binaries, running_postgres
from tests.ports import free_port
from tests.servers import require

KEYS = 20  # of each writer
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A private PostgreSQL."""
    pytest.importorskip("psycopg", reason="no driver: pip install 'eventflow[postgres]'")
    binaries = require(find_binaries(), MISSING)
    with running_postgres(binaries) as running:
        yield running


@pytest.fixture(scope="module")
def alias(server: PostgresServer) -> Iterator[str]:
    """That PostgreSQL as a database of Django's."""
    with further_database("postgres", **on_postgres(server)) as name:
        yield name


@pytest.fixture
def processes(
    tmp_path: Path, server: PostgresServer, server_settings: Settings
) -> Iterator[Processes]:
    """The shop's processes, on that PostgreSQL and on the session's ledger."""
    with running_processes(
        tmp_path,
        SHOP_POSTGRES=server.folder,
        EVENTFLOW_DATA_DIR=server_settings.data_dir,
        EVENTFLOW_OUTBOX_POLL="100ms",
    ) as running:
        yield running


class TestOnPostgresql(OutboxContract):
    """PostgreSQL does what every outbox does, and locks what is claimed."""

    @pytest.fixture
    def table(self, alias: str) -> Iterator[Table]:
        """The rows."""
        with emptied(alias):
            yield table_of(alias)


class Writer:
    """Writes events into the outbox, each in a transaction with others, of which some are rolled back.

    Args:
        name: Its own; no other writer has its keys.
        alias: The database.
        count: How many events it commits.
    """

    def __init__(self, name: str, alias: str, count: int) -> None:
        self._name = name
        self._alias = alias
        self._count = count
        self._random = random.Random(name)
        self.committed: list[str] = []

    def __call__(self) -> None:
        """Write all of them."""
        try:
            number = 0
            while len(self.committed) < self._count:
                size = min(self._random.randint(1, 20), self._count - len(self.committed))
                keys = [f"{self._name}{self._random.randrange(KEYS)}" for _ in range(size)]
                events = [self._make(key, number + place) for place, key in enumerate(keys)]
                number += size
                is_kept = self._random.random() < 0.9
                self._write(events, is_kept)
                if is_kept:
                    self.committed += [event.id for event in events]
        finally:
            connections[self._alias].close()

    def _make(self, key: str, number: int) -> Event:
        identity = f"{key}-{number}"
        return Event(id=identity, source="shop", type="Placed", subject=key, data={"n": number})

    def _write(self, events: Sequence[Event], is_kept: bool) -> None:
        with transaction.atomic(using=self._alias):
            publish_many(events, using=self._alias, outbox=True)
            if not is_kept:
                transaction.set_rollback(True, using=self._alias)


def accepted(client: redis.Redis, lane: str = "shop|Placed") -> list[str]:
    """Return the ids of a lane's events, in the order in which the ledger accepted them."""
    answer: Any = client.lrange(f"eventflow:{{default}}:lane:{lane}", 0, -1)
    return [identity.decode() for identity in answer]


def count_accepted(client: redis.Redis) -> int:
    """Return how many of them there are."""
    answer = client.llen("eventflow:{default}:lane:shop|Placed")
    assert isinstance(answer, int)
    return answer


def assert_all_in_order(got: Sequence[str], writers: Sequence[Writer]) -> None:
    """Hold that each committed event is there once, nothing else is, and each key's are in order."""
    wanted = [identity for writer in writers for identity in writer.committed]
    assert sorted(wanted) == sorted(got)
    by_key: dict[str, list[int]] = defaultdict(list)
    for identity in got:
        key, _, number = identity.rpartition("-")
        by_key[key].append(int(number))
    assert [] == [key for key, numbers in by_key.items() if numbers != sorted(numbers)]


def is_published(alias: str) -> bool:
    """Whether no row waits."""
    rows = apps.get_model("eventflow", "OutboxEvent").objects.using(alias)
    return not rows.filter(state="waiting").exists()


def write_while(writers: Sequence[Writer], meanwhile: Callable[[], None]) -> None:
    """Have the writers write at the same time, and do something meanwhile."""
    threads = [threading.Thread(target=writer) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        meanwhile()
    finally:
        for thread in threads:
            thread.join()


def kill_again_and_again(
    processes: Processes, client: redis.Redis, wait_until: Wait, times: int, most: int
) -> None:
    """Kill one of two relays, *times* times, at random moments until *most* events are published."""
    chance = random.Random(7)
    relays = [processes.start_relay("--batch", "40") for _ in range(2)]
    for _ in range(times):
        wanted = min(most, count_accepted(client) + chance.randint(1, 2 * most // (times + 1)))
        wait_until(lambda wanted=wanted: count_accepted(client) >= wanted)
        processes.kill(relays.pop(chance.randrange(2)))
        relays.append(processes.start_relay("--batch", "40"))


@pytest.mark.timeout(120)
def test_relays_that_are_killed_lose_nothing(
    alias: str, client: redis.Redis, processes: Processes, wait_until: Wait
) -> None:
    """5,000 committed events, two relays, one of them killed again and again: all, once, in order."""
    writers = [Writer(name, alias, 2_500) for name in ("a", "b")]
    with emptied(alias):
        write_while(
            writers,
            lambda: kill_again_and_again(processes, client, wait_until, times=6, most=5_000),
        )
        wait_until(lambda: is_published(alias), 60.0)
        assert_all_in_order(accepted(client), writers)
        # One that was started just now cannot be asked before it listens.
        wait_until(lambda: all("the relay of" in processes.log(each) for each in processes.running))
        assert [0, 0] == [processes.stop(number) for number in list(processes.running)]


def test_on_sqlite_too(
    tmp_path: Path, server_settings: Settings, client: redis.Redis, wait_until: Wait
) -> None:
    """Where rows cannot be locked, two relays lose nothing either, and keep the order."""
    path = tmp_path / "shop.db"
    options = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": options}
    with (
        further_database("file", **sqlite) as alias,
        running_processes(
            tmp_path,
            SHOP_SQLITE=path,
            EVENTFLOW_DATA_DIR=server_settings.data_dir,
            EVENTFLOW_OUTBOX_POLL="20ms",
        ) as processes,
    ):
        writer = Writer("c", alias, 400)
        write_while(
            [writer], lambda: kill_again_and_again(processes, client, wait_until, times=1, most=400)
        )
        wait_until(lambda: is_published(alias), 60.0)
        assert_all_in_order(accepted(client), [writer])


def test_a_commit_wakes_the_relay(
    alias: str,
    server: PostgresServer,
    client: redis.Redis,
    processes: Processes,
    wait_until: Wait,
) -> None:
    """No relay waits for its next look: it is told of each commit, also after an outage."""
    number = processes.start_relay()
    with emptied(alias):
        wait_until(lambda: "PostgreSQL tells it of commits" in processes.log(number))
        for expected in range(1, 4):
            Writer(f"w{expected}-", alias, 1)()
            wait_until(lambda expected=expected: count_accepted(client) == expected)
        server.stop()
        connections[alias].close()
        wait_until(lambda: "the relay waits: the outbox in the database" in processes.log(number))
        server.start()
        Writer("w4-", alias, 1)()
        wait_until(lambda: count_accepted(client) == 4)
        assert 0 == processes.stop(number)
        assert "published 4, given up 0" in processes.log(number)


def test_under_gunicorn(
    alias: str, client: redis.Redis, processes: Processes, wait_until: Wait
) -> None:
    """Of requests to several workers, each that commits has published its event when it is answered."""
    port = free_port()
    application = "django.core.wsgi:get_wsgi_application()"
    bind = ("--bind", f"127.0.0.1:{port}")
    number = processes.start("gunicorn", application, "--preload", "--workers", "2", *bind)

    def order(customer: int) -> int:
        fields = {"customer": f"c{customer}", "number": "1"}
        if customer % 5 == 0:
            fields["fail"] = "yes"
        data = urllib.parse.urlencode(fields).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/orders", data, 30) as answer:
            return int(answer.status)

    def is_up() -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/nothing", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            assert processes.running[number].poll() is None, processes.log(number)
        return False

    with emptied(alias):
        wait_until(is_up)
        with ThreadPoolExecutor(6) as pool:
            assert {200} == set(pool.map(order, range(60)))
    wanted = {f"c{customer}-1" for customer in range(60) if customer % 5}
    assert wanted == set(accepted(client, "shop.orders|OrderPlaced"))
    assert 0 == processes.stop(number)
