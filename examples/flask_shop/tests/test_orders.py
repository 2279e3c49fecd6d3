"""What the web takes, and what it publishes."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from eventflow.contrib.sqlalchemy import outbox_table
from shop.database import Base, Order, Session
from shop.events import OrderPlaced
from shop.orders import events

ORDER = {"email": "ada@example.org", "product": "bell", "quantity": 2}


def count_rows() -> tuple[int, int]:
    """Count the orders, and the events in the outbox."""
    outbox = outbox_table(Base.metadata)
    with Session.session_factory() as session:
        orders = session.scalar(select(func.count()).select_from(Order))
        return orders or 0, session.scalar(select(func.count()).select_from(outbox)) or 0


def test_an_order_is_saved_and_told(client: FlaskClient) -> None:
    """An order is a row, and one event in the outbox."""
    answer = client.post("/orders", json=ORDER)

    assert answer.status_code == 201
    assert answer.json == {"order": 1, "total_cents": 2400, "status": "placed"}
    assert count_rows() == (1, 1)


def test_an_order_that_cannot_be_is_no_event(client: FlaskClient) -> None:
    """What the form refuses is neither saved nor told."""
    answer = client.post("/orders", json={**ORDER, "quantity": 0})

    assert answer.status_code == 422
    assert [error["loc"] for error in answer.get_json()["errors"]] == [["quantity"]]
    assert count_rows() == (0, 0)


def test_a_failure_after_the_event_takes_it_back(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the transaction fails after the event was written, neither is there."""
    publish = events.publish

    def publish_and_fail(event: OrderPlaced, **envelope: Any) -> None:
        publish(event, **envelope)
        message = "the disk is full"
        raise OSError(message)

    monkeypatch.setattr(events, "publish", publish_and_fail)
    assert client.post("/orders", json=ORDER).status_code == 500

    assert count_rows() == (0, 0)


def test_an_order_is_shown(client: FlaskClient) -> None:
    """An order is shown by its number; one that is not there is not found."""
    number = client.post("/orders", json=ORDER).get_json()["order"]

    assert client.get(f"/orders/{number}").get_json()["status"] == "placed"
    assert client.get(f"/orders/{number + 1}").status_code == 404
