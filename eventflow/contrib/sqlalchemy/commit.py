"""Without an outbox: what is published waits for the session's commit, and is gone with a rollback."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event as hooks
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.util import await_only

from eventflow.app import EventFlow
from eventflow.contrib.sqlalchemy.sessions import AnySession, async_session_of, session_of
from eventflow.encoding import decode_event
from eventflow.events import Event
from eventflow.publishing import Publishable, with_envelope

__all__ = ["publish_after_commit", "publish_many_after_commit"]

_KEY = "eventflow"  # in the session's `info`


def publish_after_commit(
    flow: EventFlow,
    session: AnySession,
    event: Publishable,
    **envelope: Any,  # a field's own type, checked by pydantic
) -> Event[Any]:
    """Publish one event, if and when the session's transaction commits.

    A crash between the commit and the publishing loses the event; an `Outbox` does not.

    Args:
        flow: Publishes it.
        session: Its transaction is begun if none is. A rollback, to a savepoint too, takes the
            event along. With an `AsyncSession` the commit awaits the publishing.
        event: An `EventModel`, or an `Event`; checked now, so that a mistake is the caller's.
        envelope: For a model: fields of the envelope, such as `id`, `subject` or `bus`.

    Returns:
        The event, with its id and time.

    Raises:
        EventError: When it cannot be published as it is.
        PublishError: When the ledger cannot be reached: raised by `commit()`, whose transaction is
            committed then.
    """
    [published] = publish_many_after_commit(flow, session, [with_envelope(event, envelope)])
    return published


def publish_many_after_commit(
    flow: EventFlow, session: AnySession, events: Sequence[Publishable]
) -> list[Event[Any]]:
    """Publish events, as `publish_after_commit` does one; all are checked before.

    Returns:
        The events, in order.

    Raises:
        EventError: When one cannot be published as it is; then none is.
        PublishError: As for `publish_after_commit`.
    """
    is_async = isinstance(session, AsyncSession | async_scoped_session)
    if isinstance(session, AsyncSession | async_scoped_session):
        found = async_session_of(session).sync_session
    else:
        found = session_of(session)
    prepared = flow.prepare(events)
    if prepared:
        if not found.in_transaction():
            found.begin()
        # Copies as they are now: the publisher may change its data before the commit.
        copies = [decode_event(body) for _, body in prepared]
        _pending_of(found).add(found, _Sending(flow, copies, is_async))
    return [event for event, _ in prepared]


@dataclass(frozen=True, slots=True)
class _Sending:
    """Events that wait for a commit.

    Attributes:
        flow: Publishes them.
        events: What was published.
        is_async: Whether the commit is awaited in an event loop, which must not be blocked.
    """

    flow: EventFlow
    events: list[Event[Any]]
    is_async: bool

    def send(self) -> None:
        """Publish them."""
        if self.is_async:
            await_only(self.flow.apublish_many(self.events))
        else:
            self.flow.publish_many(self.events)


@dataclass(slots=True)
class _Pending:
    """What a session is to publish, by the transaction or savepoint that it depends on."""

    waiting: dict[SessionTransaction, list[_Sending]] = field(default_factory=dict)
    committed: set[SessionTransaction] = field(default_factory=set)

    def add(self, session: Session, sending: _Sending) -> None:
        """Have it wait for the innermost savepoint, else for the transaction."""
        self.waiting.setdefault(_innermost(session), []).append(sending)

    def note_commit(self, session: Session) -> None:
        """Remember what is being committed: savepoints are told of as well as transactions."""
        if self.waiting:
            self.committed.add(_innermost(session))

    def end(self, transaction: SessionTransaction) -> None:
        """Send what waited for it, hand it on to what is around it, or forget it."""
        is_committed = transaction in self.committed
        self.committed.discard(transaction)
        sendings = self.waiting.pop(transaction, [])
        if not is_committed or not sendings:
            return
        around = transaction.parent
        while around is not None and around.parent is not None and not around.nested:
            around = around.parent
        if around is not None:
            self.waiting.setdefault(around, []).extend(sendings)
            return
        for sending in _joined(sendings):
            sending.send()


def _innermost(session: Session) -> SessionTransaction:
    transaction = session.get_nested_transaction() or session.get_transaction()
    assert transaction is not None
    return transaction


def _joined(sendings: Sequence[_Sending]) -> list[_Sending]:
    """Make one of those that follow each other and have one flow: one call, one deadline."""
    joined: list[_Sending] = []
    for sending in sendings:
        last = joined[-1] if joined else None
        if last is not None and (last.flow, last.is_async) == (sending.flow, sending.is_async):
            last.events.extend(sending.events)
        else:
            joined.append(sending)
    return joined


def _pending_of(session: Session) -> _Pending:
    known = session.info.get(_KEY)
    if isinstance(known, _Pending):
        return known
    pending = session.info[_KEY] = _Pending()

    # On this session alone: what others do costs nothing.
    @hooks.listens_for(session, "after_commit")
    def _committed(_session: Session) -> None:
        pending.note_commit(_session)

    @hooks.listens_for(session, "after_transaction_end")
    def _ended(_session: Session, transaction: SessionTransaction) -> None:
        pending.end(transaction)

    return pending
