"""The store of dead letters: recorded once, listed, counted, redriven, purged.

A redrive has two steps in two systems, and the order is the ledger first, the store second:

    1. `begin_redrive` reads what is dead; the ledger revives it, and notes for which death.
    2. `mark_redriven` notes here that it was sent.

Killed in between, the delivery is on its way and the letter still counts as dead: nothing is lost.
Repeated, the ledger answers that this death was revived already, so nothing is sent twice, and
step 2 is made up for. (The other order would lose a letter that is marked and never sent.) Step 2
marks only the death that step 1 read: if the delivery died again meanwhile, it stays dead.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Engine, and_, delete, func, select, update

from eventflow.errors import StoreError
from eventflow.records import DeadLetter
from eventflow.store.beginnings import find_events
from eventflow.store.engine import reading, writing
from eventflow.store.letters import (
    Cursor,
    DeadLetterCount,
    DeadLetterFilter,
    DeadLetterSummary,
    State,
    StoredDeadLetter,
)
from eventflow.store.queries import conditions, page, upsert
from eventflow.store.rows import reason_of, stored_of, summary_of, values_of
from eventflow.store.schema import ensure_schema
from eventflow.store.tables import DEAD_LETTERS

__all__ = ["DeadLetterStore"]

_LETTERS = DEAD_LETTERS.c
_ROWS = 100  # in one statement; a row has 20 values, and SQLite takes 32,766
_CHOICES = 5  # ids to name when a prefix fits several
_ANY = DeadLetterFilter()


class DeadLetterStore:
    """Dead letters in SQL. Safe to use from several threads and processes at once.

    Nothing is asked of the database before the first call, so that a recorder starts without one.
    Every method raises StoreError when the database cannot be reached or refuses, or was made by
    a newer eventflow; then nothing has changed.

    Args:
        engine: From `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._database = engine
        self._is_ready = False

    def record(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters, all or none. Writing one again changes nothing; a new death updates.

        Args:
            letters: In any order; of several deaths of one delivery, the newest counts.
        """
        newest: dict[str, DeadLetter] = {}
        for letter in sorted(letters, key=lambda item: (item.redrives, item.died_at)):
            newest[letter.id] = letter
        # In one order everywhere, so that two processes never wait for each other's rows.
        rows = [values_of(newest[identity]) for identity in sorted(newest)]
        if not rows:
            return
        with writing(self._engine) as connection:
            for start in range(0, len(rows), _ROWS):
                connection.execute(upsert(connection.dialect.name, rows[start : start + _ROWS]))

    def list(
        self, filters: DeadLetterFilter = _ANY, *, limit: int = 100, after: Cursor | None = None
    ) -> list[DeadLetterSummary]:
        """Return a page of dead letters, the newest death first.

        Args:
            filters: Which.
            limit: The most to return.
            after: The `cursor` of the last one of the page before; None for the first page.
        """
        query = page(filters, limit=limit, after=after, with_record=False)
        with reading(self._engine) as connection:
            return [summary_of(row) for row in connection.execute(query)]

    def count(self, filters: DeadLetterFilter = _ANY) -> DeadLetterCount:
        """Count dead letters, by target and reason.

        Args:
            filters: Which.
        """
        query = (
            select(_LETTERS.target, _LETTERS.reason, func.count(), func.max(_LETTERS.died_at))
            .where(*conditions(filters))
            .group_by(_LETTERS.target, _LETTERS.reason)
            .order_by(func.count().desc(), _LETTERS.target, _LETTERS.reason)
        )
        with reading(self._engine) as connection:
            groups = list(connection.execute(query))
        return DeadLetterCount(
            {(target, reason_of(reason)): number for target, reason, number, _ in groups},
            max((newest for *_, newest in groups), default=0.0),
        )

    def get(self, identity: str) -> StoredDeadLetter:
        """Return one dead letter with all that it carries.

        Args:
            identity: Its id, or the beginning of it if no other begins so.

        Raises:
            StoreError: When there is none, or the beginning fits several.
        """
        filters = DeadLetterFilter(ids=(self.identify(identity),))
        query = page(filters, limit=1, after=None, with_record=True)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:  # purged between the two questions
            raise _unknown(identity, ())
        return stored_of(row)

    def identify(self, identity: str) -> str:
        """Return the whole id of a dead letter.

        Args:
            identity: Its id, or the beginning of it if no other begins so.

        Raises:
            StoreError: When there is none, or the beginning fits several.
        """
        # Not LIKE: SQLite's takes a and A for the same.
        begins = func.substr(_LETTERS.id, 1, len(identity)) == identity
        # The id itself comes first, being the shortest that begins so.
        query = select(_LETTERS.id).where(begins).order_by(func.length(_LETTERS.id), _LETTERS.id)
        found: Sequence[str] = ()
        if identity:
            with reading(self._engine) as connection:
                found = connection.scalars(query.limit(_CHOICES + 1)).all()
        if found and (found[0] == identity or len(found) == 1):
            return found[0]
        raise _unknown(identity, found)

    def begin_redrive(
        self, filters: DeadLetterFilter = _ANY, *, limit: int = 100, after: Cursor | None = None
    ) -> Sequence[StoredDeadLetter]:
        """Return what is dead and fits, to be handed to the ledger: the first step of a redrive.

        It changes nothing: that a redrive began is known to the ledger alone, so there is nothing
        to clean up after a crash. `redrive_refusal` tells which of them cannot go.

        Args:
            filters: Which; only those in the state `dead` are returned.
            limit: The most to return.
            after: The `cursor` of the last one of the page before; None for the first page.
        """
        return self.read(replace(filters, state=State.DEAD), limit=limit, after=after)

    def read(
        self, filters: DeadLetterFilter = _ANY, *, limit: int = 100, after: Cursor | None = None
    ) -> Sequence[StoredDeadLetter]:
        """Return a page of dead letters with all that they carry, the newest death first.

        Args:
            filters: Which.
            limit: The most to return.
            after: The `cursor` of the last one of the page before; None for the first page.
        """
        query = page(filters, limit=limit, after=after, with_record=True)
        with reading(self._engine) as connection:
            return [stored_of(row) for row in connection.execute(query)]

    def find_events(self, beginning: str, *, limit: int) -> Sequence[tuple[str, str]]:
        """Return the events that have dead letters and an id that begins so, each once, sorted.

        Args:
            beginning: Of the event's id; an empty one finds nothing.
            limit: The most to return.

        Returns:
            Each one's id and bus.
        """
        return find_events(self._engine, DEAD_LETTERS, beginning, limit)

    def mark_redriven(self, letters: Sequence[StoredDeadLetter], at: float) -> set[str]:
        """Note that dead letters were sent again: the second step of a redrive.

        Each is marked only if it is still the death that was read: a delivery that died again
        between the steps stays dead, and a second mark of the same redrive changes nothing.

        Args:
            letters: Those that the ledger has revived, now or before, as `begin_redrive` or `get`
                gave them.
            at: When, seconds since the epoch.

        Returns:
            The ids of those that were marked.
        """
        marked: set[str] = set()
        with writing(self._engine) as connection:
            for stored in sorted(letters, key=lambda item: item.id):
                same_death = and_(
                    _LETTERS.id == stored.id,
                    _LETTERS.state == State.DEAD.value,
                    _LETTERS.redrives == stored.redrives,
                    _LETTERS.died_at == stored.died_at,
                )
                change = update(DEAD_LETTERS).where(same_death)
                change = change.values(
                    state=State.REDRIVEN.value, redrives=stored.redrives + 1, redriven_at=at
                )
                if connection.execute(change).rowcount:
                    marked.add(stored.id)
        return marked

    def purge(self, filters: DeadLetterFilter, *, at_most: int | None = None) -> int:
        """Delete dead letters for good.

        Args:
            filters: Which; an empty filter means all.
            at_most: How many somebody agreed to; when more fit by now, none is deleted.

        Returns:
            How many were deleted.

        Raises:
            StoreError: When more than *at_most* fit.
        """
        with writing(self._engine) as connection:
            number = connection.execute(delete(DEAD_LETTERS).where(*conditions(filters))).rowcount
            if at_most is not None and number > at_most:
                message = (
                    f"{number - at_most} more than the {at_most} agreed to fit by now, so none was "
                    "purged: look again"
                )
                raise StoreError(message)
        return number

    @property
    def _engine(self) -> Engine:
        """The engine, once the tables are there."""
        if not self._is_ready:
            ensure_schema(self._database)
            self._is_ready = True
        return self._database


def _unknown(identity: str, similar: Sequence[str]) -> StoreError:
    if not similar:
        return StoreError(f"no dead letter has the id {identity!r}, or one that begins so")
    names = ", ".join(similar[:_CHOICES]) + (", …" if len(similar) > _CHOICES else "")
    return StoreError(
        f"{identity!r} is the beginning of several dead letters' ids: {names}: write more of it"
    )
