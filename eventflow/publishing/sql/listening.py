"""PostgreSQL tells relays at once that rows were committed; elsewhere they look by themselves."""

import time

from sqlalchemy import Connection, Engine, Select, func, select
from sqlalchemy.engine import Dialect

from eventflow.publishing.outbox import CHANNEL

__all__ = ["NOTIFY", "Listener", "can_listen", "is_told"]

NOTIFY: Select[tuple[object]] = select(func.pg_notify(CHANNEL, ""))
"""Tells relays, once the transaction commits. PostgreSQL alone has it: see `is_told`."""


def is_told(dialect: Dialect) -> bool:
    """Whether relays of such a database may be told of a commit."""
    return dialect.name == "postgresql"


def can_listen(engine: Engine) -> bool:
    """Whether a relay on this engine is told of commits: PostgreSQL, through psycopg 3."""
    return is_told(engine.dialect) and engine.dialect.driver == "psycopg"


class Listener:
    """Waits until something was committed. Raises SQLAlchemy's errors, and those of the driver.

    Where the database tells, it listens on a connection of its own: what is said while the relay is
    at work is kept there until it listens again.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def wait(self, seconds: float) -> None:
        """Return once rows may have been committed, after *seconds* at the latest."""
        if not can_listen(self._engine):
            time.sleep(seconds)
        elif self._connection is None:
            # What was committed until now was told to nobody here: the relay is to look first.
            connection = self._engine.connect()
            self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            self._connection.exec_driver_sql(f'LISTEN "{CHANNEL}"')
        else:
            raw = self._connection.connection.driver_connection
            assert raw is not None
            for _ in raw.notifies(timeout=seconds, stop_after=1):
                pass

    def close(self) -> None:
        """Stop listening."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # it must not listen on for who would get it from the pool
            connection.close()
