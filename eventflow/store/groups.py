"""Dead letters grouped by what failed: which error, raised where, how often, since when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    update,
)

from eventflow.errors import LedgerError
from eventflow.records import DeadLetter, Reason
from eventflow.store.engine import reading, writing
from eventflow.store.failures import failure_of
from eventflow.store.letters import DeadLetterFilter
from eventflow.store.queries import conditions
from eventflow.store.rows import reason_of
from eventflow.store.schema import ensure_schema
from eventflow.store.tables import DEAD_LETTERS

__all__ = ["FailureGroup", "FailureGroups"]

_LETTERS = DEAD_LETTERS.c
_ANY = DeadLetterFilter()
_ROWS = 200  # older letters that one writing groups; each is read whole
_UNREADABLE = "-"  # of a record that this version cannot read, so that it is not tried again
_SAMPLE = DEAD_LETTERS.alias("sample")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Dead letters of one target that died by the same fault.

    Attributes:
        group_id: Its id, which `DeadLetterFilter.group` takes.
        target: The target's name; empty where there is none.
        reason: Why one of them died.
        error_type: The error's class.
        error: The error's text, of one of them.
        place: Where in the user's code it was raised, of one of them; empty where not known.
        count: How many letters.
        first_seen: The first of their deaths, seconds since the epoch.
        last_seen: The last of them.
        sample_id: The id of one of them.
    """

    group_id: str
    target: str
    reason: Reason
    error_type: str
    error: str
    place: str
    count: int
    first_seen: float
    last_seen: float
    sample_id: str


class FailureGroups:
    """The groups in the store. Every method raises StoreError, as those of `DeadLetterStore` do.

    Args:
        engine: From `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._database = engine
        self._is_ready = False

    def list(
        self, filters: DeadLetterFilter = _ANY, *, limit: int = 100, after: str | None = None
    ) -> Sequence[FailureGroup]:
        """Return a page of groups, the largest first.

        Letters that an older eventflow has recorded are grouped first; see `group_older`.

        Args:
            filters: Which letters count.
            limit: The most groups to return.
            after: The last group's id of the page before; None for the first page.
        """
        self.group_older()
        groups = (
            select(
                _LETTERS.group_id,
                func.count().label("count"),
                func.min(_LETTERS.died_at).label("first_seen"),
                func.max(_LETTERS.died_at).label("last_seen"),
                func.max(_LETTERS.id).label("sample_id"),
            )
            .where(*conditions(filters))
            .group_by(_LETTERS.group_id)
        )
        with reading(self._engine) as connection:
            if after is not None:
                # By key, not by offset: what is recorded meanwhile shifts no page much.
                place = tuple_(func.count(), _LETTERS.group_id)
                number = _count(connection, filters, after)
                groups = groups.having(place < tuple_(literal(number), literal(after)))
            groups = groups.order_by(func.count().desc(), _LETTERS.group_id.desc()).limit(limit)
            found = groups.subquery()
            told = ("target", "reason", "error_type", "error", "place")
            query = (
                select(found, *(_SAMPLE.c[name] for name in told))
                .join(_SAMPLE, _SAMPLE.c.id == found.c.sample_id)
                .order_by(found.c.count.desc(), found.c.group_id.desc())
            )
            rows = [row._mapping for row in connection.execute(query)]  # noqa: SLF001 - public name
        return [FailureGroup(**{**row, "reason": reason_of(row["reason"])}) for row in rows]

    def count_older(self) -> int:
        """Count the letters that were recorded before there were groups, and have none yet."""
        ungrouped = select(func.count()).where(_LETTERS.group_id == "")
        with reading(self._engine) as connection:
            return connection.execute(ungrouped).scalar_one()

    def group_older(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Group the letters that were recorded before there were groups, once and for all.

        Args:
            told: Called with how many more are done, now and then.
        """
        while True:
            with reading(self._engine) as connection:
                ungrouped = select(_LETTERS.id, _LETTERS.died_at, _LETTERS.record)
                ungrouped = ungrouped.where(_LETTERS.group_id == "").limit(_ROWS)
                rows = connection.execute(ungrouped).all()
            if not rows:
                return
            changes = [_change_of(row.id, row.died_at, row.record) for row in rows]
            # Only the death that was read: the recorder has grouped a newer one by itself.
            same = and_(
                _LETTERS.id == bindparam("letter_id"), _LETTERS.died_at == bindparam("death")
            )
            change = update(DEAD_LETTERS).where(same)
            change = change.values(group_id=bindparam("group"), place=bindparam("where"))
            with writing(self._engine) as connection:
                connection.execute(change, changes)
            told(len(rows))

    @property
    def _engine(self) -> Engine:
        """The engine, once the tables are there."""
        if not self._is_ready:
            ensure_schema(self._database)
            self._is_ready = True
        return self._database


def _count(connection: Connection, filters: DeadLetterFilter, group: str) -> int:
    fits: list[ColumnElement[bool]] = [*conditions(filters), _LETTERS.group_id == group]
    return connection.execute(select(func.count()).where(*fits)).scalar_one()


def _change_of(identity: str, died_at: float, record: str) -> dict[str, object]:
    try:
        group, place = failure_of(DeadLetter.from_json(record))
    except LedgerError:
        group, place = _UNREADABLE, ""
    return {"letter_id": identity, "death": died_at, "group": group, "where": place}
