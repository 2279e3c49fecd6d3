"""The archive's days on PostgreSQL: a partition each, made on demand and dropped as a whole."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text

from eventflow.errors import StoreError
from eventflow.store.engine import reading, writing

__all__ = ["DAY", "drop_days", "make_days"]

DAY = 86_400
"""Seconds."""

_LOCK = 7_226_313_908  # any number, as long as every process takes the same
_LOCK_PATIENCE = 1000  # milliseconds: whoever waits for the table keeps all others waiting behind
_PREFIX = "eventflow_archive_"
_PARTITIONS = text(
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
    "WHERE inhparent = to_regclass('eventflow_archive') ORDER BY child.relname"
)


def make_days(engine: Engine, moments: Iterable[float]) -> None:
    """Have a partition for the day of each moment; any number of processes may do it at once.

    Args:
        engine: The store's, on PostgreSQL.
        moments: Seconds since the epoch.
    """
    days = sorted({int(moment // DAY) for moment in moments})
    with reading(engine) as connection:
        missing = [day for day in days if not _exists(connection, day)]
    for day in missing:
        with writing(engine) as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if not _exists(connection, day):
                _make(connection, day)


def drop_days(engine: Engine, now: float) -> int:
    """Drop each day whose every event may be deleted.

    Args:
        engine: The store's, on PostgreSQL.
        now: Seconds since the epoch.

    Returns:
        How many were dropped. One that somebody reads just now is left for the next time.
    """
    with reading(engine) as connection:
        names = list(connection.scalars(_PARTITIONS))
        over = [name for name in names if _is_over(connection, name, now)]
    dropped = 0
    for name in over:
        try:
            with writing(engine) as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_PATIENCE}")
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                # Looked at again: an event that came late may have been written meanwhile.
                connection.exec_driver_sql(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
                if _is_over(connection, name, now):
                    connection.exec_driver_sql(f"DROP TABLE {name}")
                    dropped += 1
        except StoreError:
            return dropped
    return dropped


def _name(day: int) -> str:
    return _PREFIX + datetime.fromtimestamp(day * DAY, UTC).strftime("%Y%m%d")


def _exists(connection: Connection, day: int) -> bool:
    found = connection.scalar(text("SELECT to_regclass(:name)"), {"name": _name(day)})
    return found is not None


def _make(connection: Connection, day: int) -> None:
    # Attached, not created in place: that locks out neither readers nor writers of other days.
    name = _name(day)
    connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE eventflow_archive INCLUDING ALL)")
    connection.exec_driver_sql(
        f"ALTER TABLE eventflow_archive ATTACH PARTITION {name} "
        f"FOR VALUES FROM ({day * DAY}) TO ({(day + 1) * DAY})"
    )


def _is_over(connection: Connection, name: str, now: float) -> bool:
    """Tell by the partition's own index; an empty day is over once it is past."""
    if not connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}):
        return False
    last = connection.exec_driver_sql(f"SELECT max(kept_until) FROM {name}").scalar()  # noqa: S608 - our own name
    if last is not None:
        return bool(last < now)
    day = datetime.strptime(name.removeprefix(_PREFIX), "%Y%m%d").replace(tzinfo=UTC)
    return day.timestamp() + DAY < now - DAY
