"""The way of an order from the web to both integrations, in memory: no server, no waiting."""

from pathlib import Path

from django.core import mail
from django.core.management import call_command
from django.test import Client

from eventflow.testing import MemoryBus
from shop.models import Order


def place_order(client: Client) -> Order:
    """Order over HTTP, and have the relay publish what the outbox holds."""
    order = {"email": "ada@example.org", "product": "bell", "quantity": 2}
    number = client.post("/orders", order, content_type="application/json").json()["order"]
    call_command("eventflow_relay", "--once")
    return Order.objects.get(pk=number)


def test_both_integrations_hear_of_an_order(
    client: Client, eventflow_bus: MemoryBus, warehouse: Path
) -> None:
    """One order is one packing slip and one mail."""
    order = place_order(client)
    [event] = eventflow_bus.published()
    eventflow_bus.assert_routed(event, to={"warehouse", "mailer"})

    eventflow_bus.deliver_all()

    assert [slip.name for slip in warehouse.iterdir()] == [f"order-{order.pk}.json"]
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]
    assert "2 x bell: 24.00" in mail.outbox[0].body
    order.refresh_from_db()
    assert order.status == "packed"


def test_a_warehouse_that_fails_keeps_no_mail_waiting(
    client: Client, eventflow_bus: MemoryBus
) -> None:
    """While the warehouse is tried again the mail is gone already; later the order is packed."""
    eventflow_bus.fail("warehouse", times=3, error=ConnectionError("it does not answer"))
    order = place_order(client)

    eventflow_bus.deliver_all()

    order.refresh_from_db()
    assert (order.status, len(mail.outbox)) == ("placed", 1)

    eventflow_bus.advance("5m")

    order.refresh_from_db()
    assert (order.status, len(mail.outbox)) == ("packed", 1)
    outcomes = [attempt.outcome for attempt in eventflow_bus.attempts("warehouse")]
    assert outcomes == ["retry", "retry", "retry", "done"]
