"""Publishing: what is accepted, what is refused, and what happens while parts are away."""

import logging
import time
from pathlib import Path

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.errors import EventError, PublishError
from eventflow.events import Event
from eventflow.schemas import EventModel
from eventflow.settings import Settings, load_settings
from tests.deployment import deployed
from tests.servers import require_broker


class Arrived(EventModel, source="courier.app", type="CourierArrived", version="1.2"):
    """A typed event."""

    parcel: int


@pytest.fixture
def flow(server_settings: Settings, client: redis.Redis) -> EventFlow:
    """An EventFlow on an empty server, with no worker."""
    return EventFlow(server_settings)


def bodies(client: redis.Redis) -> int:
    """Count the events in the ledger."""
    return len(list(client.scan_iter("eventflow:*:body:*")))


def test_a_model_becomes_an_event(flow: EventFlow, client: redis.Redis) -> None:
    """The class says source, type and schema; the call may add to the envelope."""
    event = flow.publish(Arrived(parcel=7), id="order-7", subject="P7", bus="parcels")
    assert ("order-7", "courier.app", "CourierArrived", "P7", "parcels") == (
        event.id,
        event.source,
        event.type,
        event.subject,
        event.bus,
    )
    assert event.dataschema == "courier.app/CourierArrived/1.2"
    body = client.get("eventflow:{parcels}:body:order-7")
    assert isinstance(body, bytes)
    assert b'"parcel":7' in body


def test_many_are_checked_before_the_first_goes(flow: EventFlow, client: redis.Redis) -> None:
    """One bad event in a list: it is named, and none is published."""
    good = Event(source="s", type="T", data={})
    bad = Event(source="s", type="T", data={"x": float("nan")})
    with pytest.raises(EventError, match=r"data\.x: event 2 of the list: is nan"):
        flow.publish_many([good, bad])
    assert bodies(client) == 0


@pytest.mark.parametrize("thing", [None, 5, "event", [1]])
def test_only_events_can_be_published(flow: EventFlow, thing: object) -> None:
    """Anything else is refused, and what it is is said."""
    with pytest.raises(EventError, match="only an Event or an EventModel can be published"):
        flow.publish(thing)  # type: ignore[arg-type]


def test_an_envelope_cannot_be_changed_in_passing(flow: EventFlow) -> None:
    """An Event has its envelope already."""
    with pytest.raises(TypeError, match="an Event has its envelope; set subject"):
        flow.publish(Event(source="s", type="T", data={}), subject="x")


def test_many_are_one_call(any_broker: str, tmp_path: Path) -> None:
    """A long list is one message, which has all of them routed; an empty one is none."""
    with deployed(tmp_path, project="", rules="{}", broker=any_broker) as deployment:
        flow = deployment.flow
        assert flow.publish_many([]) == []
        assert deployment.depth("eventflow.route") == 0
        flow.publish_many([Event(source="s", type="T", data={}) for _ in range(100)])
        assert deployment.depth("eventflow.route") == 1
        assert bodies(deployment.client()) == 100


def test_a_call_that_nobody_takes_is_made_again(any_broker: str, tmp_path: Path) -> None:
    """While a message is on its way no other one is sent, for a second: then it may be lost."""
    with deployed(tmp_path, project="", rules="{}", broker=any_broker) as deployment:
        flow, client = deployment.flow, deployment.client()
        flow.publish(Event(source="s", type="T", data={}))
        client.hset("eventflow:{default}:counts:eventflow.route", "called", time.time() + 60)
        flow.publish(Event(source="s", type="T", data={}))
        assert deployment.depth("eventflow.route") == 1
        client.hset("eventflow:{default}:counts:eventflow.route", "called", time.time() - 2)
        flow.publish(Event(source="s", type="T", data={}))
        deployment.wait(lambda: deployment.depth("eventflow.route") == 2, "the second message")
        client.hdel("eventflow:{default}:counts:eventflow.route", "called")
        flow.publish(Event(source="s", type="T", data={}))
        deployment.wait(lambda: deployment.depth("eventflow.route") == 3, "the third message")


def test_without_a_ledger_it_raises_and_says_what_did_not_go() -> None:
    """A server that is not there: an error with the ids, the address, and what to do."""
    flow = EventFlow(load_settings(redis_url="redis://user:secret@127.0.0.1:1/0"))
    events = [Event(id=f"e{number}", source="s", type="T", data={}) for number in range(2)]
    with pytest.raises(PublishError, match="2 of 2 events could not be published") as caught:
        flow.publish_many(events)
    assert caught.value.rejected == ("e0", "e1")
    assert caught.value.accepted == ()
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_without_a_broker_the_event_is_safe(
    server_settings: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """The ledger has accepted it: publish() returns, and says that it waits."""
    settings = load_settings(
        broker_url="amqp://guest:secret@127.0.0.1:1//", redis_url=server_settings.ledger_url
    )
    flow = EventFlow(settings)
    with caplog.at_level(logging.WARNING):
        flow.publish(Event(source="s", type="T", data={}))
    assert bodies(client) == 1
    [record] = [record for record in caplog.records if record.name == "eventflow.publish"]
    assert "1 events are accepted and wait for the broker" in record.getMessage()
    assert "secret" not in record.getMessage()


def test_a_broker_that_goes_away_costs_no_event(tmp_path: Path) -> None:
    """With the ledger at hand, publish() returns; what waited is delivered when the broker is back."""
    require_broker("rabbitmq")  # on Redis the broker is the ledger
    project = """
        @flow.subscriber("audit")
        def audit(event: Event, delivery: Delivery):
            note(delivery)
    """
    rules = "{targets: {audit: {task: t}}, rules: {r: {pattern: {source: [s]}, targets: [audit]}}}"
    with deployed(tmp_path, project=project, rules=rules, broker="rabbitmq") as deployment:
        deployment.start("all", ["eventflow.route", "audit"])
        deployment.await_ready()
        deployment.stop_broker()
        deployment.flow.publish(Event(id="e1", source="s", type="T", data={}))
        deployment.start_broker()
        deployment.settle()
        assert ["e1:audit"] == [note["id"] for note in deployment.noted()]


def test_it_connects_when_first_used(tmp_path: Path) -> None:
    """Importing an app costs no connection, whatever is configured."""
    flow = EventFlow(load_settings(data_dir=tmp_path, rules=tmp_path / "none"))
    assert flow.celery.main == "eventflow"


def test_a_full_backlog_refuses_what_is_new(server_settings: Settings, client: redis.Redis) -> None:
    """As many events as may wait are accepted; the rest is named, and can be published again later."""
    flow = EventFlow(server_settings.with_changes(max_backlog=2))
    events = [Event(id=f"e{number}", source="s", type="T", data={}) for number in range(3)]
    with pytest.raises(
        PublishError, match="1 of 3 events could not be published: 2 events"
    ) as caught:
        flow.publish_many(events)
    assert (caught.value.accepted, caught.value.rejected) == (("e0", "e1"), ("e2",))
    assert "EVENTFLOW_MAX_BACKLOG" in str(caught.value)
    assert bodies(client) == 2
    flow.publish(events[0])  # it is known already: nothing more waits for it
    client.delete("eventflow:{default}:queued:eventflow.route")
    flow.publish(events[2])
    assert bodies(client) == 3
