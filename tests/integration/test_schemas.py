"""Schemas where events are written and where they are routed, on a real server."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.schemas import EventModel
from eventflow.settings import Settings
from eventflow.worker.route import route_events

RULES = (
    'targets: {all: {task: t}}\nrules: {all: {pattern: {source: [{prefix: ""}]}, targets: [all]}}'
)
SCHEMA = {"properties": {"price": {"type": "integer", "minimum": 1}}, "required": ["price"]}
GOOD: dict[str, Any] = {"price": 5}
BAD: dict[str, Any] = {"price": "secret"}


class Sold(EventModel, source="shop", type="Sold"):
    """A typed event that allows more than its schema does."""

    price: int


class Unwritten(EventModel, source="shop", type="Unwritten"):
    """A typed event without a schema file."""

    price: int
    note: str = ""


MakeFlow = Callable[..., EventFlow]


@pytest.fixture
def make_flow(server_settings: Settings, client: redis.Redis, tmp_path: Path) -> MakeFlow:
    """Return a function that makes an EventFlow with one schema and a policy, or without any."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "all.yaml").write_text(RULES)
    root = tmp_path / "schemas"
    (root / "shop" / "Sold").mkdir(parents=True)
    (root / "shop" / "Sold" / "1.0.json").write_text(json.dumps(SCHEMA))

    def make(policy: str = "", *, checked: bool = True) -> EventFlow:
        (root / "repository.yaml").write_text(policy)
        place = root if checked else tmp_path / "none"
        return EventFlow(server_settings.with_changes(schemas=place, rules=rules))

    return make


def events_in(client: redis.Redis) -> int:
    """Count the events in the ledger."""
    return len(list(client.scan_iter("eventflow:*:body:*")))


def sold(data: dict[str, Any], **envelope: Any) -> Event[Any]:
    """Make an event."""
    return Event[Any](source="shop", type="Sold", data=data, **envelope)


def test_publish_refuses_what_does_not_fit(make_flow: MakeFlow, client: redis.Redis) -> None:
    """Every fault is told with its path, and the ledger never hears of the event."""
    flow = make_flow()
    with pytest.raises(EventError) as caught:
        flow.publish(sold(BAD))
    assert "data.price: must be an integer; it is a string of 6 characters" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(EventError, match=r"data\.price: must be 1 or more"):
        flow.publish(Sold(price=0))
    assert events_in(client) == 0
    flow.publish(sold(GOOD))
    assert events_in(client) == 1


@pytest.mark.parametrize(("first", "place"), [(BAD, 1), (GOOD, 2)])
def test_of_many_all_or_none(
    make_flow: MakeFlow, client: redis.Redis, first: dict[str, Any], place: int
) -> None:
    """The event of the list that does not fit is named, and none is published."""
    with pytest.raises(EventError, match=f"^event {place} of the list: event 'Sold' of 'shop'"):
        make_flow().publish_many([sold(first), sold(BAD), sold(GOOD)])
    assert events_in(client) == 0


def test_a_model_that_was_changed(make_flow: MakeFlow, client: redis.Redis) -> None:
    """Without a file the model is the schema, of what it holds when it is published."""
    flow = make_flow("unknown: refuse")
    model = Unwritten(price=5)
    flow.publish(model)
    model.price = "secret"  # type: ignore[assignment]
    with pytest.raises(EventError) as caught:
        flow.publish(model)
    assert "this Unwritten does not fit its own model" in str(caught.value)
    assert "data.price: Input should be a valid integer" in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(EventError, match="event 'Other' of 'shop' has no schema"):
        flow.publish(Event(source="shop", type="Other", data={}))
    assert events_in(client) == 1


def route(flow: EventFlow, *event_ids: str) -> dict[str, int | str]:
    """Route events as a router's task does."""
    context = flow.celery.eventflow_context
    return route_events(context, "default", event_ids)


@pytest.mark.parametrize("policy", ["", "validation: warn", "validation: off"])
def test_what_came_in_from_outside(
    make_flow: MakeFlow, policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A router lets nothing by that does not fit: a dead letter, a warning, or nothing, by mode."""
    make_flow(checked=False).publish_many([sold(BAD, id="bad"), sold(GOOD, id="good")])
    flow = make_flow(policy)
    with caplog.at_level(logging.WARNING):
        counts = route(flow, "bad", "good")
    letters = flow.celery.eventflow_context.ledgers.of("default").letters(["bad:eventflow.route"])
    actions = [record.__dict__.get("action") for record in caplog.records]
    if policy:
        assert counts == {"events": 2, "deliveries": 2, "dead_letters": 0}
        assert actions == (["schema_mismatch"] if "warn" in policy else [])
        return
    assert counts == {"events": 2, "deliveries": 1, "dead_letters": 1}
    assert actions == ["event_dead"]
    letter = json.loads(letters[0][1])
    assert (letter["reason"], letter["target"], letter["error_type"]) == (
        "schema",
        "",
        "EventError",
    )
    assert letter["event"]["detail"] == BAD
    assert "data.price: must be an integer; it is a string of 6 characters;" in letter["error"]
    assert letter["traceback"] == ""


def test_an_unknown_event_from_outside(make_flow: MakeFlow) -> None:
    """Where a bus refuses what has no schema, a router does so as well."""
    make_flow(checked=False).publish(Event(id="x", source="shop", type="Other", data={}))
    assert route(make_flow("unknown: refuse"), "x")["dead_letters"] == 1
