"""The store on SQLite: the contract, its files, its locks."""

import errno
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect

from eventflow.errors import StoreError
from eventflow.store import DeadLetterStore, JournalStore, open_engine, store_exists
from eventflow.store.engine import reading, writing
from eventflow.store.schema import VERSION, ensure_schema
from eventflow.store.tables import METADATA
from tests.contracts.journal_store import JournalStoreContract
from tests.contracts.store import StoreContract, letter_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "data" / "eventflow.db"


@pytest.fixture
def store(path: Path) -> DeadLetterStore:
    """An empty store, with little patience."""
    return DeadLetterStore(open_engine(f"sqlite:///{path}", patience=0.2))


@pytest.fixture
def intruder(path: Path, store: DeadLetterStore) -> Iterator[sqlite3.Connection]:
    """Another program's connection to a store that is in use."""
    store.record([letter_of()])
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


@pytest.fixture
def journal(path: Path) -> JournalStore:
    """An empty journal."""
    return JournalStore(open_engine(f"sqlite:///{path}", patience=0.2))


class TestSqliteStore(StoreContract):
    """The contract, on SQLite."""


class TestSqliteJournal(JournalStoreContract):
    """The journal's contract, on SQLite."""


def test_its_folder_and_file_are_private(store: DeadLetterStore, path: Path) -> None:
    """Dead letters hold payloads: nobody else on the machine may read them."""
    store.record([letter_of()])
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}


def test_what_is_committed_survives_a_power_failure(path: Path) -> None:
    """WAL for readers beside a writer, FULL for durability, foreign keys on, and patience set."""
    engine = open_engine(f"sqlite:///{path}", patience=0.2)
    found = {}
    with reading(engine) as connection:
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout"):
            found[name] = connection.exec_driver_sql(f"PRAGMA {name}").scalar()
    assert {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 200,
    } == found


def test_a_locked_database_is_waited_for_and_then_said(
    store: DeadLetterStore, intruder: sqlite3.Connection, path: Path
) -> None:
    """Recording waits, then raises an error that says what to do; nothing is half done."""
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as caught:
        store.record([letter_of("e2"), letter_of("e3")])
    assert (
        f"cannot write the store {path}: database is locked; another process holds it, and "
        "nothing was changed: try again" == str(caught.value)
    )
    assert 1 == store.count().total
    intruder.execute("COMMIT")
    store.record([letter_of("e2"), letter_of("e3")])
    assert 3 == store.count().total


def test_readers_do_not_wait_for_a_writer(
    store: DeadLetterStore, intruder: sqlite3.Connection
) -> None:
    """Listing works while another process writes, and sees what is committed."""
    intruder.execute("BEGIN IMMEDIATE")
    intruder.execute("DELETE FROM eventflow_dead_letters")
    assert 1 == len(store.list())


def test_a_file_that_is_no_database_is_said(path: Path) -> None:
    """Another program's file is an error that names it, and is left as it is."""
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=f"cannot read the store {path}: file is not a database"):
        DeadLetterStore(open_engine(f"sqlite:///{path}")).list()
    assert b"no database" * 1000 == path.read_bytes()


def test_an_error_tells_no_payload(store: DeadLetterStore) -> None:
    """Neither the message nor its cause repeats what a letter holds."""
    with pytest.raises(StoreError) as caught:
        store.record([letter_of(error="a secret", attempts=2**63)])
    assert "a secret" not in f"{caught.value} {caught.value.__cause__}"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A path through a file says what is wrong and which settings to change."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot open the store .*file/x.db: .*EVENTFLOW_DATA_DI"):
        open_engine(f"sqlite:///{tmp_path}/file/x.db")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "'None' names no file"),
        ("sqlite:///:memory:", "':memory:' names no file, and dead letters must outlive"),
        ("sqlite:///file:x?uri=true", "names no file"),
        ("mysql://root:secret@db/x", "the store can be SQLite or PostgreSQL, not 'mysql'"),
        ("", "'' is no database's address: write sqlite:///PATH or postgresql://"),
        ("postgresql://me:secret@db:port/x", r"'postgresql://me:\*\*\*@db:port/x' is no data"),
    ],
)
def test_an_address_that_cannot_be_is_said(url: str, said: str) -> None:
    """The setting is named, with what is allowed, and without its password."""
    with pytest.raises(StoreError, match=said) as caught:
        open_engine(url)
    assert str(caught.value).startswith("EVENTFLOW_DATABASE_URL: ")
    assert "secret" not in str(caught.value)


