"""The store with real parts: PostgreSQL, several processes at once, kill -9, a server that goes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from eventflow.errors import StoreError
from eventflow.store import (
    ArchiveFilter,
    ArchiveStore,
    DeadLetterFilter,
    DeadLetterStore,
    JournalStore,
    open_engine,
    read_store,
)
from eventflow.store.archive_queries import page
from eventflow.store.engine import reading, writing
from eventflow.store.replays import ReplayStore
from eventflow.store.schema import VERSION, ensure_schema
from eventflow.store.tables import METADATA
from tests.contracts.archive import DAY, START, ArchiveContract, event_of
from tests.contracts.audit import AuditContract
from tests.contracts.groups import GroupsContract
from tests.contracts.journal_store import JournalStoreContract
from tests.contracts.replays import ReplayStoreContract
from tests.contracts.store import StoreContract, letter_of
from tests.integration.postgres import MISSING, PostgresServer, find_binaries, running_postgres
from tests.servers import require

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL."""
    pytest.importorskip("psycopg", reason="no driver: pip install 'eventflow[postgres]'")
    binaries = require(find_binaries(), MISSING)
    with running_postgres(binaries) as server:
        yield server


def empty(url: str) -> None:
    """Remove all tables of a PostgreSQL database."""
    engine = open_engine(url)
    with writing(engine) as connection:
        for table in METADATA.tables:
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    engine.dispose()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The address of an empty PostgreSQL database."""
    empty(postgres.url)
    return postgres.url


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """An engine on an empty PostgreSQL database, with little patience."""
    engine = open_engine(postgres_url, patience=0.3)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> DeadLetterStore:
    """An empty store on PostgreSQL."""
    return DeadLetterStore(engine)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store, on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/eventflow.db"
    address: str = request.getfixturevalue("postgres_url")
    return address


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start another process on the store."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.integration.store_processes", *arguments],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.fixture
def journal(engine: Engine) -> JournalStore:
    """An empty journal on PostgreSQL."""
    return JournalStore(engine)


class TestPostgresJournal(JournalStoreContract):
    """The journal's contract, on PostgreSQL."""


class TestPostgresStore(StoreContract):
    """The contract, on PostgreSQL."""

    def test_the_tables_are_what_the_code_expects(self, engine: Engine) -> None:
        """The migrations make exactly the columns that `tables.py` names."""
        ensure_schema(engine)
        with reading(engine) as connection:
            view = inspect(connection)
            made = {
                name: [
                    (column["name"], str(column["type"].compile(engine.dialect)))
                    for column in view.get_columns(name)
                ]
                for name in view.get_table_names()
            }
        assert {
            table.name: [
                (column.name, str(column.type.compile(engine.dialect))) for column in table.columns
            ]
            for table in METADATA.sorted_tables
        } == made

    def test_a_lock_is_waited_for_and_then_said(
        self, store: DeadLetterStore, postgres_url: str
    ) -> None:
        """Recording into a table that another holds raises; nothing is half done."""
        store.record([letter_of()])
        intruder = open_engine(postgres_url)
        with writing(intruder) as connection:
            connection.execute(text("LOCK TABLE eventflow_dead_letters IN SHARE MODE"))
            with pytest.raises(StoreError, match="another process holds it, and nothing was chan"):
                store.record([letter_of("e2")])
        intruder.dispose()
        store.record([letter_of("e3")])
        assert 2 == store.count().total

    def test_an_error_tells_neither_password_nor_payload(self, postgres_url: str) -> None:
        """A server that is not there is named without its password, with the driver's words."""
        away = postgres_url.replace("tester@", "tester:hidden@").replace("ef-pg-", "none-")
        with pytest.raises(StoreError, match="cannot read the store postgresql://tester:") as error:
            DeadLetterStore(open_engine(away)).list()
        assert "hidden" not in f"{error.value} {error.value.__cause__}"

    def test_a_server_that_went_and_came_back_is_used_again(
        self, store: DeadLetterStore, postgres: PostgresServer
    ) -> None:
        """While it is away an error is raised, and nothing needs a restart afterwards."""
        store.record([letter_of()])
        postgres.stop()
        try:
            with pytest.raises(StoreError, match="cannot write the store"):
                store.record([letter_of("e2")])
        finally:
            postgres.start()
        store.record([letter_of("e2")])
        assert 2 == store.count().total

    def test_a_forked_process_has_connections_of_its_own(self, engine: Engine) -> None:
        """A worker's child does not write into its parent's socket."""
        with reading(engine) as connection:
            parent_backend = connection.scalar(text("SELECT pg_backend_pid()"))
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with reading(engine) as connection:
                    child_backend = connection.scalar(text("SELECT pg_backend_pid()"))
                code = int(child_backend == parent_backend)
            finally:
                os._exit(code)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with reading(engine) as connection:
            assert parent_backend == connection.scalar(text("SELECT pg_backend_pid()"))


