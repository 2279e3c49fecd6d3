"""An outbox's rows by SQLAlchemy, for the tests of every outbox."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, MetaData, insert, select, update

from eventflow.contrib.sqlalchemy import outbox_table
from eventflow.publishing import Outbox
from eventflow.publishing.sql import open_outbox
from eventflow.publishing.sql.listening import can_listen
from eventflow.publishing.sql.table import now
from tests.contracts.outbox import Table

__all__ = ["table_of"]


@contextmanager
def table_of(engine: Engine) -> Iterator[Table]:
    """Give the outbox's rows in this database; what was opened of it is closed in the end."""
    table = outbox_table(MetaData())
    opened: list[Outbox] = []

    def write(key: str, body: str) -> None:
        written = now()
        row: dict[str, object] = {
            "event_id": "e",
            "bus": "default",
            "source": "s",
            "type": "T",
            "ordering_key": key,
        }
        row |= {"body": body, "state": "waiting", "attempts": 0, "failure": ""}
        with engine.begin() as connection:
            connection.execute(insert(table), [{**row, "created_at": written, "due_at": written}])

    def open_other() -> Outbox:
        rows = open_outbox(engine.url.render_as_string(hide_password=False))
        opened.append(rows)
        return rows

    def states() -> list[str]:
        with engine.connect() as connection:
            return list(connection.scalars(select(table.c.state).order_by(table.c.id)))

    def hasten() -> None:
        with engine.begin() as connection:
            connection.execute(update(table).values(due_at=now()))

    try:
        yield Table(
            write=write,
            states=states,
            open=open_other,
            hasten=hasten,
            is_locking=can_listen(engine),
        )
    finally:
        for rows in opened:
            rows.close()
