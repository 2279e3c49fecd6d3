"""The outbox's table: one row an event, written in the transaction of the business data.

It has the columns and the indexes of the Django app's model, so that one relay serves either.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, MetaData, String, Table, Text

from eventflow.events import Event
from eventflow.publishing.outbox import ordering_key_of

__all__ = ["FAILED", "OUTBOX_NAME", "PUBLISHED", "WAITING", "now", "outbox_table", "rows_of"]

OUTBOX_NAME = "eventflow_outbox"
"""The table's name, unless it is given another."""

WAITING, PUBLISHED, FAILED = "waiting", "published", "failed"


def outbox_table(
    metadata: MetaData, *, name: str = OUTBOX_NAME, schema: str | None = None
) -> Table:
    """Return the outbox's table in *metadata*: the one that is there, or a new one.

    Given the metadata of an application's own models, `create_all` makes it and Alembic finds it.

    Args:
        metadata: Where it belongs, such as `Base.metadata` or Flask-SQLAlchemy's `db.metadata`.
        name: Its name in the database.
        schema: Its schema there; the metadata's own when missing.
    """
    key = f"{schema}.{name}" if (schema := schema or metadata.schema) else name
    if (known := metadata.tables.get(key)) is not None:
        return known
    return Table(
        name,
        metadata,
        # SQLite counts by itself in an INTEGER alone; a number is never used again.
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("event_id", String(200), nullable=False),
        Column("bus", String(64), nullable=False),
        Column("source", String(256), nullable=False),
        Column("type", String(128), nullable=False),
        Column("ordering_key", String(200), nullable=False),
        Column("body", Text, nullable=False),
        Column("state", String(10), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("failure", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("published_at", DateTime(timezone=True)),
        # What waits, in order, and what waits of one key; what may be deleted; what a person seeks.
        Index(f"{name}_waiting", "state", "id"),
        Index(f"{name}_key", "state", "ordering_key", "id"),
        Index(f"{name}_published", "published_at"),
        Index(f"{name}_event", "event_id"),
        schema=schema,
        sqlite_autoincrement=True,
    )


def rows_of(
    prepared: Sequence[tuple[Event[Any], bytes]], ordering_key: str | None
) -> list[dict[str, object]]:
    """Return the rows of events that `EventFlow.prepare` has checked.

    Args:
        prepared: Each event, and its JSON.
        ordering_key: Theirs; the subject of each when missing, and "" for no order.
    """
    written = now()
    return [
        {
            "event_id": event.id,
            "bus": event.bus,
            "source": event.source,
            "type": event.type,
            "ordering_key": ordering_key_of(event.subject, ordering_key),
            "body": body.decode(),
            "state": WAITING,
            "attempts": 0,
            "failure": "",
            "created_at": written,
            "due_at": written,
        }
        for event, body in prepared
    ]


def now() -> datetime:
    """Return the time as the table has it: UTC, also where the database keeps no zone."""
    return datetime.now(UTC)
