"""The fan-out by hand with dramatiq: an actor that sends a message to each target's actor."""

import os
from collections.abc import Sequence
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.end_to_end.job import BROKER, handle

__all__ = ["broker", "publish", "publish_many"]

broker = RedisBroker(url=os.environ[BROKER])
dramatiq.set_broker(broker)

Event = dict[str, Any]


@dramatiq.actor(queue_name="one")
def one(event: Event) -> None:
    """Be the first integration."""
    handle("one", event["detail"])


@dramatiq.actor(queue_name="two")
def two(event: Event) -> None:
    """Be the second integration."""
    handle("two", event["detail"])


@dramatiq.actor(queue_name="three")
def three(event: Event) -> None:
    """Be the third integration."""
    handle("three", event["detail"])


@dramatiq.actor(queue_name="route")
def route(event: Event) -> None:
    """Send an event to each integration that wants it."""
    if event["source"] == "bench" and event["detail-type"] == "DoorOpened":
        for actor in (one, two, three):
            actor.send(event)


def publish(data: dict[str, Any]) -> None:
    """Publish one event."""
    route.send({"source": "bench", "detail-type": "DoorOpened", "detail": data})


def publish_many(events: Sequence[dict[str, Any]]) -> None:
    """Publish several events."""
    for data in events:
        publish(data)
