"""What the store says of itself; asked by `eventflow doctor`, which changes nothing."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text

from eventflow.errors import StoreError
from eventflow.store.engine import reading, writing
from eventflow.store.letters import State
from eventflow.store.schema import VERSION, read_version
from eventflow.store.tables import DEAD_LETTERS

__all__ = ["StoreFacts", "read_store"]


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A store's tables, its clock and its room.

    Attributes:
        version: The version of its tables; 0 where there are none yet.
        expected: The version that this eventflow writes.
        dead: Dead letters that are neither redriven nor purged.
        unwritable: Why this process may not write to it; empty where it may.
        clock_offset: Seconds that this process's clock is ahead of the database's; 0 for SQLite,
            which has none of its own.
        free: Bytes that are left on SQLite's disk; None for a server.
    """

    version: int
    expected: int = VERSION
    dead: int = 0
    unwritable: str = ""
    clock_offset: float = 0.0
    free: int | None = None


def read_store(engine: Engine) -> StoreFacts:
    """Ask a store for its facts.

    Args:
        engine: From `open_engine`.

    Raises:
        StoreError: When it cannot be reached, or refuses.
    """
    is_file = engine.dialect.name == "sqlite"
    dead = 0
    with reading(engine) as connection:
        version = read_version(connection)
        if version and inspect(connection).has_table(DEAD_LETTERS.name):
            is_dead = DEAD_LETTERS.c.state == State.DEAD.value
            dead = connection.execute(select(func.count()).where(is_dead)).scalar_one()
        unwritable, offset = ("", 0.0) if is_file else _ask_server(connection, version)
    if is_file:
        path = Path(str(engine.url.database))
        return StoreFacts(
            version,
            dead=dead,
            unwritable=_try_writing(engine),
            free=shutil.disk_usage(path.parent).free,
        )
    return StoreFacts(version, dead=dead, unwritable=unwritable, clock_offset=offset)


def _ask_server(connection: Connection, version: int) -> tuple[str, float]:
    before = time.time()
    moment = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
    offset = (before + time.time()) / 2 - float(moment)
    if connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on":
        return "the server is read-only: a standby, or told so", offset
    if version:
        may = text(
            "SELECT has_table_privilege(:name, 'INSERT') AND has_table_privilege(:name, 'UPDATE')"
        )
        if not connection.execute(may, {"name": DEAD_LETTERS.name}).scalar_one():
            return f"this user may not write to {DEAD_LETTERS.name}", offset
    return "", offset


def _try_writing(engine: Engine) -> str:
    """Take the lock that a writer takes, and let it go: that tells of another who holds it."""
    try:
        with writing(engine):
            return ""
    except StoreError as error:
        return error.message
