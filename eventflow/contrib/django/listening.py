"""PostgreSQL tells relays at once that rows were committed; elsewhere they look by themselves."""

import time
from typing import Any

from django.db import connections

from eventflow.publishing import CHANNEL

__all__ = ["Listener", "can_listen", "notify"]


def can_listen(alias: str) -> bool:
    """Whether the database tells of commits: PostgreSQL, through psycopg 3."""
    if connections[alias].vendor != "postgresql":
        return False
    from django.db.backends.postgresql import psycopg_any  # noqa: PLC0415 - needs the driver

    return bool(psycopg_any.is_psycopg3)


def notify(alias: str) -> None:
    """Tell relays, once the current transaction commits; nothing where the database cannot."""
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


class Listener:
    """Waits until something was committed. Raises Django's database errors.

    Where the database tells, it listens on a connection of its own: what is said while the relay is
    at work is kept there until it listens again.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection: Any = None  # Any: Django has no types

    def wait(self, seconds: float) -> None:
        """Return once rows may have been committed, after *seconds* at the latest."""
        if not can_listen(self._alias):
            time.sleep(seconds)
        elif self._connection is None:
            # What was committed until now was told to nobody here: the relay is to look first.
            self._connection = connections.create_connection(self._alias)
            with self._connection.cursor() as cursor:
                cursor.execute(f'LISTEN "{CHANNEL}"')
        else:
            with self._connection.wrap_database_errors:
                for _ in self._connection.connection.notifies(timeout=seconds, stop_after=1):
                    pass

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
