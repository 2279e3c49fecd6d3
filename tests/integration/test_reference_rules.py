"""The reference deployment's rules: faultless, complete, and sending each event where it belongs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from eventflow import Event, EventModel
from eventflow.cli.demo_day import make_day
from eventflow.events import validate_event
from eventflow.routing import plan
from eventflow.rules import load_rules
from workers import events

_RULES = Path(__file__).resolve().parents[2] / "rules"
_DOOR = events.Door(id="garage-1", kind="garage")
_PERSON = events.Recipient(id="person-1", name="Ada", language="en")
_PARCEL = events.Parcel(id="EU-KW-000001", weight_kg=1.2, value=20)
_NORTHBOUND = events.Parcel(id="EU-NB-000001", weight_kg=1.2, value=20)


def _courier(address: str = "10.20.3.7") -> events.Courier:
    return events.Courier.model_validate(
        {"id": "courier-1", "partner": "Kwik", "network_address": address}
    )


def _arrived(kind: str = "garage", address: str = "10.20.3.7") -> EventModel:
    door = events.Door.model_validate({"id": f"{kind}-1", "kind": kind})
    return events.CourierArrived(
        parcel=_PARCEL, courier=_courier(address), recipient=_PERSON, door=door
    )


def _left(parcel: events.Parcel = _PARCEL, photo: str | None = "proof/1.jpg") -> EventModel:
    return events.ParcelLeft(
        parcel=parcel, courier=_courier(), recipient=_PERSON, door=_DOOR, photo=photo
    )


def _delayed(minutes: int, parcel: events.Parcel, language: str = "en") -> EventModel:
    return events.ParcelDelayed(
        parcel=parcel,
        recipient=_PERSON.model_copy(update={"language": language}),
        minutes=minutes,
        expected_at=datetime(2026, 11, 23, 18, tzinfo=UTC),
        cause="weather",
    )


def _open(seconds: float) -> EventModel:
    return events.DoorLeftOpen(door=_DOOR, open_for_seconds=seconds, firmware="4.2.1")


def _paid(amount: float, method: str = "card-credit") -> EventModel:
    return events.PaymentTaken(
        parcel=_PARCEL, recipient=_PERSON, amount=amount, currency="EUR", method=method
    )


def _medicine(parcel: events.Parcel) -> events.Parcel:
    return parcel.model_copy(update={"tags": ["fragile", "medicine"]})


# The event, its targets, and each shaped input's text where a rule shapes one.
_EXAMPLES: dict[str, tuple[EventModel, dict[str, object]]] = {
    "garage": (
        _arrived(),
        {
            "device-vendor": None,
            "notifications": "Dear Ada, the courier stands before your garage.",
            "audit": None,
        },
    ),
    "gate from the couriers' network": (
        _arrived("gate"),
        {
            "device-vendor": None,
            "notifications": "Dear Ada, the courier stands before your gate.",
            "audit": None,
        },
    ),
    "lobby from the couriers' IPv6 network": (
        _arrived("lobby", "2001:db8:20::7"),
        {
            "device-vendor": None,
            "notifications": "Dear Ada, the courier stands before your lobby.",
            "audit": None,
        },
    ),
    "gate from elsewhere": (
        _arrived("gate", "192.0.2.80"),
        {"notifications": "Dear Ada, the courier stands before your gate.", "audit": None},
    ),
    "front door": (
        _arrived("front-door"),
        {"notifications": "Dear Ada, the courier stands before your front-door.", "audit": None},
    ),
    "left with a photo": (
        _left(),
        {"notifications": "Your parcel is behind the door.", "audit": None},
    ),
    "left, the photo's name in capitals": (
        _left(photo="proof/1.PNG"),
        {"notifications": "Your parcel is behind the door.", "audit": None},
    ),
    "left without a photo": (
        _left(photo=None),
        {"notifications": "Please send the photo of parcel EU-KW-000001.", "audit": None},
    ),
    "left by Northbound": (
        _left(_NORTHBOUND),
        {
            "delivery-partner": None,
            "notifications": "Your parcel is behind the door.",
            "audit": None,
        },
    ),
    "a little late": (
        _delayed(60, _NORTHBOUND),
        {"notifications": "Your parcel is 60 minutes late: weather.", "audit": None},
    ),
    "very late": (
        _delayed(61, _NORTHBOUND),
        {
            "delivery-partner": None,
            "notifications": "Your parcel is 61 minutes late: weather.",
            "audit": None,
        },
    ),
    "late medicine": (
        _delayed(10, _medicine(_NORTHBOUND)),
        {
            "delivery-partner": None,
            "notifications": "Your parcel is 10 minutes late: weather.",
            "audit": None,
        },
    ),
    "late medicine of another partner": (
        _delayed(10, _medicine(_PARCEL)),
        {"notifications": "Your parcel is 10 minutes late: weather.", "audit": None},
    ),
    "late, in Dutch": (
        _delayed(10, _PARCEL, "NL"),
        {"notifications": "Uw pakket komt 10 minuten later.", "audit": None},
    ),
    "open for a moment": (_open(119.5), {"audit": None}),
    "open too long": (_open(120), {"device-vendor-close": _DOOR.model_dump(), "audit": None}),
    "open far too long": (
        _open(900),
        {
            "device-vendor-close": _DOOR.model_dump(),
            "notifications": "A door has stood open for a quarter of an hour.",
            "audit": None,
        },
    ),
    "a small payment": (_paid(500), {"audit": None}),
    "a large payment": (
        _paid(500.5),
        {"notifications": "We have received 500.5 EUR. Thank you.", "audit": None},
    ),
    "a large transfer": (_paid(501, "transfer"), {"audit": None}),
}


@pytest.mark.parametrize("name", _EXAMPLES)
def test_event_reaches_its_targets(name: str) -> None:
    """Each example event reaches just the targets that it should, with the words that it should."""
    event, expected = _EXAMPLES[name]

    planned = plan(_as_read(event.to_event()), load_rules(_RULES), accepted_at=0.0)
    assert {item.target.name: _text(item.input) for item in planned} == expected


def test_every_rule_is_shown_by_an_example() -> None:
    """No rule is without an example event that it matches."""
    rules = load_rules(_RULES)
    matched = {
        name
        for event, _ in _EXAMPLES.values()
        for item in plan(_as_read(event.to_event()), rules, accepted_at=0.0)
        for name in item.rules
    }

    assert matched == {rule.name for rule in rules.rules}


def test_every_operator_family_occurs() -> None:
    """The rules show each operator of the pattern language at work."""
    found = {
        name
        for file in _RULES.glob("*.yaml")
        for rule in yaml.safe_load(file.read_text())["rules"].values()
        for name in _operators(rule["pattern"])
    }

    assert found == {
        "exact",
        "prefix",
        "suffix",
        "equals-ignore-case",
        "wildcard",
        "anything-but",
        "numeric",
        "exists",
        "cidr",
        "$or",
    }


def test_every_rule_and_target_has_an_owner_and_a_word() -> None:
    """Whoever reads the rules finds whom to ask, and why a rule is there."""
    rules = load_rules(_RULES)
    entries = {
        **{rule.name: (rule.owner, rule.description) for rule in rules.rules},
        **{name: (target.owner, target.description) for name, target in rules.targets.items()},
    }

    assert [name for name, words in entries.items() if not all(words)] == []


def test_every_task_is_there() -> None:
    """Each target's task is a function of the module that its integration has."""
    for target in load_rules(_RULES).targets.values():
        module, _, function = target.task.rpartition(".")
        assert module == f"workers.{target.integration.replace('-', '_')}"
        assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("seed", [1, 2])
