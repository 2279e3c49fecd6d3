"""Publishing in a session's transaction: with the outbox, and after the commit without one."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from eventflow import Event, EventFlow, EventModel
from eventflow.contrib.sqlalchemy import (
    Outbox,
    publish_after_commit,
    publish_many_after_commit,
)
from eventflow.errors import EventError, PublishError
from eventflow.testing import MemoryBus


class OrderPlaced(EventModel, source="shop.orders", type="OrderPlaced"):
    """An order was placed."""

    order_id: int


class Publish(Protocol):
    """Publishes in a session."""

    def __call__(self, session: Session, event: Event) -> Event: ...


def make(identity: str, **data: object) -> Event:
    """Return an event of this id."""
    return Event(id=identity, source="s", type="T", data=data)


@pytest.fixture(params=["outbox", "after commit"])
def publish(request: pytest.FixtureRequest, flow: EventFlow) -> Publish:
    """Each way to publish in turn."""
    if request.param == "outbox":
        return Outbox(flow).publish
    return lambda session, event: publish_after_commit(flow, session, event)


@pytest.fixture
def published(flow: EventFlow, engine: Engine, bus: MemoryBus) -> Callable[[], list[str]]:
    """What is published in the end: at the commit, or by a relay."""

    def find() -> list[str]:
        Outbox(flow).relay(engine).drain()
        return [event.id for event in bus.published()]

    return find


def test_it_waits_for_the_commit(publish, published, engine) -> None:
    """Nothing goes before the commit, and a second commit sends nothing again."""
    with Session(engine) as session:
        publish(session, make("e1"))
        assert [] == published()
        session.commit()
        assert ["e1"] == published()
        session.execute(text("SELECT 1"))
        session.commit()
    assert ["e1"] == published()


@pytest.mark.parametrize("end", [Session.rollback, Session.close, Session.reset])
def test_a_rollback_takes_its_events_along(publish, published, engine, end) -> None:
    """What was published before a rollback, or before the session was closed, never was."""
    with Session(engine) as session:
        publish(session, make("e1"))
        end(session)
        publish(session, make("e2"))
        session.commit()
    assert ["e2"] == published()


def test_savepoints(publish, published, engine) -> None:
    """A savepoint that is rolled back takes its events along, and all that was released in it."""
    with Session(engine) as session, session.begin():
        publish(session, make("before"))
        with session.begin_nested():
            publish(session, make("kept"))
        with session.begin_nested() as outer:
            publish(session, make("lost"))
            with session.begin_nested():
                publish(session, make("released, and lost"))
            outer.rollback()
        with suppress(ZeroDivisionError), session.begin_nested():
            publish(session, make("failed"))
            raise ZeroDivisionError
        publish(session, make("after"))
        assert [] == published()
    assert ["before", "kept", "after"] == published()


def test_a_commit_ends_open_savepoints(publish, published, engine) -> None:
    """`session.commit()` within a savepoint commits all."""
    with Session(engine) as session:
        session.begin_nested()
        publish(session, make("e1"))
        session.commit()
    assert ["e1"] == published()


def test_a_commit_that_fails_publishes_nothing(publish, published, engine) -> None:
    """When the database refuses the commit, its events never were."""
    with Session(engine) as session:
        session.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        session.execute(
            text("CREATE TABLE child (p INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
        )
        session.commit()
        session.execute(text("PRAGMA foreign_keys = ON"))
        session.commit()
    with engine.connect() as connection, Session(connection) as session:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.commit()
        session.execute(text("INSERT INTO child VALUES (7)"))
        publish(session, make("e1"))
        with pytest.raises(Exception, match="FOREIGN KEY"):
            session.commit()
        session.rollback()
    assert [] == published()


def test_a_scoped_session(publish, published, engine) -> None:
    """The registry of a session serves as well: Flask-SQLAlchemy's `db.session` is one."""
    registry = scoped_session(sessionmaker(engine))
    publish(registry, make("e1"))
    registry.commit()
    registry.remove()
    assert ["e1"] == published()


def test_an_invalid_event_is_the_callers_own_mistake(publish, published, engine) -> None:
    """It is refused where it is published, and the transaction is as it was."""
    with Session(engine) as session:
        publish(session, make("e1"))
        with pytest.raises(EventError, match=r"data\.x"):
            publish(session, make("e2", x=float("nan")))
        session.commit()
    assert ["e1"] == published()


def test_what_is_published_is_as_it_was_then(publish, published, engine, bus) -> None:
    """Changing the data afterwards changes no event."""
    event = make("e1", items=[1])
    with Session(engine) as session:
        publish(session, event)
        event.data["items"].append(2)
        session.commit()
    assert ["e1"] == published()
    assert {"items": [1]} == bus.published()[0].data


