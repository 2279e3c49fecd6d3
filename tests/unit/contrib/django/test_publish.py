"""`publish()` and transactions, and what a test captures of them."""

import asyncio
import json
from contextlib import suppress

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, transaction
from django.test import AsyncClient, Client, TestCase, TransactionTestCase, override_settings

from eventflow.contrib.django import apublish, publish, publish_many
from eventflow.contrib.django.models import OutboxEvent
from eventflow.contrib.django.testing import captured_events
from eventflow.errors import EventError, PublishError, SettingsError
from eventflow.events import Event
from tests.django_shop.databases import further_database
from tests.django_shop.models import Order

NOWHERE = {"REDIS_URL": "redis://127.0.0.1:1/0", "PUBLISH_DEADLINE": "200ms"}


def make(identity: str, **data: object) -> Event:
    """Return an event of this id."""
    return Event(id=identity, source="s", type="T", data=dict(data))


def ids(events: list[Event]) -> list[str]:
    """Return the events' ids, in order."""
    return [event.id for event in events]


@pytest.fixture(params=[False, True], ids=["on commit", "outbox"])
def outbox(request: pytest.FixtureRequest) -> bool:
    """Both ways of publishing."""
    return bool(request.param)


def test_outside_of_a_transaction_it_is_published_at_once(outbox: bool) -> None:
    """There is nothing to wait for."""
    with captured_events() as events:
        publish(make("e1"), outbox=outbox)
        assert ["e1"] == ids(events)


def test_it_waits_for_the_commit(outbox: bool) -> None:
    """Inside of blocks nothing goes before the outermost one has ended."""
    with captured_events() as events:
        with transaction.atomic():
            with transaction.atomic():
                publish(make("e1"), outbox=outbox)
            assert [] == events
        assert ["e1"] == ids(events)


def test_a_rollback_takes_its_events_along(outbox: bool) -> None:
    """What was published in a block that is rolled back never was; what is around it stays."""
    with captured_events() as events:
        with transaction.atomic():
            publish(make("before"), outbox=outbox)
            with transaction.atomic():
                publish(make("within"), outbox=outbox)
                transaction.set_rollback(True)
            publish(make("after"), outbox=outbox)
        with suppress(ZeroDivisionError), transaction.atomic():
            publish(make("later"), outbox=outbox)
            raise ZeroDivisionError
    assert ["before", "after"] == ids(events)
    rows = list(OutboxEvent.objects.order_by("pk").values_list("event_id", flat=True))
    assert rows == (["before", "after"] if outbox else [])


def test_an_invalid_event_is_the_requests_own_mistake(outbox: bool) -> None:
    """It is refused where it is published, not at the commit; nothing of its list goes."""
    with captured_events() as events, pytest.raises(EventError, match=r"data\.x"):
        publish_many([make("e1"), make("e2", x=float("nan"))], outbox=outbox)
    assert [] == events
    assert not OutboxEvent.objects.exists()


def test_what_is_published_is_as_it_was_then(outbox: bool) -> None:
    """Changing the data afterwards changes no event."""
    event = make("e1", items=[1])
    with captured_events() as events, transaction.atomic():
        publish(event, outbox=outbox)
        event.data["items"].append(2)
    assert [{"items": [1]}] == [event.data for event in events]


@override_settings(EVENTFLOW=NOWHERE)
def test_without_a_ledger_the_caller_is_told() -> None:
    """The end of the block raises: the row is committed, and the event is not published."""

    @transaction.atomic
    def place() -> None:
        Order.objects.create(customer="c", number=1)
        publish(make("e1"))

    with pytest.raises(PublishError, match="1 of 1 events could not be published"):
        place()
    assert 1 == Order.objects.count()


@override_settings(EVENTFLOW={**NOWHERE, "OUTBOX": True})
def test_the_outbox_needs_no_ledger() -> None:
    """With the outbox, the row is all that is needed; it says what the event is, and its key."""
    with transaction.atomic():
        publish(make("e1", door=7), ordering_key="P7")
    row = OutboxEvent.objects.get()
    assert ("e1", "default", "s", "T", "P7", "waiting", 0) == (
        *(row.event_id, row.bus, row.source, row.type),
        *(row.ordering_key, row.state, row.attempts),
    )
    assert {"door": 7} == json.loads(row.body)["detail"]
    assert "T e1" == str(row)


