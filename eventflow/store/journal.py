"""The store of the journal: written in batches, read by event or by page, its oldest part forgotten."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, Row, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from eventflow.errors import StoreError
from eventflow.journal import JournalEntry, Step
from eventflow.store.beginnings import find_events
from eventflow.store.engine import reading, writing
from eventflow.store.schema import ensure_schema
from eventflow.store.tables import JOURNAL

__all__ = ["MOST_PRUNED", "JournalCursor", "JournalFilter", "JournalStore"]

MOST_PRUNED = 50_000
"""Rows that one call of `prune` deletes, unless told otherwise."""

_CHUNK = 5_000  # rows deleted in one transaction: nobody waits for long
_MOST_OF_EVENT = 100_000  # entries of one event's story; nobody reads more
_ROW = JOURNAL.c
_PLACE = (_ROW.at, _ROW.bus, _ROW.id)


class JournalCursor(NamedTuple):
    """A place in a listing: after this entry.

    Attributes:
        at: Its time, seconds since the epoch.
        bus: Its bus.
        id: Its id.
    """

    at: float
    bus: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFilter:
    """Which entries are meant: those that every field given fits. None means any.

    Attributes:
        bus: The event's bus.
        event_id: The event's own id.
        target: The delivery's target.
        step: What happened.
        outcome: How an attempt went.
        since: Then or later, seconds since the epoch.
        until: Then or earlier, seconds since the epoch.
    """

    bus: str | None = None
    event_id: str | None = None
    target: str | None = None
    step: Step | None = None
    outcome: str | None = None
    since: float | None = None
    until: float | None = None


_ANY = JournalFilter()


class JournalStore:
    """The journal in SQL. Safe to use from several threads and processes at once.

    Nothing is asked of the database before the first call. Every method raises StoreError when the
    database cannot be reached or refuses, or was made by a newer eventflow.

    Args:
        engine: From `open_engine`; a process has one for all of its stores.
    """

    def __init__(self, engine: Engine) -> None:
        self._database = engine
        self._is_ready = False

    def record(self, entries: Sequence[JournalEntry]) -> None:
        """Write entries, all or none. Writing one again changes nothing.

        Args:
            entries: Any number; they are written in one transaction.
        """
        # In one order everywhere, so that two processes never wait for each other's rows.
        rows = [
            _values_of(entry) for entry in sorted(entries, key=lambda item: (item.bus, item.id))
        ]
        if not rows:
            return
        with writing(self._engine) as connection:
            # Each row by itself: the driver sends them together, and one statement is kept ready.
            if connection.dialect.name == "postgresql":
                connection.execute(postgresql.insert(JOURNAL).on_conflict_do_nothing(), rows)
            else:
                connection.execute(sqlite.insert(JOURNAL).on_conflict_do_nothing(), rows)

    def of_event(self, event_id: str, bus: str | None = None) -> list[JournalEntry]:
        """Return what happened to an event, in order: the first time, and in replays.

        Args:
            event_id: The event's own id.
            bus: Its bus; None for each that has such an event.
        """
        query = select(JOURNAL).where(*_conditions(JournalFilter(event_id=event_id, bus=bus)))
        query = query.order_by(_ROW.bus, _ROW.id).limit(_MOST_OF_EVENT)
        with reading(self._engine) as connection:
            return [_entry_of(row) for row in connection.execute(query)]

    def find_events(self, beginning: str, *, limit: int) -> Sequence[tuple[str, str]]:
        """Return the events whose id begins so, each once, sorted.

        Args:
            beginning: Of the event's id; an empty one finds nothing.
            limit: The most to return.

        Returns:
            Each one's id and bus.
        """
        return find_events(self._engine, JOURNAL, beginning, limit)

    def page(
        self,
        filters: JournalFilter = _ANY,
        *,
        limit: int = 100,
        after: JournalCursor | None = None,
    ) -> list[JournalEntry]:
        """Return a page of entries, the newest first.

        Args:
            filters: Which.
            limit: The most to return.
            after: The place of the last one of the page before; None for the first page.
        """
        query = select(JOURNAL).where(*_conditions(filters))
        if after is not None:
            # By key, not by offset: what is recorded meanwhile shifts no page.
            query = query.where(tuple_(*_PLACE) < tuple_(*after))
        query = query.order_by(*(column.desc() for column in _PLACE)).limit(limit)
        with reading(self._engine) as connection:
            return [_entry_of(row) for row in connection.execute(query)]

    def count(self, filters: JournalFilter = _ANY) -> int:
        """Count entries.

        Args:
            filters: Which.
        """
        query = select(func.count()).select_from(JOURNAL).where(*_conditions(filters))
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar_one())

    def prune(self, before: float, most_rows: int, *, at_most: int = MOST_PRUNED) -> int:
        """Forget the oldest entries, in transactions that are short.

        Args:
            before: Entries older than this are forgotten, seconds since the epoch.
            most_rows: And as many more of the oldest as there are beyond this; 0 for no limit.
            at_most: How many to delete in this call.

        Returns:
            How many were deleted; where it is *at_most*, there may be more.
        """
        excess = max(0, self.count() - most_rows) if most_rows else 0
        deleted = 0
        while deleted < at_most:
            size = min(_CHUNK, at_most - deleted)
            number = self._prune_chunk(before, excess - deleted, size)
            deleted += number
            if number < size:
                break
        return deleted

    def _prune_chunk(self, before: float, excess: int, size: int) -> int:
        with reading(self._engine) as connection:
            oldest = connection.execute(select(*_PLACE).order_by(*_PLACE).limit(size)).all()
        number = max(excess, sum(row.at < before for row in oldest))
        if number <= 0 or not oldest:
            return 0
        last = oldest[min(number, len(oldest)) - 1]
        with writing(self._engine) as connection:
            gone = delete(JOURNAL).where(tuple_(*_PLACE) <= tuple_(*last))
            return int(connection.execute(gone).rowcount)

    @property
    def _engine(self) -> Engine:
        """The engine, once the tables are there."""
        if not self._is_ready:
            ensure_schema(self._database)
            self._is_ready = True
        return self._database


def _conditions(filters: JournalFilter) -> list[ColumnElement[bool]]:
    equals = {
        _ROW.bus: filters.bus,
        _ROW.event_id: filters.event_id,
        _ROW.target: filters.target,
        _ROW.step: filters.step,
        _ROW.outcome: filters.outcome,
    }
    found = [column == str(value) for column, value in equals.items() if value is not None]
    if filters.since is not None:
        found.append(_ROW.at >= filters.since)
    if filters.until is not None:
        found.append(_ROW.at <= filters.until)
    return found


def _values_of(entry: JournalEntry) -> dict[str, Any]:
    return {
        "bus": entry.bus,
        "id": entry.id,
        "at": entry.at,
        "step": entry.step.value,
        "event_id": _text(entry.event_id),
        "replay_name": entry.replay_name,
        "target": entry.target,
        "attempt": entry.attempt,
        "outcome": entry.outcome,
        "duration": entry.duration,
        "due_at": entry.due_at,
        "error_type": _text(entry.error_type),
        "error": _text(entry.error),
        "facts": json.dumps(dict(entry.facts), separators=(",", ":")) if entry.facts else "",
    }


def _entry_of(row: Row[Any]) -> JournalEntry:
    """Read a row.

    Raises:
        StoreError: When a newer version wrote it.
    """
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    try:
        values["step"] = Step(values["step"])
    except ValueError as error:
        message = (
            f"the store holds journal entries of the step {values['step']!r}, which this eventflow "
            "does not know: were they recorded by a newer one? Upgrade this one"
        )
        raise StoreError(message) from error
    values["facts"] = json.loads(values["facts"]) if values["facts"] else {}
    return JournalEntry(**values)


def _text(text: str) -> str:
    """Replace what SQL text cannot hold: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