def test_day_is_made_of_the_declared_events(seed: int) -> None:
    """The demo's made-up events fit the models, and every input that a rule shapes is complete."""
    models = {
        model.event_type: model
        for model in vars(events).values()
        if isinstance(model, type) and issubclass(model, EventModel) and model.event_type
    }
    rules = load_rules(_RULES)
    day = make_day(300, seed=seed, date=datetime.now(UTC))
    for event in day:
        assert models[event.type].event_source == event.source
        models[event.type].model_validate(event.data)
        assert [item.fault for item in plan(event, rules, accepted_at=0.0) if item.fault] == []

    assert {event.type for event in day} == set(models)


def _as_read(event: Event[Any]) -> Event[Any]:
    """Return the event as a router reads it: its data as JSON has it."""
    return validate_event(event.to_eventbridge())


def _text(shaped: str | None) -> object:
    if shaped is None:
        return None
    value = json.loads(shaped)
    return value.get("text", value)


def _operators(pattern: dict[str, Any]) -> Iterator[str]:
    for name, value in pattern.items():
        if name == "$or":
            yield name
            for member in value:
                yield from _operators(member)
        elif isinstance(value, dict):
            yield from _operators(value)
        else:
            for leaf in value:
                yield from leaf if isinstance(leaf, dict) else ["exact"]
