"""Finding events by the beginning of their id, in any table that has their id and bus."""

from collections.abc import Sequence

from sqlalchemy import Engine, Table, select

from eventflow.store.engine import reading

__all__ = ["find_events"]

_LAST = "\U0010ffff"  # sorts after every character that an id may go on with


def find_events(
    engine: Engine, table: Table, beginning: str, limit: int
) -> Sequence[tuple[str, str]]:
    """Return the events whose id begins so, each once, sorted.

    Args:
        engine: The store's, its tables made.
        table: One with the columns `event_id` and `bus`.
        beginning: Of the event's id; an empty one finds nothing.
        limit: The most to return.

    Returns:
        Each one's id and bus.

    Raises:
        StoreError: When the database cannot be reached or refuses.
    """
    if not beginning:
        return []
    event_id, bus = table.c.event_id, table.c.bus
    # By characters, whatever the database's language; SQLite compares so by itself, and by an index.
    key = event_id.collate("C") if engine.dialect.name == "postgresql" else event_id
    query = select(event_id, bus).where(key >= beginning, key < beginning + _LAST)
    query = query.group_by(event_id, bus).order_by(key, bus).limit(limit)
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return [(row.event_id, row.bus) for row in rows]
