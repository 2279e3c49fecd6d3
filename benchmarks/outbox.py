"""How long an event of the outbox takes from its commit to the broker, and what writing it costs.

PostgreSQL and the ledger run privately; one relay is a process of its own, as in production. The
delay ends when the message that wakes a router is on the broker's queue, which a reader that blocks
on that queue sees.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from django.db import transaction

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what the tests use

from eventflow.contrib.django import publish, publish_many
from eventflow.embedded import running_server
from eventflow.events import Event
from eventflow.settings import load_settings
from tests.django_shop.databases import further_database, on_postgres, set_up
from tests.django_shop.relays import Processes, running_processes
from tests.integration.postgres import MISSING, find_binaries, running_postgres

COUNT = 300
PAUSE = 0.01  # seconds between two commits, so that each is alone
BURST = 1_000
PATIENCE = 30.0


def main() -> None:
    """Print the tables."""
    set_up()
    binaries = find_binaries()
    if binaries is None:
        sys.exit(MISSING)
    with tempfile.TemporaryDirectory(prefix="ef-") as name:
        settings = load_settings(data_dir=Path(name))
        with (
            running_server(settings),
            running_postgres(binaries) as server,
            further_database("postgres", **on_postgres(server)) as alias,
            running_processes(
                Path(name), SHOP_POSTGRES=server.folder, EVENTFLOW_DATA_DIR=settings.data_dir
            ) as processes,
        ):
            client = redis.Redis.from_url(settings.ledger_url)
            measure("PostgreSQL, one commit at a time", alias, client, processes)
            processes.stop(max(processes.running))
        path = Path(name) / "shop.db"
        with (
            running_server(settings),
            on_sqlite(path) as alias,
            running_processes(
                Path(name), SHOP_SQLITE=path, EVENTFLOW_DATA_DIR=settings.data_dir
            ) as processes,
        ):
            client = redis.Redis.from_url(settings.ledger_url)
            measure("SQLite, looked at every 500 ms", alias, client, processes)


@contextmanager
def on_sqlite(path: Path) -> Iterator[str]:
    """Have an SQLite in a file, as the shop's processes open it."""
    options = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}
    engine = "django.db.backends.sqlite3"
    with further_database("file", ENGINE=engine, NAME=path, OPTIONS=options) as alias:
        yield alias


def measure(what: str, alias: str, client: redis.Redis, processes: Processes) -> None:
    """Print one row, and what a burst takes."""

    def commit() -> float:
        started = time.perf_counter()
        with transaction.atomic(using=alias):
            publish(Event(source="s", type="T", data={"n": 1}), using=alias, outbox=True)
        costs.append(time.perf_counter() - started)
        return time.perf_counter()

    number = processes.start_relay()
    await_that(lambda: "the relay of" in processes.log(number))
    costs: list[float] = []
    delays = []
    for _ in range(COUNT if alias == "postgres" else COUNT // 10):
        client.delete("eventflow.route")
        seen: list[float] = []
        reader = threading.Thread(target=lambda seen=seen: seen.append(arrival(client)))
        reader.start()
        committed = commit()
        reader.join()
        delays.append(seen[0] - committed)
        time.sleep(PAUSE)
    print(f"{what}: {line(delays)}; the transaction itself: {line(costs)}")
    accepted = len(list(client.scan_iter("eventflow:*:body:*", count=1000)))
    started = time.perf_counter()
    for start in range(0, BURST, 100):
        events = [Event(source="s", type="T", data={"n": start + one}) for one in range(100)]
        publish_many(events, using=alias, outbox=True)
    key = "eventflow:{default}:queued:eventflow.route"
    await_that(lambda: client.zcard(key) >= accepted + BURST)
    rate = BURST / (time.perf_counter() - started)
    print(f"  {BURST:,} events written a hundred at a time and published: {rate:,.0f} events/s")


def arrival(client: redis.Redis) -> float:
    """Wait for a message on the routers' queue; return when it was there."""
    assert client.brpop("eventflow.route", PATIENCE), "no message came"
    return time.perf_counter()


def line(values: list[float]) -> str:
    """Write the middle and the slow end of some times."""
    ordered = sorted(values)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def await_that(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.002)


if __name__ == "__main__":
    main()
