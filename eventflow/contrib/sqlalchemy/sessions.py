"""The session behind what an application calls its session."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, scoped_session

__all__ = ["AnyAsyncSession", "AnySession", "AnySyncSession", "async_session_of", "session_of"]

AnySyncSession = Session | scoped_session[Any]
AnyAsyncSession = AsyncSession | async_scoped_session[Any]
AnySession = AnySyncSession | AnyAsyncSession
"""A session, or the registry of one, such as Flask-SQLAlchemy's `db.session`."""


def session_of(session: AnySyncSession) -> Session:
    """Return the session of this thread or request.

    Raises:
        TypeError: When it is none, or an asynchronous one; it says what to write.
    """
    found = session() if isinstance(session, scoped_session) else session
    if isinstance(found, Session):
        return found
    if isinstance(found, AsyncSession | async_scoped_session):
        message = "this is an asynchronous session: write `await outbox.apublish(session, …)`"
        raise TypeError(message)
    message = f"a session of SQLAlchemy is needed, not {type(found).__name__}"
    raise TypeError(message)


def async_session_of(session: AnyAsyncSession) -> AsyncSession:
    """Return the session of this task.

    Raises:
        TypeError: When it is none, or a synchronous one; it says what to write.
    """
    found = session() if isinstance(session, async_scoped_session) else session
    if isinstance(found, AsyncSession):
        return found
    if isinstance(found, Session | scoped_session):
        message = "this session is not asynchronous: write `outbox.publish(session, …)`"
        raise TypeError(message)
    message = f"an AsyncSession of SQLAlchemy is needed, not {type(found).__name__}"
    raise TypeError(message)
