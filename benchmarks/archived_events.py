"""Archived events, made up: as many as are asked for, of ten types in turn, one second apart."""

import itertools
import json
import random
import uuid
from collections.abc import Iterator

from eventflow.store import ArchivedEvent

__all__ = ["DAY", "TYPES", "batches", "generate"]

DAY = 86_400.0
TYPES = tuple(
    f"Parcel{deed}"
    for deed in (
        *("Ordered", "Packed", "Sent", "Sorted", "Delayed"),
        *("Loaded", "Arrived", "Left", "Returned", "Lost"),
    )
)
"""One event in ten is of each of them, and of each type one in ten is of the city `rare`: 1 %."""

_CITIES = ("Berlin", "Lyon", "Porto", "Graz", "Delft", "Turin", "Brno", "Cork", "Gent", "rare")
_STREETS = ("Long Lane", "Mill Road", "Station Street", "Church Hill", "Harbour Walk")


def generate(
    count: int, *, start: float = 1_780_000_000.0, apart: float = 1.0, seed: int = 7
) -> Iterator[ArchivedEvent]:
    """Make events up, of some 600 bytes each, in order of time.

    Args:
        count: How many.
        start: When the first was accepted, seconds since the epoch.
        apart: Seconds between two of them.
        seed: The same makes the same events.
    """
    chance = random.Random(seed)
    for number in range(count):
        event_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        kind = TYPES[number % len(TYPES)]
        at = start + number * apart
        document = {
            "id": event_id,
            "source": "parcels.app",
            "detail-type": kind,
            "time": "2026-05-28T21:46:40Z",
            "bus": "default",
            "detail": {
                "number": number,
                "parcel": {"id": f"EU-NB-{number:09}", "weight_kg": chance.randrange(1, 300) / 10},
                "courier": {"id": f"courier-{chance.randrange(5000)}", "partner": "Kwik"},
                "recipient": {
                    "id": str(uuid.UUID(int=chance.getrandbits(128))),
                    "street": f"{chance.choice(_STREETS)} {chance.randrange(1, 200)}",
                    "city": _CITIES[number // len(TYPES) % len(_CITIES)],
                    "language": "en",
                },
                "door": {"id": f"door-{chance.randrange(10**6)}", "kind": "garage"},
                "note": f"scanned at {chance.random()} by {chance.getrandbits(64):x}",
            },
        }
        yield ArchivedEvent(
            event_id=event_id,
            bus="default",
            source="parcels.app",
            type=kind,
            accepted_at=at,
            archives=("everything",),
            kept_until=at + 90 * DAY,
            body=json.dumps(document, separators=(",", ":")).encode(),
        )


def batches(events: Iterator[ArchivedEvent], size: int) -> Iterator[list[ArchivedEvent]]:
    """Cut events into lists of a size."""
    while batch := list(itertools.islice(events, size)):
        yield batch
