"""The outbox as a publisher sees it: events are rows of the session's transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, MetaData, Table, insert

from eventflow.app import EventFlow
from eventflow.contrib.sqlalchemy.sessions import (
    AnyAsyncSession,
    AnySyncSession,
    async_session_of,
    session_of,
)
from eventflow.events import Event
from eventflow.publishing import Publishable, Relay, relay_policy, with_envelope
from eventflow.publishing.sql import SqlOutbox, outbox_table, rows_of
from eventflow.publishing.sql.listening import NOTIFY, is_told

__all__ = ["Outbox"]


class Outbox:
    """Writes events into the transaction of a session; a relay publishes what is committed.

    Safe in threads; the sessions are the caller's.

    Args:
        flow: Checks the events.
        table: As `outbox_table` made it; the one named `eventflow_outbox` when missing.
        bind_arguments: For sessions that choose their database by what is asked of it: as
            `Session.execute` takes them.
    """

    def __init__(
        self,
        flow: EventFlow,
        table: Table | None = None,
        *,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self._flow = flow
        self._table = table if table is not None else outbox_table(MetaData())
        self._binding = dict(bind_arguments or {})

    @property
    def table(self) -> Table:
        """The table; its `metadata` makes it where no migration does."""
        return self._table

    def publish(
        self,
        session: AnySyncSession,
        event: Publishable,
        *,
        ordering_key: str | None = None,
        **envelope: Any,  # a field's own type, checked by pydantic
    ) -> Event[Any]:
        """Publish one event, if and when the session's transaction commits.

        Args:
            session: Its transaction is begun if none is. A rollback, to a savepoint too, takes the
                event along.
            event: An `EventModel`, or an `Event`; checked now, so that a mistake is the caller's.
            ordering_key: Events of one key are published in the order in which they were written;
                the subject when missing, and "" for no order.
            envelope: For a model: fields of the envelope, such as `id`, `subject` or `bus`.

        Returns:
            The event, with its id and time.

        Raises:
            EventError: When it cannot be published as it is.
        """
        [published] = self.publish_many(
            session, [with_envelope(event, envelope)], ordering_key=ordering_key
        )
        return published

    def publish_many(
        self,
        session: AnySyncSession,
        events: Sequence[Publishable],
        *,
        ordering_key: str | None = None,
    ) -> list[Event[Any]]:
        """Publish events, as `publish` does one; all are checked before the first is written.

        Returns:
            The events, in order.

        Raises:
            EventError: When one cannot be published as it is; then none is.
        """
        found = session_of(session)
        prepared = self._flow.prepare(events)
        if prepared:
            rows = rows_of(prepared, ordering_key)
            found.execute(insert(self._table), rows, bind_arguments=self._binding)
            if is_told(found.get_bind(clause=self._table, **self._binding).dialect):
                found.execute(NOTIFY, bind_arguments=self._arguments)
        return [event for event, _ in prepared]

    async def apublish(
        self,
        session: AnyAsyncSession,
        event: Publishable,
        *,
        ordering_key: str | None = None,
        **envelope: Any,  # a field's own type, checked by pydantic
    ) -> Event[Any]:
        """Do what `publish` does, in the transaction of an `AsyncSession`."""
        [published] = await self.apublish_many(
            session, [with_envelope(event, envelope)], ordering_key=ordering_key
        )
        return published

    async def apublish_many(
        self,
        session: AnyAsyncSession,
        events: Sequence[Publishable],
        *,
        ordering_key: str | None = None,
    ) -> list[Event[Any]]:
        """Do what `publish_many` does, in the transaction of an `AsyncSession`."""
        return await async_session_of(session).run_sync(
            self.publish_many, events, ordering_key=ordering_key
        )

    def relay(self, engine: Engine) -> Relay:
        """Return a relay of this outbox, for a process or a test of one's own.

        `relay(engine).drain()` publishes what is there; `eventflow outbox relay` is the command.

        Args:
            engine: The way to the database; a synchronous one.
        """
        rows = SqlOutbox(engine, self._table)
        return Relay(rows, self._flow.publish_many, relay_policy(self._flow.settings))

    @property
    def _arguments(self) -> dict[str, Any]:
        # The database of the table, whatever the statement itself would lead to.
        return {"clause": self._table, **self._binding}
