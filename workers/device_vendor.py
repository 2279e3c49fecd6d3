"""The device vendor: opens and closes doors through its HTTP API."""

import os
from typing import Any
from urllib.parse import quote

from eventflow import Delivery, Event
from workers import flow
from workers.events import CourierArrived
from workers.outside import post

__all__ = ["close_door", "unlock_door"]

_TIMEOUT = 8.0  # seconds; below the targets' 10


@flow.subscriber("device-vendor")
def unlock_door(event: Event[CourierArrived], delivery: Delivery) -> None:
    """Open the door that the courier stands before."""
    _call(event.data.door.id, "unlock", delivery)


@flow.subscriber("device-vendor-close")
def close_door(door: dict[str, Any], delivery: Delivery) -> None:
    """Close a door that was left open; the rule hands over the door alone."""
    _call(door["id"], "close", delivery)


def _call(door: str, action: str, delivery: Delivery) -> None:
    base = os.environ.get("DEVICE_VENDOR_URL", "http://127.0.0.1:8099/vendor")
    url = f"{base}/doors/{quote(door, safe='')}/{action}"
    post(url, {"attempt": delivery.attempt}, key=delivery.id, timeout=_TIMEOUT)