def test_a_store_that_was_never_written_is_known(path: Path) -> None:
    """A reader can ask before it opens, so that looking makes no file."""
    url = f"sqlite:///{path}"
    assert not store_exists(url)
    DeadLetterStore(open_engine(url)).list()
    assert store_exists(url)
    assert store_exists("postgresql://nobody@nowhere/x")


def test_the_tables_are_what_the_code_expects(path: Path) -> None:
    """The migrations make exactly the columns that `tables.py` names, in order."""
    engine = open_engine(f"sqlite:///{path}")
    ensure_schema(engine)
    with reading(engine) as connection:
        view = inspect(connection)
        made = {
            name: [(column["name"], column["nullable"]) for column in view.get_columns(name)]
            for name in view.get_table_names()
        }
    assert {
        table.name: [(column.name, column.nullable) for column in table.columns]
        for table in METADATA.sorted_tables
    } == made


def test_tables_of_a_newer_version_are_left_alone(path: Path) -> None:
    """An old eventflow does not write into tables that it does not know."""
    store = DeadLetterStore(open_engine(f"sqlite:///{path}"))
    store.record([letter_of()])
    with writing(store._engine) as connection:
        connection.exec_driver_sql(f"UPDATE eventflow_schema SET version = {VERSION + 1}")
    late = DeadLetterStore(open_engine(f"sqlite:///{path}"))
    with pytest.raises(
        StoreError,
        match=rf"made by a newer eventflow \(its tables have version {VERSION + 1}, this "
        rf"eventflow knows {VERSION}\): upgrade this eventflow",
    ):
        late.record([letter_of("e2")])


def test_a_migration_that_fails_leaves_nothing(path: Path) -> None:
    """Half of the tables are never there: where a name is taken, no version is written either."""
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE eventflow_dead_letters (x)")
    other.close()
    engine = open_engine(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="table eventflow_dead_letters already exists"):
        ensure_schema(engine)
    with reading(engine) as connection:
        assert ["eventflow_dead_letters"] == inspect(connection).get_table_names()


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("state = 'dead'", "newest"),
        ("target = 'x' AND state = 'dead'", "target"),
        ("reason = 'x' AND state = 'dead'", "reason"),
        ("event_type = 'x' AND state = 'dead'", "type"),
        ("source = 'x' AND state = 'dead'", "source"),
        ("event_id = 'x'", "event"),
    ],
)
def test_an_index_serves_each_filter(store: DeadLetterStore, condition: str, index: str) -> None:
    """A page is read off its index, without sorting what fits."""
    store.record([])
    sql = (
        "EXPLAIN QUERY PLAN SELECT id FROM eventflow_dead_letters "
        f"WHERE {condition} ORDER BY died_at DESC, id DESC LIMIT 5"
    )
    with reading(store._engine) as connection:
        plan = " ".join(str(row) for row in connection.exec_driver_sql(sql))
    assert f"eventflow_dead_letters_{index} " in plan
    assert ("TEMP B-TREE" in plan) == (index == "event")


def test_a_file_system_without_hard_links_will_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is made all the same, its owner's alone, and nothing is left beside it."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    open_engine(f"sqlite:///{path}")
    assert [path] == list(path.parent.iterdir())
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM eventflow_dead_letters").fetchone()[0])
connection.close()
"""


def test_opening_it_once_more_takes_no_lock_away(store: DeadLetterStore, path: Path) -> None:
    """What a process commits is there for others, though it opened the store again meanwhile.

    A process that closes any file descriptor of the database loses all of its locks on it; another
    one that closes the database then takes itself for the last, and takes the log of commits away.
    """

    def count() -> str:
        command = [sys.executable, "-c", READER, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    store.record([letter_of()])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("SELECT 1 FROM eventflow_dead_letters")
        open_engine(f"sqlite:///{path}")
        assert count() == "1"
        connection.execute("DELETE FROM eventflow_dead_letters")
        assert count() == "0"
