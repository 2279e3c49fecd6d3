"""The outbox by SQLAlchemy with real parts: PostgreSQL, and relays that are killed."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, MetaData, create_engine, delete, func, select
from sqlalchemy.orm import Session

from eventflow import Event, EventFlow
from eventflow.contrib.sqlalchemy import Outbox, outbox_table
from eventflow.settings import Settings
from tests.contracts.outbox import OutboxContract, Table
from tests.contracts.sql_table import table_of
from tests.django_shop.relays import Processes, running_processes
from tests.integration.postgres import MISSING, find_binaries, running_postgres
from tests.servers import require

LANE = "eventflow:{default}:lane:shop|Placed"
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A private PostgreSQL with an outbox."""
    pytest.importorskip("psycopg", reason="no driver: pip install 'eventflow[postgres]'")
    with running_postgres(require(find_binaries(), MISSING)) as server:
        url = server.url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(url)
        metadata = MetaData()
        outbox_table(metadata)
        metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture(autouse=True)
def _no_rows(engine: Engine) -> Iterator[None]:
    """Remove what the test wrote."""
    yield
    with engine.begin() as connection:
        connection.execute(delete(outbox_table(MetaData())))


@pytest.fixture
def outbox(server_settings: Settings) -> Outbox:
    """The outbox of a flow on the session's ledger."""
    return Outbox(EventFlow(server_settings))


@pytest.fixture
def processes(tmp_path: Path, server_settings: Settings, engine: Engine) -> Iterator[Processes]:
    """Relays on that PostgreSQL and on the session's ledger."""
    with running_processes(
        tmp_path,
        EVENTFLOW_DATA_DIR=server_settings.data_dir,
        EVENTFLOW_OUTBOX_URL=engine.url.render_as_string(hide_password=False),
        EVENTFLOW_OUTBOX_POLL="100ms",
    ) as running:
        yield running


class TestOnPostgresql(OutboxContract):
    """PostgreSQL does what every outbox does, and locks what is claimed."""

    @pytest.fixture
    def table(self, engine: Engine) -> Iterator[Table]:
        """The rows."""
        with table_of(engine) as table:
            yield table


def start_relay(processes: Processes) -> int:
    """Start `eventflow outbox relay`."""
    return processes.start("eventflow", "outbox", "relay", "--batch", "20")


def accepted(client: redis.Redis) -> list[str]:
    """Return the ids of the events in the order in which the ledger accepted them."""
    answer = client.lrange(LANE, 0, -1)
    assert isinstance(answer, list)
    return [identity.decode() for identity in answer if isinstance(identity, bytes)]


def write(outbox: Outbox, engine: Engine, name: str, count: int) -> list[str]:
    """Commit *count* events of a writer with keys of its own; roll others back in between.

    Returns:
        The ids of those that were committed.
    """
    chance = random.Random(name)
    committed: list[str] = []
    number = 0
    while len(committed) < count:
        with Session(engine) as session:
            written = []
            for _ in range(min(chance.randint(1, 10), count - len(committed))):
                key = f"{name}{chance.randrange(10)}"
                identity = f"{key}-{(number := number + 1)}"
                event = Event(id=identity, source="shop", type="Placed", subject=key, data={})
                outbox.publish(session, event)
                written.append(identity)
            if chance.random() < 0.9:
                session.commit()
                committed += written
    return committed


@pytest.mark.timeout(120)
def test_relays_that_are_killed_lose_nothing(
    outbox: Outbox,
    engine: Engine,
    client: redis.Redis,
    processes: Processes,
    wait_until: Wait,
) -> None:
    """600 committed events, two relays, one of them killed again and again: all, once, in order."""
    committed: list[str] = []
    writers = [
        threading.Thread(
            target=lambda name=name: committed.extend(write(outbox, engine, name, 300))
        )
        for name in ("a", "b")
    ]
    relays = [start_relay(processes) for _ in range(2)]
    for writer in writers:
        writer.start()
    for wanted in (50, 200):
        wait_until(lambda wanted=wanted: len(accepted(client)) >= wanted)
        processes.kill(relays.pop(0))
        relays.append(start_relay(processes))
    for writer in writers:
        writer.join()
    table = outbox.table
    waiting = select(func.count()).select_from(table).where(table.c.state == "waiting")

    def is_published() -> bool:
        with engine.connect() as connection:
            return connection.scalar(waiting) == 0

    wait_until(is_published, 60.0)
    got = accepted(client)
    assert sorted(committed) == sorted(got)
    by_key: dict[str, list[int]] = defaultdict(list)
    for identity in got:
        key, _, number = identity.rpartition("-")
        by_key[key].append(int(number))
    assert [] == [key for key, numbers in by_key.items() if numbers != sorted(numbers)]
    # One that was started just now cannot be asked before it listens.
    wait_until(lambda: all("the relay of" in processes.log(number) for number in relays))
    assert [0, 0] == [processes.stop(number) for number in relays]


def test_a_commit_wakes_the_relay(
    outbox: Outbox,
    engine: Engine,
    client: redis.Redis,
    processes: Processes,
    wait_until: Wait,
) -> None:
    """With PostgreSQL no relay waits for its next look: it is told of each commit, and of no other."""
    processes._environment["EVENTFLOW_OUTBOX_POLL"] = "1h"
    number = start_relay(processes)
    wait_until(lambda: "PostgreSQL tells it of commits" in processes.log(number))
    for expected in range(1, 4):
        write(outbox, engine, f"w{expected}", 1)
        wait_until(lambda expected=expected: len(accepted(client)) == expected)
    assert 0 == processes.stop(number)
    assert "published 3, given up 0" in processes.log(number)
