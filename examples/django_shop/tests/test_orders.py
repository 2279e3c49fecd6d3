"""What the web takes, and what it publishes."""

from typing import Any

import pytest
from django.test import Client

from eventflow.contrib.django import publish
from eventflow.contrib.django.models import OutboxEvent
from eventflow.contrib.django.testing import captured_events
from shop.events import OrderPlaced
from shop.models import Order

ORDER = {"email": "ada@example.org", "product": "bell", "quantity": 2}


def test_an_order_is_saved_and_told(client: Client) -> None:
    """An order is a row and one event, which says what the row says."""
    with captured_events() as events:
        answer = client.post("/orders", ORDER, content_type="application/json")

    number = Order.objects.get().pk
    assert answer.status_code == 201
    assert answer.json() == {"order": number, "total_cents": 2400, "status": "placed"}
    assert [event.type for event in events] == ["OrderPlaced"]
    assert events[0].data == {**ORDER, "order_id": number, "total_cents": 2400}


def test_an_order_that_cannot_be_is_no_event(client: Client) -> None:
    """What the form refuses is neither saved nor told."""
    with captured_events() as events:
        answer = client.post("/orders", {**ORDER, "quantity": 0}, content_type="application/json")

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["quantity"]
    assert (events, Order.objects.count()) == ([], 0)


def test_a_failure_after_the_event_takes_it_back(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the transaction fails after the event was written, neither is there."""

    def publish_and_fail(event: OrderPlaced, **envelope: Any) -> None:
        publish(event, **envelope)
        assert OutboxEvent.objects.count() == 1
        message = "the disk is full"
        raise OSError(message)

    monkeypatch.setattr("shop.views.publish", publish_and_fail)
    with pytest.raises(OSError, match="the disk is full"):
        client.post("/orders", ORDER, content_type="application/json")

    assert (Order.objects.count(), OutboxEvent.objects.count()) == (0, 0)


def test_an_order_is_shown(client: Client) -> None:
    """An order is shown by its number; one that is not there is not found."""
    number = client.post("/orders", ORDER, content_type="application/json").json()["order"]

    assert client.get(f"/orders/{number}").json()["status"] == "placed"
    assert client.get(f"/orders/{number + 1}").status_code == 404
