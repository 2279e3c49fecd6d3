"""The fan-out with eventflow: a subscriber for each target; the rules are in a file."""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.end_to_end.job import VENDOR, WORK, handle, target_names
from benchmarks.end_to_end.tally import note
from eventflow import Event, EventFlow

__all__ = ["app", "flow", "publish", "publish_many"]

flow = EventFlow()
app = flow.celery


def _make_subscriber(target: str) -> Callable[[Event], Any]:
    def subscriber(event: Event) -> None:
        handle(target, event.data)

    async def calls_vendor(event: Event) -> None:
        await asyncio.sleep(float(os.environ[WORK]))
        note(target, event.data["at"])

    return calls_vendor if VENDOR in os.environ else subscriber


for _target in target_names():
    flow.subscriber(_target)(_make_subscriber(_target))


def publish(data: dict[str, Any]) -> None:
    """Publish one event."""
    flow.publish(_make_event(data))


def publish_many(events: Sequence[dict[str, Any]]) -> None:
    """Publish several events in one call."""
    flow.publish_many([_make_event(data) for data in events])


def _make_event(data: dict[str, Any]) -> Event:
    source = "flood" if data["trouble"] == "flood" else "bench"
    return Event(source=source, type="DoorOpened", data=data)
