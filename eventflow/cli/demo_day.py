"""The demo's events: a day of parcels, made up from a seed."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from eventflow.events import Event

__all__ = ["UNKNOWN_DOORS", "UNREACHABLE_PEOPLE", "break_schema", "make_day"]

UNKNOWN_DOORS = ("garage-404", "gate-404")
"""Doors that the vendor has never heard of until somebody registers them."""

UNREACHABLE_PEOPLE = ("person-unreachable",)
"""People whom no message reaches."""

_NAMES = ("Ada Bakker", "Noor Visser", "Jonas Weber", "Chloé Martin", "Mats Lindqvist", "Zoë Smit")
_LANGUAGES = ("en", "NL", "nl", "de", "fr")
_CAUSES = ("traffic", "weather", "a long queue at the depot")


@dataclass(frozen=True, slots=True)
class _Moment:
    """One event of the day, before it has an envelope."""

    minute: float
    source: str
    type: str
    data: dict[str, Any]  # Any: JSON


def make_day(count: int, *, seed: int, date: datetime) -> list[Event]:
    """Make up a day of parcels.

    Args:
        count: How many events; the first ones hold a door that the vendor does not know and a
            person whom no message reaches, so that there is something to look at.
        seed: The same seed makes the same day.
        date: Any moment of the day.

    Returns:
        Exactly *count* events in the order of their times.
    """
    chance = random.Random(seed)  # noqa: S311 - a made-up day, no secret
    moments: list[_Moment] = []
    story = 0
    while len(moments) < count:
        moments.extend(_tell_story(chance, story, date))
        story += 1
    moments.sort(key=lambda moment: moment.minute)
    last = moments[count - 1].minute if count else 1.0
    opening = date.astimezone(UTC).replace(hour=7, minute=0, second=0, microsecond=0)
    # However many parcels there are, the day is from seven to eight in the evening.
    minutes = 13 * 60 / last
    return [
        Event(
            id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            source=moment.source,
            type=moment.type,
            time=opening + timedelta(minutes=moment.minute * minutes),
            subject=moment.data.get("parcel", {}).get("id"),
            data=moment.data,
        )
        for moment in moments[:count]
    ]


def break_schema(date: datetime) -> Event:
    """Make up what a careless producer publishes: an arrival that its schema does not allow.

    Args:
        date: Any moment of the day.
    """
    return Event(
        source="courier.app",
        type="CourierArrived",
        time=date.astimezone(UTC).replace(hour=12, minute=0, second=0, microsecond=0),
        subject="EU-KW-999999",
        data={
            "parcel": {"id": "EU-KW-999999", "weight_kg": "1.2 kg", "value": 20, "tags": []},
            "courier": {"id": "courier-1", "partner": "Kwik", "network_address": "10.20.3.7"},
            "recipient": {"id": "person-1", "name": "Ada Bakker"},
            "door": {"id": "cellar-1", "kind": "cellar"},
        },
    )


def _tell_story(chance: random.Random, number: int, date: datetime) -> Iterator[_Moment]:
    """Tell one parcel's way: paid, perhaps late, brought, and perhaps a door left open."""
    minute = number * 4.0 + chance.uniform(0, 4)
    parcel: dict[str, Any] = {
        "id": f"EU-{chance.choice(('NB', 'NB', 'KW'))}-{number:06}",
        "weight_kg": round(chance.uniform(0.2, 18), 1),
        "value": round(chance.uniform(8, 900), 2),
        "tags": chance.sample(("fragile", "medicine", "return", "gift"), chance.randint(0, 2)),
    }
    recipient = {
        "id": UNREACHABLE_PEOPLE[0] if number % 40 == 5 else f"person-{chance.randint(1, 400)}",  # noqa: PLR2004
        "name": chance.choice(_NAMES),
        "language": chance.choice(_LANGUAGES),
    }
    door = _choose_door(chance, number)
    courier = {
        "id": f"courier-{chance.randint(1, 12)}",
        "partner": "Northbound" if "-NB-" in parcel["id"] else "Kwik",
        "network_address": chance.choice(
            ("10.20.3.7", "10.20.9.41", "192.0.2.80", "2001:db8:20::7")
        ),
    }
    people = {"parcel": parcel, "recipient": recipient}
    visit = {**people, "courier": courier, "door": door}
    if chance.random() < 0.3:  # noqa: PLR2004
        payment = {
            "amount": parcel["value"],
            "currency": "EUR",
            "method": chance.choice(("card-credit", "card-debit", "transfer")),
        }
        yield _Moment(minute, "shop.payments", "PaymentTaken", {**people, **payment})
    if chance.random() < 0.2:  # noqa: PLR2004
        late = chance.randint(10, 150)
        delay = {
            "minutes": late,
            "expected_at": f"{date:%Y-%m-%d}T18:00:00Z",
            "cause": chance.choice(_CAUSES),
        }
        yield _Moment(minute + 2, "partner.planning", "ParcelDelayed", {**people, **delay})
        minute += late / 10
    yield _Moment(minute + 5, "courier.app", "CourierArrived", visit)
    photo = {"photo": f"proof/{parcel['id']}.jpg"} if chance.random() < 0.85 else {}  # noqa: PLR2004
    yield _Moment(minute + 6, "courier.app", "ParcelLeft", {**visit, **photo})
    if chance.random() < 0.25:  # noqa: PLR2004
        sight = {"door": door, "open_for_seconds": chance.randint(30, 1200), "firmware": "4.2.1"}
        yield _Moment(minute + 10, "door.sensor", "DoorLeftOpen", sight)


def _choose_door(chance: random.Random, number: int) -> dict[str, str]:
    if number % 15 == 2:  # noqa: PLR2004
        return {"id": UNKNOWN_DOORS[0], "kind": "garage"}
    kind = chance.choices(("garage", "gate", "lobby", "front-door"), (70, 10, 10, 10))[0]
    return {"id": f"{kind}-{chance.randint(1, 300)}", "kind": kind}
