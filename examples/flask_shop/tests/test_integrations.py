"""The way of an order from the web to both integrations, in memory: no server, no waiting."""

from pathlib import Path

from flask import Flask

from eventflow.testing import MemoryBus
from shop.database import engine
from shop.orders import events


def place_order(app: Flask) -> int:
    """Order over HTTP, and have a relay publish what the outbox holds."""
    order = {"email": "ada@example.org", "product": "bell", "quantity": 2}
    number: int = app.test_client().post("/orders", json=order).get_json()["order"]
    with app.app_context():
        events.outbox.relay(engine).drain()
    return number


def status_of(app: Flask, number: int) -> str:
    """Return how an order stands."""
    return str(app.test_client().get(f"/orders/{number}").get_json()["status"])


def test_both_integrations_hear_of_an_order(
    app: Flask, eventflow_bus: MemoryBus, folder: Path
) -> None:
    """One order is one packing slip and one mail."""
    number = place_order(app)
    [event] = eventflow_bus.published()
    eventflow_bus.assert_routed(event, to={"warehouse", "mailer"})

    eventflow_bus.deliver_all()

    assert (folder / "warehouse" / f"order-{number}.json").exists()
    assert "2 x bell: 24.00" in (folder / "mails" / f"order-{number}.eml").read_text()
    assert status_of(app, number) == "packed"


def test_a_warehouse_that_fails_keeps_no_mail_waiting(
    app: Flask, eventflow_bus: MemoryBus, folder: Path
) -> None:
    """While the warehouse is tried again the mail is gone already; later the order is packed."""
    eventflow_bus.fail("warehouse", times=3, error=ConnectionError("it does not answer"))
    number = place_order(app)

    eventflow_bus.deliver_all()

    assert status_of(app, number) == "placed"
    assert (folder / "mails" / f"order-{number}.eml").exists()

    eventflow_bus.advance("5m")

    assert status_of(app, number) == "packed"
    outcomes = [attempt.outcome for attempt in eventflow_bus.attempts("warehouse")]
    assert outcomes == ["retry", "retry", "retry", "done"]
