"""Making and upgrading the store's tables: numbered SQL files, run once, under a lock."""

from functools import cache
from importlib.resources import files

from sqlalchemy import Connection, Engine, insert, inspect, select, text, update

from eventflow.errors import StoreError
from eventflow.store.engine import reading, writing
from eventflow.store.tables import SCHEMA

__all__ = ["VERSION", "ensure_schema", "read_version"]

_LOCK = 7_226_313_907  # any number, as long as every version of eventflow takes the same
_ROW = 1


@cache
def _migrations(dialect: str) -> tuple[tuple[str, ...], ...]:
    """Return the statements of each migration, in order.

    Args:
        dialect: The database's: where `0003_archive.sqlite.sql` names one, others read another file.
    """
    folder = files("eventflow.store") / "migrations"
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    own = [name for name in names if name.split(".")[1] in {"sql", dialect}]
    return tuple(_statements((folder / name).read_text("utf-8")) for name in own)


def _statements(script: str) -> tuple[str, ...]:
    code = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    return tuple(part.strip() for part in code.split(";") if part.strip())


VERSION = len(_migrations("sqlite"))
"""The version of the tables that this eventflow reads and writes."""


def ensure_schema(engine: Engine) -> None:
    """Bring the store's tables to this version; any number of processes may do it at once.

    Args:
        engine: The store's.

    Raises:
        StoreError: When a newer eventflow made them, or the database cannot be reached or refuses.
    """
    with reading(engine) as connection:
        version = read_version(connection)
    if version < VERSION:
        with writing(engine) as connection:
            _lock(connection)
            version = read_version(connection)  # another may have done it while this one waited
            if version < VERSION:
                _migrate(connection, version)
    if version > VERSION:
        message = (
            "this database was made by a newer eventflow (its tables have version "
            f"{version}, this eventflow knows {VERSION}): upgrade this eventflow"
        )
        raise StoreError(message)


def _lock(connection: Connection) -> None:
    # SQLite's BEGIN IMMEDIATE holds the one write lock that it has.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def read_version(connection: Connection) -> int:
    """Return the version of the store's tables; 0 where there are none."""
    if not inspect(connection).has_table(SCHEMA.name):
        return 0
    return connection.execute(select(SCHEMA.c.version)).scalar_one_or_none() or 0


def _migrate(connection: Connection, version: int) -> None:
    if version == 0:
        SCHEMA.create(connection)
        connection.execute(insert(SCHEMA).values(only=_ROW, version=0))
    for statements in _migrations(connection.dialect.name)[version:]:
        for statement in statements:
            connection.exec_driver_sql(statement)
    connection.execute(update(SCHEMA).values(version=VERSION))
