"""The archive in SQL: events written once, read in order of time, deleted by age.

An event is stored once for each acceptance. The ledger knows an id for the deduplication window, so
one that is published again within it is no second event; published again later, it is delivered again,
and archived again.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, Row, Select, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from eventflow.store.archive_days import DAY, drop_days, make_days
from eventflow.store.archive_queries import (
    CONTENT,
    SUMMARY,
    begins_with,
    conditions,
    has_id,
    names_of,
    page,
    row_of,
    summary_fields,
)
from eventflow.store.archived import (
    ArchiveCursor,
    ArchivedEvent,
    ArchivedSummary,
    ArchiveFilter,
    ArchiveHolding,
    Pruned,
)
from eventflow.store.engine import reading, writing
from eventflow.store.schema import ensure_schema
from eventflow.store.sealing import Seal
from eventflow.store.tables import ARCHIVE

__all__ = ["ArchiveStore"]

_EVENTS = ARCHIVE.c
_ALL = ArchiveFilter()


class ArchiveStore:
    """Archived events in SQL. Safe to use from several threads and processes at once.

    Nothing is asked of the database before the first call, so that a recorder starts without one.
    Every method raises StoreError when the database cannot be reached or refuses, or was made by
    a newer eventflow; then nothing has changed.

    Args:
        engine: From `open_engine`.
        keys: Fernet keys: the first encrypts, each decrypts. None: bodies are not encrypted.
    """

    def __init__(self, engine: Engine, keys: Sequence[str] = ()) -> None:
        self._database = engine
        self._seal = Seal(keys)
        self._is_ready = False

    def write(self, events: Iterable[ArchivedEvent]) -> None:
        """Write events, all or none. What is there already stays as it is.

        Args:
            events: In any order.
        """
        # In one order everywhere, so that two processes never wait for each other's rows.
        ordered = sorted(events, key=lambda event: event.cursor)
        if not ordered:
            return
        rows = [row_of(event, self._seal) for event in ordered]
        engine = self._engine
        if engine.dialect.name == "postgresql":
            make_days(engine, (event.accepted_at for event in ordered))
        insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        with writing(engine) as connection:
            connection.execute(insert(ARCHIVE).on_conflict_do_nothing(), rows)

    def read(
        self,
        filters: ArchiveFilter = _ALL,
        *,
        after: ArchiveCursor | None = None,
        limit: int,
        newest_first: bool = False,
    ) -> list[ArchivedEvent]:
        """Return a page of events with their content, in order of time.

        Args:
            filters: Which.
            after: The `cursor` of the last one of the page before; None for the first page.
            limit: The most to return.
            newest_first: Whether to begin with the newest.

        Raises:
            StoreError: Also when one cannot be decrypted.
        """
        query = page(filters, after, limit, newest_first=newest_first, with_body=True)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [self._event(row) for row in rows]

    def list(
        self,
        filters: ArchiveFilter = _ALL,
        *,
        after: ArchiveCursor | None = None,
        limit: int,
        newest_first: bool = False,
    ) -> list[ArchivedSummary]:
        """Return a page of events without their content, in order of time; it takes no key.

        Args:
            filters: Which.
            after: The `cursor` of the last one of the page before; None for the first page.
            limit: The most to return.
            newest_first: Whether to begin with the newest.
        """
        query = page(filters, after, limit, newest_first=newest_first, with_body=False)
        with reading(self._engine) as connection:
            return [ArchivedSummary(**summary_fields(row)) for row in connection.execute(query)]

    def get(self, event_id: str, bus: str | None = None) -> ArchivedEvent | None:
        """Return one event; None where it is not archived. Accepted several times, the newest counts.

        Args:
            event_id: Its id, complete.
            bus: Its bus; None for any.

        Raises:
            StoreError: Also when it cannot be decrypted.
        """
        engine = self._engine
        query: Select[Any] = select(*SUMMARY, *CONTENT)
        query = query.where(has_id(engine, event_id), *conditions(ArchiveFilter(bus=bus)))
        query = query.order_by(_EVENTS.accepted_at.desc(), _EVENTS.bus).limit(1)
        with reading(engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else self._event(row)

    def find(self, beginning: str, bus: str | None = None, *, limit: int = 6) -> Sequence[str]:
        """Return the ids that begin so, sorted, each once.

        Args:
            beginning: Of the id; an empty one finds nothing.
            bus: Their bus; None for any.
            limit: The most to return.
        """
        if not beginning:
            return []
        query = select(_EVENTS.event_id).distinct().where(begins_with(self._database, beginning))
        query = query.where(*conditions(ArchiveFilter(bus=bus))).order_by(_EVENTS.event_id)
        with reading(self._engine) as connection:
            return connection.scalars(query.limit(limit)).all()

    def count(self, filters: ArchiveFilter = _ALL) -> int:
        """Count events.

        Args:
            filters: Which.
        """
        query = select(func.count()).select_from(ARCHIVE).where(*conditions(filters))
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one()

    def holdings(self) -> Sequence[ArchiveHolding]:
        """Tell what is stored, for each set of archives. It looks at every event."""
        query = (
            select(
                _EVENTS.bus,
                _EVENTS.archives,
                func.count(),
                func.min(_EVENTS.accepted_at),
                func.max(_EVENTS.accepted_at),
                func.sum(_EVENTS.size),
                func.sum(func.length(_EVENTS.body)),
            )
            .group_by(_EVENTS.bus, _EVENTS.archives)
            .order_by(_EVENTS.bus, _EVENTS.archives)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [
            ArchiveHolding(
                bus=bus,
                archives=names_of(archives),
                events=events,
                oldest=oldest,
                newest=newest,
                size=int(size),
                stored=int(stored),
            )
            for bus, archives, events, oldest, newest, size, stored in rows
        ]

    def prune(self, now: float, *, most: int) -> Pruned:
        """Delete events that need not be kept any longer, a bounded number of them.

        On PostgreSQL a day is dropped as a whole once none of its events is kept, up to a day after
        the first of them was due. What others of its day outlive is deleted alone, on either database.

        Args:
            now: Seconds since the epoch.
            most: The most events to delete one by one (and those due in the very same moment as the
                last); there is more to do where so many were.
        """
        engine = self._engine
        days = 0
        if engine.dialect.name == "postgresql":
            days = drop_days(engine, now)
            now -= DAY
        due = _EVENTS.kept_until < now
        nth = select(_EVENTS.kept_until).where(due).order_by(_EVENTS.kept_until)
        with writing(engine) as connection:
            # Up to a moment, and not a list of rows: the index alone is asked, on either database.
            last = connection.scalar(nth.offset(most - 1).limit(1))
            chosen = due if last is None else _EVENTS.kept_until <= last
            deleted = connection.execute(delete(ARCHIVE).where(chosen)).rowcount
        return Pruned(deleted, days)

    def _event(self, row: Row[Any]) -> ArchivedEvent:
        name = f"event {row.event_id} of the archive"
        body = self._seal.open(row.coding, bytes(row.body), name)
        return ArchivedEvent(**summary_fields(row), body=body)

    @property
    def _engine(self) -> Engine:
        """The engine, once the tables are there."""
        if not self._is_ready:
            ensure_schema(self._database)
            self._is_ready = True
        return self._database
