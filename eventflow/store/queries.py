"""The SQL of filters, pages and the upsert, for both databases."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Insert, Select, and_, case, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from eventflow.store.letters import Cursor, DeadLetterFilter, State
from eventflow.store.rows import rule_mark
from eventflow.store.tables import DEAD_LETTERS

__all__ = ["conditions", "page", "upsert"]

_LETTERS = DEAD_LETTERS.c


def conditions(filters: DeadLetterFilter) -> list[ColumnElement[bool]]:
    """Return what a row must fulfil to fit *filters*."""
    equals = {
        _LETTERS.target: filters.target,
        _LETTERS.reason: filters.reason,
        _LETTERS.event_type: filters.event_type,
        _LETTERS.source: filters.source,
        _LETTERS.event_id: filters.event_id,
        _LETTERS.group_id: filters.group,
        _LETTERS.state: filters.state,
    }
    found = [column == str(value) for column, value in equals.items() if value is not None]
    if filters.ids is not None:
        found.append(_LETTERS.id.in_(filters.ids))
    if filters.since is not None:
        found.append(_LETTERS.died_at >= filters.since)
    if filters.until is not None:
        found.append(_LETTERS.died_at <= filters.until)
    if filters.rule is not None:
        # Not LIKE: SQLite's takes a and A for the same.
        mark = rule_mark(filters.rule)
        found.append(func.replace(_LETTERS.rules, mark, "") != _LETTERS.rules)
    if filters.error is not None:
        texts = (_LETTERS.error, _LETTERS.error_type)
        found.append(or_(*(text.icontains(filters.error, autoescape=True) for text in texts)))
    if filters.redrives_below is not None:
        found.append(_LETTERS.redrives < filters.redrives_below)
    return found


def page(
    filters: DeadLetterFilter, *, limit: int, after: Cursor | None, with_record: bool
) -> Select[Any]:
    """Return the query for a page of rows, newest first."""
    hidden = {"recorded_redrives"} if with_record else {"recorded_redrives", "record"}
    columns = [column for column in _LETTERS if column.name not in hidden]
    query = select(*columns).where(*conditions(filters))
    if after is not None:
        # By key, not by offset: what is recorded meanwhile shifts no page.
        query = query.where(tuple_(_LETTERS.died_at, _LETTERS.id) < tuple_(*after))
    return query.order_by(_LETTERS.died_at.desc(), _LETTERS.id.desc()).limit(limit)


def upsert(dialect: str, rows: Sequence[dict[str, Any]]) -> Insert:
    """Return the statement that inserts rows, or notes a new death of what is there.

    A letter is a new death when it has seen more redrives than the one recorded, or died later.
    Anything else is a message that came twice, and changes nothing: it must not bring back to
    `dead` what was redriven since.
    """
    if dialect == "postgresql":
        query = postgresql.insert(DEAD_LETTERS).values(list(rows))
        return query.on_conflict_do_update(
            index_elements=[_LETTERS.id],
            set_=_new_death(query.excluded),
            where=_is_new_death(query.excluded),
        )
    lite = sqlite.insert(DEAD_LETTERS).values(list(rows))
    return lite.on_conflict_do_update(
        index_elements=[_LETTERS.id],
        set_=_new_death(lite.excluded),
        where=_is_new_death(lite.excluded),
    )


def _is_new_death(excluded: Any) -> ColumnElement[bool]:  # Any: SQLAlchemy's collection of columns
    return or_(
        excluded.redrives > _LETTERS.recorded_redrives,
        excluded.died_at > _LETTERS.died_at,
    )


def _new_death(excluded: Any) -> dict[str, Any]:
    kept = {"id", "first_died_at", "redriven_at"}
    changes = {column.name: excluded[column.name] for column in _LETTERS if column.name not in kept}
    # A ledger that was lost begins to count anew; what the store knows of redrives stays.
    changes["redrives"] = _larger(_LETTERS.redrives, excluded.redrives)
    changes["recorded_redrives"] = _larger(_LETTERS.recorded_redrives, excluded.redrives)
    # A redrive gives a fresh budget, so the ledger's time is then the redrive's.
    is_known = and_(_LETTERS.accepted_at > 0, _LETTERS.accepted_at < excluded.accepted_at)
    changes["accepted_at"] = case((is_known, _LETTERS.accepted_at), else_=excluded.accepted_at)
    changes["state"] = State.DEAD.value
    return changes


def _larger(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    # SQLite calls it max(), PostgreSQL greatest().
    return case((one > other, one), else_=other)
