"""An outbox's rows by SQLAlchemy, for the tests of every outbox."""

from sqlalchemy import Engine, MetaData, insert, select, update

from eventflow.contrib.sqlalchemy import outbox_table
from eventflow.publishing import Outbox
from eventflow.publishing.sql import SqlOutbox, open_outbox
from eventflow.publishing.sql.listening import can_listen
from eventflow.publishing.sql.table import now
from tests.contracts.outbox import Table

__all__ = ["table_of"]


def table_of(engine: Engine) -> Table:
    """Return the outbox's rows in this database."""
    table = outbox_table(MetaData())

    def write(key: str, body: str) -> None:
        written = now()
        row = {"event_id": "e", "bus": "default", "source": "s", "type": "T", "ordering_key": key}
        row |= {"body": body, "state": "waiting", "attempts": 0, "failure": ""}
        with engine.begin() as connection:
            connection.execute(insert(table), [{**row, "created_at": written, "due_at": written}])

    def open_other() -> Outbox:
        rows = open_outbox(engine.url.render_as_string(hide_password=False))
        assert isinstance(rows, SqlOutbox)
        return rows

    def states() -> list[str]:
        with engine.connect() as connection:
            return list(connection.scalars(select(table.c.state).order_by(table.c.id)))

    def hasten() -> None:
        with engine.begin() as connection:
            connection.execute(update(table).values(due_at=now()))

    return Table(
        write=write,
        states=states,
        open=open_other,
        hasten=hasten,
        is_locking=can_listen(engine),
    )
