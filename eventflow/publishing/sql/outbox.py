"""The outbox by SQLAlchemy: what a relay claims, in order per key, and how it is marked."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    Table,
    delete,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from eventflow.errors import StoreError
from eventflow.publishing.outbox import LONGEST_FAILURE, OutboxRow
from eventflow.publishing.sql.listening import Listener, can_listen
from eventflow.publishing.sql.table import FAILED, PUBLISHED, WAITING, now

__all__ = ["SqlOutbox"]

_Found = Row[tuple[int, str, str, int]]


class SqlOutbox:
    """The rows of one database, for one relay; see `eventflow.publishing.Outbox`.

    Args:
        engine: The way to the database; a synchronous one.
        table: As `outbox_table` makes it.
    """

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self._table = table
        self._listener = Listener(engine)

    @property
    def is_told(self) -> bool:
        """Whether the database tells it of commits."""
        return can_listen(self._engine)

    @property
    def name(self) -> str:
        """The database, without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def claim(self, limit: int) -> Iterator["_Claim"]:
        """Take rows that are due; they stay locked until the block ends, where they can be."""
        with self._guarded():
            if self._engine.dialect.name == "sqlite":
                # Nothing is locked, so nothing is held: a transaction that stays open while events
                # are published would keep every writer of an SQLite waiting.
                with self._engine.connect() as connection:
                    found = self._due(connection, limit)
                yield _Claim(self._engine, self._table, found)
                return
            with self._engine.begin() as connection:
                yield _Claim(connection, self._table, self._due(connection, limit))

    def wait(self, seconds: float) -> None:
        """Return once rows may have been committed, after *seconds* at the latest."""
        with self._guarded():
            self._listener.wait(seconds)

    def purge(self, age: float, limit: int) -> int:
        """Delete rows that were published more than *age* seconds ago, at most *limit*."""
        column = self._table.c
        is_published = column.state == PUBLISHED
        is_old = column.published_at < now() - timedelta(seconds=age)
        old = select(column.id).where(is_published, is_old).order_by(column.id).limit(limit)
        with self._guarded(), self._engine.begin() as connection:
            numbers = connection.scalars(old).all()
            if not numbers:
                return 0
            gone = delete(self._table).where(column.id.in_(numbers), is_published)
            return connection.execute(gone).rowcount

    def close(self) -> None:
        """Let go of the connections."""
        with suppress(SQLAlchemyError):
            self._listener.close()
        with suppress(SQLAlchemyError):
            self._engine.dispose()

    def _rows(self) -> Select[tuple[int, str, str, int]]:
        column = self._table.c
        rows = select(column.id, column.ordering_key, column.body, column.attempts)
        # SQLite has no such words, and SQLAlchemy leaves them out there.
        return rows.order_by(column.id).with_for_update(skip_locked=True)

    def _due(self, connection: Connection, limit: int) -> list[_Found]:
        """Choose rows so that none overtakes another of its key, whatever other relays do.

        Who has locked the oldest waiting row of a key has the key. Others see that row as waiting
        until the marks are committed, so that to them no later one is the oldest.
        """
        column = self._table.c
        other = self._table.alias("older")
        has_older = exists().where(
            other.c.state == WAITING,
            other.c.ordering_key == column.ordering_key,
            other.c.id < column.id,
        )
        is_head = or_(column.ordering_key == "", ~has_older)
        wanted = self._rows().where(*self._is_due(), is_head).limit(limit)
        heads = list(connection.execute(wanted))
        chosen = {row.ordering_key: row for row in heads if row.ordering_key}
        if not chosen or len(heads) >= limit:
            return heads
        followers = self._followers(connection, chosen, limit - len(heads))
        return sorted([*heads, *followers], key=lambda row: row.id)

    def _followers(
        self, connection: Connection, heads: Mapping[str, _Found], limit: int
    ) -> list[_Found]:
        """Take what comes after the oldest rows of keys, up to the first that cannot be had."""
        column = self._table.c
        behind = (
            select(column.id, column.ordering_key)
            .where(column.state == WAITING, column.ordering_key.in_(list(heads)))
            .where(column.id.not_in([row.id for row in heads.values()]))
            .order_by(column.id)
            .limit(limit)
        )
        seen = connection.execute(behind).all()
        if not seen:
            return []
        wanted = self._rows().where(*self._is_due(), column.id.in_([row.id for row in seen]))
        had = {row.id: row for row in connection.execute(wanted)}
        ended: set[str] = set()
        taken = []
        for number, key in seen:
            # Older than its key's head: its transaction ended just now, and it was not to be seen.
            if number < heads[key].id or number not in had:
                ended.add(key)
            if key not in ended:
                taken.append(had[number])
        return taken

    def _is_due(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return self._table.c.state == WAITING, self._table.c.due_at <= now()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        driver = self._engine.dialect.loaded_dbapi
        try:
            yield
        except (SQLAlchemyError, driver.Error) as error:
            # A driver's own words only: SQLAlchemy's text would repeat the statement.
            cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
            reason = " ".join(str(cause).split()) or type(cause).__name__
            message = f"the outbox in {self.name} cannot be used: {reason}"
            if "no such table" in reason or "does not exist" in reason:
                message += f" (did the migration that makes {self._table.fullname!r} run there?)"
            raise StoreError(message) from error


class _Claim:
    """Rows in hand; see `eventflow.publishing.Claim`."""

    def __init__(self, way: Engine | Connection, table: Table, found: Sequence[_Found]) -> None:
        self._way = way
        self._table = table
        self.rows: Sequence[OutboxRow] = [
            OutboxRow(row.id, row.ordering_key, row.body, row.attempts) for row in found
        ]

    def published(self, rows: Sequence[OutboxRow]) -> None:
        """Mark rows as published."""
        numbers = [row.number for row in rows]
        self._mark(self._table.c.id.in_(numbers), state=PUBLISHED, published_at=now(), failure="")

    def postponed(self, row: OutboxRow, reason: str, seconds: float) -> None:
        """Count an attempt in vain, and have the row wait."""
        self._count(row, reason, due_at=now() + timedelta(seconds=seconds))

    def failed(self, row: OutboxRow, reason: str) -> None:
        """Give a row up, and keep it."""
        self._count(row, reason, state=FAILED)

    def _count(self, row: OutboxRow, reason: str, **values: object) -> None:
        column = self._table.c
        # Where nothing is locked, another relay may have published it meanwhile.
        is_waiting = (column.id == row.number) & (column.state == WAITING)
        failure = reason.replace("\0", "")[:LONGEST_FAILURE]  # PostgreSQL's text has no NUL
        self._mark(is_waiting, attempts=column.attempts + 1, failure=failure, **values)

    def _mark(self, which: ColumnElement[bool], **values: object) -> None:
        statement = update(self._table).where(which).values(**values)
        if isinstance(self._way, Connection):
            self._way.execute(statement)
        else:
            with self._way.begin() as connection:
                connection.execute(statement)
