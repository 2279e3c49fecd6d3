"""The archive's questions in SQL, and its rows."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, and_, func, select, tuple_

from eventflow.store.archived import ArchiveCursor, ArchivedEvent, ArchiveFilter
from eventflow.store.rows import rule_mark
from eventflow.store.sealing import Seal
from eventflow.store.tables import ARCHIVE

__all__ = [
    "CONTENT",
    "SUMMARY",
    "begins_with",
    "conditions",
    "has_id",
    "names_of",
    "page",
    "row_of",
    "summary_fields",
]

_EVENTS = ARCHIVE.c
_LAST = "\U0010ffff"  # sorts after every character that an id may go on with

SUMMARY = (
    *(_EVENTS.event_id, _EVENTS.bus, _EVENTS.source, _EVENTS.type, _EVENTS.accepted_at),
    *(_EVENTS.archives, _EVENTS.kept_until, _EVENTS.size, _EVENTS.targets),
)
"""The columns that every event is shown by."""

CONTENT = (_EVENTS.coding, _EVENTS.body)
"""The columns that its content is read from."""


def conditions(filters: ArchiveFilter) -> list[ColumnElement[bool]]:
    """Return what a row must fulfil to fit *filters*."""
    found: list[ColumnElement[bool]] = []
    if filters.bus is not None:
        found.append(_EVENTS.bus == filters.bus)
    if filters.since is not None:
        found.append(_EVENTS.accepted_at >= filters.since)
    if filters.until is not None:
        found.append(_EVENTS.accepted_at < filters.until)
    if filters.sources is not None:
        found.append(_EVENTS.source.in_(filters.sources))
    if filters.types is not None:
        found.append(_EVENTS.type.in_(filters.types))
    if filters.archive is not None:
        # Not LIKE: SQLite's takes a and A for the same.
        mark = rule_mark(filters.archive)
        found.append(func.replace(_EVENTS.archives, mark, "") != _EVENTS.archives)
    return found


def page(
    filters: ArchiveFilter,
    after: ArchiveCursor | None,
    limit: int,
    *,
    newest_first: bool,
    with_body: bool,
) -> Select[Any]:
    """Return the query for a page of rows, in order of time."""
    order: list[ColumnElement[Any]] = [_EVENTS.accepted_at, _EVENTS.event_id, _EVENTS.bus]
    query = select(*SUMMARY, *(CONTENT if with_body else ()))
    if after is not None:
        filters = _without_passed(filters, after, newest_first=newest_first)
        query = query.where(_is_beyond(after, order, newest_first=newest_first))
    query = query.where(*conditions(filters))
    if newest_first:
        order = [column.desc() for column in order]
    return query.order_by(*order).limit(limit)


def has_id(engine: Engine, event_id: str) -> ColumnElement[bool]:
    """Return the condition that a row is of one event."""
    return _key(engine) == event_id


def begins_with(engine: Engine, beginning: str) -> ColumnElement[bool]:
    """Return the condition that a row's event has an id that begins so, which the index answers."""
    key = _key(engine)
    return and_(key >= beginning, key < beginning + _LAST)


def row_of(event: ArchivedEvent, seal: Seal) -> dict[str, Any]:
    """Return the row of an event."""
    coding, body = seal.close(event.body)
    return {
        "bus": event.bus,
        "event_id": event.event_id,
        "accepted_at": event.accepted_at,
        "source": event.source,
        "type": event.type,
        "archives": _lines_of(event.archives),
        "targets": _lines_of(event.targets),
        "kept_until": event.kept_until,
        "size": event.size,
        "coding": coding,
        "body": body,
    }


def summary_fields(row: Row[Any]) -> dict[str, Any]:
    """Return a row's values as `ArchivedSummary` takes them."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values["archives"] = names_of(values["archives"])
    values["targets"] = names_of(values["targets"])
    for column in CONTENT:
        values.pop(column.name, None)
    return values


def names_of(lines: str) -> tuple[str, ...]:
    """Read the columns `archives` and `targets`."""
    return tuple(name for name in lines.split("\n") if name)


def _lines_of(names: tuple[str, ...]) -> str:
    return "".join(f"\n{name}" for name in names) + "\n"


def _key(engine: Engine) -> ColumnElement[str]:
    # The index on PostgreSQL sorts by characters, as SQLite does, whatever the database's language:
    # so it answers for the beginning of an id, too.
    if engine.dialect.name == "postgresql":
        return _EVENTS.event_id.collate("C")
    return _EVENTS.event_id


def _without_passed(
    filters: ArchiveFilter, after: ArchiveCursor, *, newest_first: bool
) -> ArchiveFilter:
    # Of two bounds on one side SQLite begins at the first that it reads: were it where the filter
    # begins, each page would pass over all that was before it.
    if newest_first:
        is_passed = filters.until is not None and after.accepted_at < filters.until
        return replace(filters, until=None) if is_passed else filters
    is_passed = filters.since is not None and after.accepted_at >= filters.since
    return replace(filters, since=None) if is_passed else filters


def _is_beyond(
    after: ArchiveCursor, order: list[ColumnElement[Any]], *, newest_first: bool
) -> ColumnElement[bool]:
    # By key, not by offset: what is written meanwhile shifts no page. The time by itself has whole
    # days of PostgreSQL passed over, and lets SQLite begin in its index.
    if newest_first:
        return and_(_EVENTS.accepted_at <= after.accepted_at, tuple_(*order) < tuple_(*after))
    return and_(_EVENTS.accepted_at >= after.accepted_at, tuple_(*order) > tuple_(*after))