def partitions(engine: Engine) -> list[str]:
    """Return the days that the archive has on PostgreSQL."""
    query = "SELECT inhrelid::regclass::text FROM pg_inherits"
    query += " WHERE inhparent = 'eventflow_archive'::regclass ORDER BY 1"
    with reading(engine) as connection:
        return list(connection.scalars(text(query)))


class TestPostgresArchive(ArchiveContract):
    """The contract, on PostgreSQL."""

    def test_a_day_is_dropped_as_a_whole(self, engine: Engine) -> None:
        """Once nothing of it is kept; until then none of its rows is touched."""
        archive = ArchiveStore(engine)
        morning = START // DAY * DAY
        times = [morning, morning + DAY - 1, morning + DAY]
        archive.write(
            [
                event_of(f"e{n}", accepted_at=at, kept_until=at + 7 * DAY)
                for n, at in enumerate(times)
            ]
        )
        assert ["eventflow_archive_20270115", "eventflow_archive_20270116"] == partitions(engine)
        assert (0, 0) == archive.prune(morning + 7.9 * DAY, most=100)
        assert 3 == archive.count()
        assert (0, 1) == archive.prune(morning + 8 * DAY, most=100)
        assert ["e2"] == [event.event_id for event in archive.read(limit=10)]
        assert ["eventflow_archive_20270116"] == partitions(engine)

    def test_a_day_that_was_dropped_comes_again(self, engine: Engine) -> None:
        """A recorder that was away for long may bring what is over already."""
        archive = ArchiveStore(engine)
        archive.write([event_of(kept_until=START + DAY)])
        archive.prune(START + 9 * DAY, most=100)
        archive.write([event_of("late", kept_until=START + DAY)])
        assert ["late"] == [event.event_id for event in archive.read(limit=10)]

    def test_a_day_that_is_read_is_left_for_the_next_time(self, engine: Engine) -> None:
        """Deleting waits for no reader, and locks out no writer."""
        archive = ArchiveStore(engine)
        archive.write([event_of(kept_until=START + DAY)])
        with reading(engine) as connection:
            connection.execute(text("SELECT count(*) FROM eventflow_archive")).all()
            assert (0, 0) == archive.prune(START + 2 * DAY, most=100)
            archive.write([event_of("new", accepted_at=START + 9 * DAY)])
        assert (0, 1) == archive.prune(START + 2 * DAY, most=100)

    def test_a_range_of_time_asks_its_days_alone(self, engine: Engine) -> None:
        """The others are passed over, however many there are."""
        archive = ArchiveStore(engine)
        archive.write([event_of(f"e{day}", accepted_at=START + day * DAY) for day in range(5)])
        filters = ArchiveFilter(bus="default", since=START + DAY, until=START + DAY + 1)
        query = page(filters, None, 10, newest_first=False, with_body=True)
        statement = query.compile(engine, compile_kwargs={"literal_binds": True})
        with reading(engine) as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}").scalars().all()
        asked = set(re.findall(r" on (eventflow_archive_\d+)", "\n".join(plan)))
        assert {"eventflow_archive_20270116"} == asked


class TestPostgresAudit(AuditContract):
    """The contract of the audit, on PostgreSQL."""


class TestPostgresGroups(GroupsContract):
    """The contract of groups of failures, on PostgreSQL."""