def test_an_envelope_is_given_to_a_model() -> None:
    """As with `flow.publish`: a model takes it, an Event has its own."""
    from tests.django_shop.views import OrderPlaced

    with captured_events() as events:
        publish(OrderPlaced(order_id=1, number=2), id="o1", subject="S", outbox=True)
        with pytest.raises(TypeError, match="an Event has its envelope"):
            publish(make("e"), subject="x")
    assert [("o1", "S")] == [(event.id, event.subject) for event in events]
    assert "S" == OutboxEvent.objects.get().ordering_key


def test_an_empty_list_is_nothing(outbox: bool) -> None:
    """It is published without a word."""
    assert [] == publish_many([], outbox=outbox)


def test_the_app_must_be_installed() -> None:
    """Where it is not, the error says what to add."""
    with (
        override_settings(INSTALLED_APPS=[]),
        pytest.raises(SettingsError, match="add it to INSTALLED_APPS"),
    ):
        publish(make("e1"))


def test_async_code_is_told_to_await() -> None:
    """publish() would block the event loop, and says what to write."""

    async def view() -> None:
        publish(make("e1"))

    with pytest.raises(SynchronousOnlyOperation, match="await apublish"):
        asyncio.run(view())


def test_async_code_publishes() -> None:
    """`await apublish(…)` does what publish() does, also in a view."""

    async def scene() -> None:
        await apublish(make("e1"))
        answer = await AsyncClient().post("/async-orders", {"customer": "c", "number": 1})
        assert 200 == answer.status_code

    with captured_events() as events:
        async_to_sync(scene)()  # as Django does it: the database's calls come to this thread
    assert ["e1", "c-1"] == ids(events)


def test_the_database_may_be_another(outbox: bool) -> None:
    """With `using`, that database's transaction counts, and has the row."""
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    with further_database("second", **sqlite) as alias, captured_events() as events:
        with transaction.atomic(), transaction.atomic(using=alias):
            publish(make("lost"), using=alias, outbox=outbox)
            transaction.set_rollback(True, using=alias)
        with transaction.atomic():
            with transaction.atomic(using=alias):
                publish(make("e1"), using=alias, outbox=outbox)
            assert ["e1"] == ids(events)
        assert int(outbox) == OutboxEvent.objects.using(alias).count()
    assert ["e1"] == ids(events)
    assert not OutboxEvent.objects.exists()


def test_an_inner_capture_takes_from_an_outer_one() -> None:
    """Each event is captured once."""
    with captured_events() as outer:
        publish(make("e1"))
        with captured_events() as inner:
            publish(make("e2"))
    assert (["e1"], ["e2"]) == (ids(outer), ids(inner))


class InATestCase(TestCase):
    """A test case whose transaction never commits."""

    def test_a_view(self) -> None:
        """What a view publishes is captured as if it had committed; what it rolls back is not."""
        with captured_events() as events:
            self.client.post("/orders", {"customer": "c", "number": "1"})
            self.client.post("/orders", {"customer": "c", "number": "2", "fail": "yes"})
            self.client.post("/orders", {"customer": "c", "number": "3"})
        assert ["c-1", "c-3"] == ids(events)
        assert {"order_id", "number"} == set(events[0].data)

    def test_captured_callbacks_count_once(self) -> None:
        """With Django's own captureOnCommitCallbacks in between, each event is there once."""
        with captured_events() as events:
            with self.captureOnCommitCallbacks(execute=True) as callbacks:
                publish(make("e1"))
            publish(make("e2"))
        assert ["e1", "e2"] == ids(events)
        assert 1 == len(callbacks)

    def test_what_was_published_before_is_not_captured(self) -> None:
        """Only what the block publishes counts."""
        with transaction.atomic():
            publish(make("e1"))
        with captured_events() as events:
            publish(make("e2"))
        assert ["e2"] == ids(events)

    def test_with_the_outbox(self) -> None:
        """The row is written, and the event captured."""
        with override_settings(EVENTFLOW={"OUTBOX": True}), captured_events() as events:
            self.client.post("/orders", {"customer": "c", "number": "1"})
        assert ["c-1"] == ids(events)
        assert 1 == OutboxEvent.objects.count()


class WithoutATransaction(TransactionTestCase):
    """A test case that really commits."""

    available_apps = None

    def _fixture_teardown(self) -> None:
        """Leave the removal of rows to the fixture: a flush would go beyond this suite's tables."""

    def test_a_view(self) -> None:
        """It is captured when it commits."""
        with captured_events() as events:
            Client().post("/orders", {"customer": "c", "number": "1"})
            assert ["c-1"] == ids(events)
        assert not connection.in_atomic_block
