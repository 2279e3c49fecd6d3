"""Each integration calls the outside world as it should; the answers steer the delivery."""

import asyncio
import json
from pathlib import Path
from typing import Any, Protocol

import pytest

from eventflow import Delivery, Event
from eventflow.errors import Refuse
from workers import audit, delivery_partner, device_vendor, events, notifications


class _Client(Protocol):
    url: str

    def ask(self, method: str, path: str) -> tuple[int, dict[str, Any]]: ...


_DELIVERY = Delivery(id="e1:target", target="target", attempt=2, last_attempt=False)


@pytest.fixture(autouse=True)
def _addresses(client: _Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The integrations reach the simulated world, and a file of the test's own."""
    monkeypatch.setenv("DEVICE_VENDOR_URL", f"{client.url}/vendor")
    monkeypatch.setenv("PARTNER_URL", f"{client.url}/partner")
    monkeypatch.setenv("NOTIFICATIONS_URL", f"{client.url}/messages")
    monkeypatch.setenv("AUDIT_FILE", str(tmp_path / "audit.jsonl"))


def _accepted(client: _Client) -> list[tuple[str, str]]:
    return [(entry["key"], entry["path"]) for entry in client.ask("GET", "/account")[1]["accepted"]]


def _arrival(door: str) -> Event[events.CourierArrived]:
    data = events.CourierArrived.model_validate(
        {
            "parcel": {"id": "EU-NB-1", "weight_kg": 1, "value": 0},
            "courier": {"id": "c", "partner": "Kwik", "network_address": "10.0.0.1"},
            "recipient": {"id": "p", "name": "Ada", "language": "en"},
            "door": {"id": door, "kind": "garage"},
        }
    )
    return Event[events.CourierArrived](source="courier.app", type="CourierArrived", data=data)


def test_unlock_calls_the_vendor_once_with_the_deliverys_id(client: _Client) -> None:
    """The door's address has the door, the call the delivery's id as its idempotency key."""
    device_vendor.unlock_door(_arrival("garage/1 ä"), _DELIVERY)

    assert _accepted(client) == [("e1:target", "/vendor/doors/garage%2F1%20%C3%A4/unlock")]


def test_unknown_door_is_refused(client: _Client) -> None:
    """A door that the vendor does not know will not be known at the next attempt either."""
    with pytest.raises(Refuse, match="404 Not Found"):
        device_vendor.unlock_door(_arrival("garage-404"), _DELIVERY)


def test_close_takes_the_door_alone(client: _Client) -> None:
    """The rule hands over the door, and that is what is closed."""
    device_vendor.close_door({"id": "gate-1", "kind": "gate"}, _DELIVERY)

    assert _accepted(client) == [("e1:target", "/vendor/doors/gate-1/close")]


def test_partner_hears_of_the_parcel(client: _Client) -> None:
    """The partner's address has the parcel's number and what happened."""
    event: Event[dict[str, Any]] = Event(
        source="s", type="ParcelLeft", data={"parcel": {"id": "EU-NB-1"}}
    )
    asyncio.run(delivery_partner.report_parcel(event, _DELIVERY))

    assert _accepted(client) == [("e1:target", "/partner/parcels/EU-NB-1/ParcelLeft")]


def test_message_goes_to_its_person(client: _Client) -> None:
    """A message goes to the address of whom it is for."""
    notifications.send_message({"to": "person-1", "text": "Hello"}, _DELIVERY)

    assert _accepted(client) == [("e1:target", "/messages/person-1")]


def test_message_that_fails_is_left_to_the_policy(client: _Client) -> None:
    """A failing message service is a plain error."""
    with pytest.raises(OSError, match="500"):
        notifications.send_message({"to": "person-500", "text": "Hello"}, _DELIVERY)


def test_audit_appends_one_line_an_event(tmp_path: Path) -> None:
    """Each event is a line that has the delivery's id and the whole event."""
    one: Event[dict[str, Any]] = Event(source="s", type="t", data={"n": 1})
    other: Event[dict[str, Any]] = Event(source="s", type="t", data={"text": "a\nb"})
    audit.keep(one, _DELIVERY)
    audit.keep(other, _DELIVERY)

    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == [one.to_eventbridge(), other.to_eventbridge()]
    assert {line["delivery"] for line in lines} == {"e1:target"}