def test_several_processes_record_the_same_letters_at_once(url: str) -> None:
    """From no tables at all: each letter is there once, and no process fails."""
    processes = [start("record", url, "5", "40") for _ in range(4)]
    for process in processes:
        assert process.stdout
        assert "ready\n" == process.stdout.readline()
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=90)
    assert [0, 0, 0, 0] == [process.returncode for process in processes]
    engine = open_engine(url)
    assert 200 == DeadLetterStore(engine).count().total
    engine.dispose()


def test_a_process_killed_while_it_records_leaves_all_or_nothing(url: str) -> None:
    """Each batch is there whole or not at all, and what was done is there."""
    size = 1_000  # ten statements
    process = start("flood", url, str(size))
    assert process.stdout
    lines = (line.strip() for line in process.stdout)
    done = [next(line for line in lines if line.isdigit()) for _ in range(2)]
    next(line for line in lines if line == "begin")
    for _ in range(4):  # one or two are the transaction's own settings
        assert "statement" == next(lines)
    process.kill()  # SIGKILL, in the midst of the third batch
    rest, _ = process.communicate(timeout=30)
    done += [line for line in rest.split() if line.isdigit()]
    engine = open_engine(url)
    store = DeadLetterStore(engine)
    by_batch = store.count().by_target
    assert {size} == set(by_batch.values())
    assert [f"b{number}" for number in done] == sorted(by_batch)
    store.record([letter_of()])
    assert 1 == store.count(DeadLetterFilter(target="device-vendor")).total
    engine.dispose()


def test_a_driver_that_is_missing_is_said() -> None:
    """Without psycopg the error names the extra to install."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from eventflow.errors import StoreError\n"
        "from eventflow.store import open_engine\n"
        "try: open_engine('postgres://me:secret@db/events')\n"
        "except StoreError as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=True
    )
    assert (
        "the store postgresql://me:***@db/events needs PostgreSQL's driver, which is not "
        "installed: pip install 'eventflow[postgres]'\n" == said.stdout
    )


def test_a_store_tells_its_facts(url: str) -> None:
    """Before its tables and after, with what is dead in it; its clock is this machine's here."""
    engine = open_engine(url)
    before = read_store(engine)
    assert (before.version, before.expected, before.dead) == (0, VERSION, 0)
    assert not inspect(engine).get_table_names()
    store = DeadLetterStore(engine)
    store.record([letter_of("e1"), letter_of("e2")])
    [letter] = store.begin_redrive(limit=1)
    store.mark_redriven([letter], 1.0)
    facts = read_store(engine)
    assert (facts.version, facts.dead, facts.unwritable) == (VERSION, 1, "")
    assert abs(facts.clock_offset) < 1.0
    engine.dispose()


def test_a_store_that_another_holds_says_so(tmp_path: Path) -> None:
    """A writer that never ends is found, within the patience that there is."""
    url = f"sqlite:///{tmp_path}/eventflow.db"
    DeadLetterStore(open_engine(url)).record([letter_of()])
    with writing(open_engine(url)):
        facts = read_store(open_engine(url, patience=0.1))
    assert "another process holds it" in facts.unwritable


def test_a_standby_says_that_it_is_one(postgres_url: str) -> None:
    """A PostgreSQL that takes no writes is told from one that does."""
    engine = open_engine(f"{postgres_url}&options=-c%20default_transaction_read_only%3Don")
    assert "read-only" in read_store(engine).unwritable
    engine.dispose()


def test_a_user_without_rights_says_so(postgres_url: str) -> None:
    """A user that may read the table and not write it is found before the recorder fails."""
    engine = open_engine(postgres_url)
    DeadLetterStore(engine).record([letter_of()])
    with writing(engine) as connection:
        connection.execute(text("DROP ROLE IF EXISTS reader"))
        connection.execute(text("CREATE ROLE reader LOGIN"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
    reader = open_engine(postgres_url.replace("tester@", "reader@"))
    assert "may not write" in read_store(reader).unwritable
    reader.dispose()
    with writing(engine) as connection:
        connection.execute(text("DROP OWNED BY reader"))
        connection.execute(text("DROP ROLE reader"))
    engine.dispose()


class TestPostgresReplays(ReplayStoreContract):
    """The contract of the replays' store, on PostgreSQL."""

    @pytest.fixture
    def replays(self, engine: Engine) -> ReplayStore:
        """An empty store."""
        return ReplayStore(engine)
