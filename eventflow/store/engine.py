"""Opening the store: SQLite or PostgreSQL, with the settings that keep what is committed."""

import contextlib
import errno
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, SQLAlchemyError

from eventflow.errors import StoreError
from eventflow.settings import mask_url
from eventflow.tls import tls_advice

__all__ = ["DEFAULT_PATIENCE", "guarded", "open_engine", "reading", "store_exists", "writing"]

DEFAULT_PATIENCE = 5.0
"""Seconds to wait for another process's lock, or for the database to answer a connection."""

_WRITES = "eventflow_writes"
_WAL_RETRY = 0.02  # seconds


def open_engine(url: str, *, patience: float = DEFAULT_PATIENCE) -> Engine:
    """Prepare the way to the store; nothing is asked of the database before it is first used.

    Args:
        url: As SQLAlchemy writes it: `sqlite:///PATH` or `postgresql://…`. SQLite's folder is made
            with mode 700 and its file with mode 600 where they are missing: they hold payloads.
        patience: The longest to wait for another's lock or for a connection, in seconds.

    Returns:
        An engine for `DeadLetterStore`.

    Raises:
        StoreError: When the address cannot be, its driver is missing, or its folder cannot be made.
    """
    address = _read_url(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address, patience)
    return _open_postgresql(address, patience)


def store_exists(url: str) -> bool:
    """Tell whether there is a store to read; a server's database always counts as there.

    Args:
        url: As for `open_engine`.

    Raises:
        StoreError: When the address cannot be.
    """
    address = _read_url(url)
    return address.get_backend_name() != "sqlite" or Path(str(address.database)).exists()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection for reading.

    Raises:
        StoreError: When the database cannot be reached or refuses.
    """
    with guarded(engine, "read"), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection for one writing: all of it is committed at the end, or nothing.

    Raises:
        StoreError: When the database cannot be reached or refuses, or another holds it too long.
    """
    with (
        guarded(engine, "write"),
        engine.execution_options(**{_WRITES: True}).begin() as connection,
    ):
        yield connection


@contextmanager
def guarded(engine: Engine, deed: str) -> Iterator[None]:
    """Turn SQLAlchemy's errors into a StoreError that names the store, without its password."""
    try:
        yield
    except (SQLAlchemyError, OverflowError) as error:  # sqlite3's for an integer beyond 64 bits
        # A driver's own words only: SQLAlchemy's text would repeat the statement.
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        reason = " ".join(str(cause).split()) or type(cause).__name__
        message = f"cannot {deed} the store {_name(engine.url)}: {reason}{_advice(reason)}"
        raise StoreError(message) from error


def _read_url(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:
        message = (
            f"EVENTFLOW_DATABASE_URL: {mask_url(url)!r} is no database's address: write "
            "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"
        )
        raise StoreError(message) from error
    kind = address.drivername.partition("+")[0]
    if kind in {"postgresql", "postgres"}:
        return address.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        message = (
            f"EVENTFLOW_DATABASE_URL: the store can be SQLite or PostgreSQL, not {kind!r}: write "
            "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"
        )
        raise StoreError(message)
    if not address.database or address.database == ":memory:" or address.database[:5] == "file:":
        message = (
            f"EVENTFLOW_DATABASE_URL: {_name(address)!r} names no file, and dead letters must "
            "outlive the process: write sqlite:///PATH"
        )
        raise StoreError(message)
    return address


def _open_sqlite(address: URL, patience: float) -> Engine:
    path = Path(str(address.database))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_file(path)
    except OSError as error:
        message = (
            f"cannot open the store {path}: {error.strerror}; set EVENTFLOW_DATA_DIR or "
            "EVENTFLOW_DATABASE_URL to where this process may write"
        )
        raise StoreError(message) from error
    # No pool: opening costs 0.2 ms, and an SQLite connection must never cross a fork.
    engine = create_engine(
        address,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": patience},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # Any: SQLAlchemy's wrapper of sqlite3
        connection.isolation_level = None  # the driver begins too late by itself; see _begin
        with closing(connection.cursor()) as cursor:
            _use_wal(cursor, patience)
            # FULL, not NORMAL: the ledger forgets a letter once it is here, so it must outlive
            # a power failure too. It costs one fsync for each batch.
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader that turns writer can be refused at once; so writers say it at the start.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_file(path: Path) -> None:
    """Have a file that its owner alone may read, without ever opening one that may be in use.

    To close any descriptor of a file gives up all of a process's locks on it, those of another
    thread's connection too; then another process may take away the log of what it has committed.
    """
    if not path.exists():
        with contextlib.suppress(FileExistsError):  # another was quicker
            _make_new(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _make_new(path: Path) -> None:
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 600
    os.close(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: made where it is, before anyone has it open
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    finally:
        Path(draft).unlink()


def _use_wal(cursor: sqlite3.Cursor, patience: float) -> None:
    """Switch to WAL; SQLite may refuse it to several first openers without waiting (6 of 100 times)."""
    deadline = time.monotonic() + patience
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_WAL_RETRY)
        else:
            return


def _open_postgresql(address: URL, patience: float) -> Engine:
    try:
        engine = create_engine(
            address,
            pool_size=2,
            pool_pre_ping=True,
            pool_timeout=patience,
            hide_parameters=True,
            connect_args={"connect_timeout": max(2, round(patience))},
        )
    except ImportError as error:
        message = (
            f"the store {_name(address)} needs PostgreSQL's driver, which is not installed: "
            "pip install 'eventflow[postgres]'"
        )
        raise StoreError(message) from error
    except (SQLAlchemyError, TypeError, ValueError) as error:
        message = f"EVENTFLOW_DATABASE_URL: {_name(address)} cannot be used: {error}"
        raise StoreError(message) from error

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Local to the transaction, so that a pooler in between passes it on to no one else.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(patience * 1000)}")

    @event.listens_for(engine, "connect")
    def _remember(_connection: object, record: Any) -> None:  # Any: SQLAlchemy's pool record
        record.info["pid"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def _check_process(_connection: object, record: Any, proxy: Any) -> None:
        if record.info["pid"] == os.getpid():
            return
        # Forked: the socket is the parent's, and two on one socket garble each other.
        record.dbapi_connection = proxy.dbapi_connection = None
        message = "this connection belongs to the parent process"
        raise DisconnectionError(message)

    return engine


def _name(address: URL) -> str:
    if address.get_backend_name() == "sqlite":
        return str(address.database)
    return address.set(drivername="postgresql", query={}).render_as_string(hide_password=True)


def _advice(reason: str) -> str:
    if "locked" in reason or "lock timeout" in reason:
        return "; another process holds it, and nothing was changed: try again"
    return tls_advice("postgresql://", reason)