def test_a_row_says_what_its_event_is(flow: EventFlow, engine: Engine) -> None:
    """With the outbox no ledger is needed; the key is the subject, unless another is given."""
    outbox = Outbox(flow)
    with Session(engine) as session:
        outbox.publish(session, OrderPlaced(order_id=1), id="o1", subject="S")
        outbox.publish(session, OrderPlaced(order_id=2), subject="S", ordering_key="K")
        outbox.publish_many(session, [])
        session.commit()
        rows = session.execute(select(outbox.table).order_by(outbox.table.c.id)).all()
    assert ["S", "K"] == [row.ordering_key for row in rows]
    first = rows[0]
    assert ("o1", "default", "shop.orders", "OrderPlaced") == (
        *(first.event_id, first.bus, first.source, first.type),
    )
    assert ("waiting", 0, "") == (first.state, first.attempts, first.failure)


def test_without_a_ledger_the_caller_is_told(flow: EventFlow, engine: Engine) -> None:
    """The commit raises, its rows are committed, and the session goes on."""
    with Session(engine) as session:
        session.execute(text("CREATE TABLE orders (id INTEGER)"))
        publish_many_after_commit(flow, session, [make("e1")])
        with pytest.raises(PublishError, match="1 of 1 events could not be published"):
            session.commit()
        assert [] == session.execute(text("SELECT * FROM orders")).all()
        session.commit()


def test_the_end_of_a_block_raises_too(flow: EventFlow, engine: Engine) -> None:
    """`with session.begin():` raises what the commit did, and the rows are committed."""

    def place(session: Session) -> None:
        with session.begin():
            session.execute(text("CREATE TABLE orders (id INTEGER)"))
            publish_after_commit(flow, session, make("e1"))

    with Session(engine) as session:
        with pytest.raises(PublishError, match="1 of 1 events could not be published"):
            place(session)
        assert [] == session.execute(text("SELECT * FROM orders")).all()


def test_async_sessions(flow: EventFlow, engine: Engine, bus: MemoryBus) -> None:
    """Both ways do the same in an AsyncSession, and in the registry of one."""
    outbox = Outbox(flow)

    async def scene() -> None:
        url = engine.url.set(drivername="sqlite+aiosqlite")
        other = create_async_engine(url)
        async with AsyncSession(other) as session, session.begin():
            await outbox.apublish(session, OrderPlaced(order_id=1), id="o1")
            publish_after_commit(flow, session, make("e1"))
            savepoint = await session.begin_nested()
            await outbox.apublish_many(session, [make("lost")])
            publish_after_commit(flow, session, make("lost too"))
            await savepoint.rollback()
            assert [] == bus.published()
        registry = async_scoped_session(async_sessionmaker(other), asyncio.current_task)
        publish_after_commit(flow, registry, make("e2"))
        await registry.commit()
        await registry.remove()
        await other.dispose()

    asyncio.run(scene())
    assert ["e1", "e2"] == [event.id for event in bus.published()]
    outbox.relay(engine).drain()
    assert ["e1", "e2", "o1"] == [event.id for event in bus.published()]


def test_an_async_commit_does_not_block_the_loop(flow: EventFlow, engine: Engine) -> None:
    """While the ledger does not answer, others of the loop go on; then the commit raises."""

    async def scene() -> list[str]:
        seen: list[str] = []
        other = create_async_engine(engine.url.set(drivername="sqlite+aiosqlite"))

        async def meanwhile() -> None:
            await asyncio.sleep(0)
            seen.append("meanwhile")

        async with AsyncSession(other) as session:
            publish_after_commit(flow, session, make("e1"))
            task = asyncio.create_task(meanwhile())
            with pytest.raises(PublishError):
                await session.commit()
            seen.append("raised")
            await task
        await other.dispose()
        return seen

    assert ["meanwhile", "raised"] == asyncio.run(scene())


def test_the_wrong_kind_of_session_is_said(flow: EventFlow) -> None:
    """Each message says what to write."""
    engine = create_engine("sqlite://")
    outbox = Outbox(flow)
    with pytest.raises(TypeError, match=r"write `await outbox\.apublish"):
        outbox.publish(AsyncSession(), make("e"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a session of SQLAlchemy is needed, not Engine"):
        outbox.publish(engine, make("e"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"write `outbox\.publish"):
        asyncio.run(outbox.apublish(Session(), make("e")))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an AsyncSession of SQLAlchemy is needed, not Engine"):
        asyncio.run(outbox.apublish(engine, make("e")))  # type: ignore[arg-type]
