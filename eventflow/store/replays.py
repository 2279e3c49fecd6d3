"""The store of replays: what each sends again, how far it is, and which process runs it.

A replay is run by one process at a time: its owner, which says at least every second that it is
alive. Each step of the owner's is written on the condition that it still is the owner and the replay
still runs; so it learns of a cancellation, or that another took over, by the answer alone.
"""

import json
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, and_, func, insert, or_, select, tuple_, update

from eventflow.errors import StoreError
from eventflow.store.engine import reading, writing
from eventflow.store.replay_records import (
    PATIENCE,
    ReplayCursor,
    ReplayFilter,
    ReplayProgress,
    ReplayState,
    StoredReplay,
)
from eventflow.store.schema import ensure_schema
from eventflow.store.tables import REPLAYS

__all__ = ["ReplayStore"]

_REPLAYS = REPLAYS.c
_MOST_NOTE = 500  # characters


_ANY = ReplayFilter()


class ReplayStore:
    """Replays in SQL. Safe to use from several threads and processes at once.

    Nothing is asked of the database before the first call. Every method raises StoreError when the
    database cannot be reached or refuses, or was made by a newer eventflow; then nothing has changed.

    Args:
        engine: From `open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._database = engine
        self._is_ready = False

    def create(self, replay: StoredReplay) -> None:
        """Write a new replay.

        Raises:
            StoreError: When one of its name was started before.
        """
        values = {
            "name": replay.name,
            "bus": replay.bus,
            "arguments": json.dumps(dict(replay.arguments), ensure_ascii=False),
            "state": replay.state.value,
            "owner": replay.owner,
            "started_by": replay.started_by,
            **_columns(replay.progress),
            "started_at": replay.started_at,
            "updated_at": replay.updated_at,
            "ended_at": replay.ended_at,
        }
        named = select(_REPLAYS.name).where(_REPLAYS.name == replay.name)
        with writing(self._engine) as connection:
            is_taken = connection.execute(named).first() is not None
            if not is_taken:  # of two at the same moment, the key refuses one
                connection.execute(insert(REPLAYS).values(values))
        if is_taken:
            message = (
                f"there is a replay {replay.name!r} already: `eventflow replay show {replay.name}` "
                "tells how it ended; give the new one another --name"
            )
            raise StoreError(message)

    def take(
        self, name: str, owner: str, now: float, *, patience: float = PATIENCE
    ) -> StoredReplay:
        """Become the owner of a replay that nobody runs, to go on where it ended.

        Args:
            name: Its name.
            owner: Names the process that asks.
            now: Seconds since the epoch.
            patience: Seconds of silence after which a process counts as dead; negative where it is
                known to be.

        Raises:
            StoreError: When there is none, another process runs it, or it is over.
        """
        resumable = [ReplayState.INTERRUPTED.value, ReplayState.FAILED.value]
        silent = and_(
            _REPLAYS.state == ReplayState.RUNNING.value, _REPLAYS.updated_at < now - patience
        )
        change = update(REPLAYS).where(
            _REPLAYS.name == name, or_(_REPLAYS.state.in_(resumable), silent)
        )
        values = {"state": ReplayState.RUNNING.value, "owner": owner, "updated_at": now}
        with writing(self._engine) as connection:
            change = change.values(**values, ended_at=0.0, note="")
            is_taken = bool(connection.execute(change).rowcount)
        replay = self.get(name)
        if is_taken:
            return replay
        if replay.state is ReplayState.RUNNING:
            silence = max(0.0, now - replay.updated_at)
            message = (
                f"the replay {name!r} is run by {replay.owner}, heard of {silence:.0f} s ago; once "
                f"that has been silent for {PATIENCE:.0f} s it counts as dead"
            )
        else:
            message = f"the replay {name!r} is {replay.state.value}: start another one"
        raise StoreError(message)

    def advance(self, name: str, owner: str, progress: ReplayProgress, now: float) -> bool:
        """Write how far a replay is, and that its process is alive.

        Returns:
            False when it is not the owner's to run any more: cancelled, or taken over.
        """
        change = self._own(name, owner).values(**_columns(progress), updated_at=now)
        with writing(self._engine) as connection:
            return bool(connection.execute(change).rowcount)

    def end(
        self, name: str, owner: str, state: ReplayState, progress: ReplayProgress, now: float
    ) -> bool:
        """Write how a replay ended; False when it was not the owner's to end any more."""
        change = self._own(name, owner).values(
            **_columns(progress), state=state.value, updated_at=now, ended_at=now
        )
        with writing(self._engine) as connection:
            return bool(connection.execute(change).rowcount)

    def cancel(self, name: str, now: float) -> bool:
        """End a replay for good; its process stops at its next step. False if it had ended.

        Raises:
            StoreError: When there is none of that name.
        """
        over = [ReplayState.COMPLETED.value, ReplayState.CANCELLED.value]
        change = update(REPLAYS).where(_REPLAYS.name == name, _REPLAYS.state.not_in(over))
        with writing(self._engine) as connection:
            change = change.values(state=ReplayState.CANCELLED.value, ended_at=now)
            is_cancelled = bool(connection.execute(change).rowcount)
        if not is_cancelled:
            self.get(name)
        return is_cancelled

    def get(self, name: str) -> StoredReplay:
        """Return one replay.

        Raises:
            StoreError: When there is none of that name.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(REPLAYS).where(_REPLAYS.name == name)).one_or_none()
        if row is None:
            message = f"there is no replay {name!r}; `eventflow replay list` names them"
            raise StoreError(message)
        return _replay_of(row)

    def list(
        self,
        filters: ReplayFilter = _ANY,
        *,
        now: float,
        limit: int = 100,
        after: ReplayCursor | None = None,
    ) -> list[StoredReplay]:
        """Return a page of replays, the newest first.

        Args:
            filters: Which.
            now: Seconds since the epoch, by which silence is told.
            limit: The most to return.
            after: The `cursor` of the last one of the page before; None for the first page.
        """
        query = select(REPLAYS).where(*_conditions(filters, now))
        if after is not None:
            query = query.where(tuple_(_REPLAYS.started_at, _REPLAYS.name) < tuple_(*after))
        query = query.order_by(_REPLAYS.started_at.desc(), _REPLAYS.name.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_replay_of(row) for row in connection.execute(query)]

    def count(self, filters: ReplayFilter = _ANY, *, now: float) -> int:
        """Count replays.

        Args:
            filters: Which.
            now: Seconds since the epoch, by which silence is told.
        """
        query = select(func.count()).select_from(REPLAYS).where(*_conditions(filters, now))
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one()

    @staticmethod
    def _own(name: str, owner: str) -> Any:  # Any: SQLAlchemy's update
        return update(REPLAYS).where(
            _REPLAYS.name == name,
            _REPLAYS.owner == owner,
            _REPLAYS.state == ReplayState.RUNNING.value,
        )

    @property
    def _engine(self) -> Engine:
        """The engine, once the tables are there."""
        if not self._is_ready:
            ensure_schema(self._database)
            self._is_ready = True
        return self._database


def _columns(progress: ReplayProgress) -> dict[str, Any]:
    return {
        "cursor_at": progress.cursor_at,
        "cursor_id": progress.cursor_id,
        "total": progress.total,
        "seen": progress.seen,
        "sent": progress.sent,
        "note": progress.note[:_MOST_NOTE],
    }


def _conditions(filters: ReplayFilter, now: float) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.bus is not None:
        found.append(_REPLAYS.bus == filters.bus)
    if filters.since is not None:
        found.append(_REPLAYS.started_at >= filters.since)
    if filters.ended_before is not None:
        found.append(and_(_REPLAYS.ended_at > 0, _REPLAYS.ended_at < filters.ended_before))
    if filters.states is not None:
        found.append(or_(*(_stands(state, now) for state in filters.states)))
    return found


def _stands(state: ReplayState, now: float) -> ColumnElement[bool]:
    """Return the condition that `StoredReplay.state_at` tells this state."""
    is_running = _REPLAYS.state == ReplayState.RUNNING.value
    if state is ReplayState.RUNNING:
        return and_(is_running, _REPLAYS.updated_at >= now - PATIENCE)
    if state is ReplayState.INTERRUPTED:
        silent = and_(is_running, _REPLAYS.updated_at < now - PATIENCE)
        return or_(_REPLAYS.state == state.value, silent)
    return _REPLAYS.state == state.value


def _replay_of(row: Row[Any]) -> StoredReplay:
    progress = ReplayProgress(row.cursor_at, row.cursor_id, row.total, row.seen, row.sent, row.note)
    return StoredReplay(
        name=row.name,
        bus=row.bus,
        arguments=json.loads(row.arguments),
        state=ReplayState(row.state),
        owner=row.owner,
        started_by=row.started_by,
        progress=progress,
        started_at=row.started_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
    )
