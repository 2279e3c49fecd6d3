"""The audit: who did what to a running system, when, and to how many."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, Row, delete, insert, select, tuple_

from eventflow.errors import StoreError
from eventflow.store.engine import reading, writing
from eventflow.store.schema import ensure_schema
from eventflow.store.tables import AUDIT
from eventflow.units import Clock, system_clock

__all__ = ["MOST_PRUNED", "AuditCursor", "AuditEntry", "AuditFilter", "AuditStore"]

MOST_PRUNED = 1_000
"""Entries beyond their retention that one new entry deletes, so that none takes long to write."""

_AUDIT = AUDIT.c


class AuditCursor(NamedTuple):
    """A place in a listing: after this entry.

    Attributes:
        at: Its time, seconds since the epoch.
        id: Its id.
    """

    at: float
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that a person did.

    Attributes:
        id: Its id.
        at: When, seconds since the epoch.
        who: The person, as `NAME@HOST` or as `EVENTFLOW_ACTOR` says.
        what: The deed, as the command says it: `deadletters redrive`, `targets pause`.
        target: The target's name; empty where it was more than one, or none.
        count: To how many; 0 where nothing is counted.
        facts: What else there is to say, as JSON can hold it.
    """

    who: str
    what: str
    target: str = ""
    count: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON
    at: float = field(default_factory=system_clock)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def cursor(self) -> AuditCursor:
        """Its place in a listing, to go on after it."""
        return AuditCursor(self.at, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are meant: those that every field given fits. None means any.

    Attributes:
        who: The person.
        what: The deed, or the first words of it: `deadletters` is every deed to dead letters.
        target: The target's name.
        since: Then or later, seconds since the epoch.
        until: Then or earlier, seconds since the epoch.
    """

    who: str | None = None
    what: str | None = None
    target: str | None = None
    since: float | None = None
    until: float | None = None


_ANY = AuditFilter()


class AuditStore:
    """The audit in SQL. Safe to use from several threads and processes at once.

    Every method raises StoreError when the database cannot be reached or refuses.

    Args:
        engine: From `open_engine`.
        retention: How long an entry is kept, in seconds; 0 keeps it for good.
        clock: Tells how old entries are.
    """

    def __init__(
        self, engine: Engine, *, retention: float = 0.0, clock: Clock = system_clock
    ) -> None:
        self._database = engine
        self._retention = retention
        self._clock = clock
        self._is_ready = False

    def record(self, entry: AuditEntry) -> None:
        """Write an entry, and delete some of those that are older than the retention.

        Args:
            entry: What was done; the same entry twice is an error of the caller's.
        """
        with writing(self._engine) as connection:
            connection.execute(insert(AUDIT).values(_values_of(entry)))
            if self._retention:
                old = (
                    select(_AUDIT.id)
                    .where(_AUDIT.at < self._clock() - self._retention)
                    .order_by(_AUDIT.at, _AUDIT.id)
                    .limit(MOST_PRUNED)
                )
                connection.execute(delete(AUDIT).where(_AUDIT.id.in_(old)))

    def list(
        self, filters: AuditFilter = _ANY, *, limit: int = 100, after: AuditCursor | None = None
    ) -> Sequence[AuditEntry]:
        """Return a page of entries, the newest first.

        Args:
            filters: Which.
            limit: The most to return.
            after: The `cursor` of the last one of the page before; None for the first page.
        """
        query = select(AUDIT).where(*_conditions(filters))
        if after is not None:
            query = query.where(tuple_(_AUDIT.at, _AUDIT.id) < tuple_(*after))
        query = query.order_by(_AUDIT.at.desc(), _AUDIT.id.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_entry_of(row) for row in connection.execute(query)]

    def find(self, identity: str) -> AuditEntry:
        """Return one entry.

        Args:
            identity: Its id.

        Raises:
            StoreError: When there is none.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(AUDIT).where(_AUDIT.id == identity)).one_or_none()
        if row is None:
            message = (
                f"no entry of the audit has the id {identity!r}: `eventflow audit list` has all"
            )
            raise StoreError(message)
        return _entry_of(row)

    @property
    def _engine(self) -> Engine:
        """The engine, once the tables are there."""
        if not self._is_ready:
            ensure_schema(self._database)
            self._is_ready = True
        return self._database


def _conditions(filters: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.who is not None:
        found.append(_AUDIT.who == filters.who)
    if filters.what is not None:
        words = filters.what
        found.append((_AUDIT.what == words) | _AUDIT.what.startswith(f"{words} ", autoescape=True))
    if filters.target is not None:
        found.append(_AUDIT.target == filters.target)
    if filters.since is not None:
        found.append(_AUDIT.at >= filters.since)
    if filters.until is not None:
        found.append(_AUDIT.at <= filters.until)
    return found


def _values_of(entry: AuditEntry) -> dict[str, Any]:
    facts = json.dumps(dict(entry.facts), ensure_ascii=False, separators=(",", ":"), default=str)
    return {
        "id": entry.id,
        "at": entry.at,
        "who": _text(entry.who),
        "what": _text(entry.what),
        "target": _text(entry.target),
        "count": entry.count,
        "facts": _text(facts),
    }


def _entry_of(row: Row[Any]) -> AuditEntry:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return AuditEntry(**{**values, "facts": json.loads(values["facts"])})


def _text(text: str) -> str:
    """Replace what SQL text cannot hold: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
