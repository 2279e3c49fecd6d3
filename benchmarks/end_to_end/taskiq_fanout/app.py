"""The fan-out by hand with taskiq: a task that sends one to each target's broker.

On Redis streams, which is taskiq's broker that acknowledges.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from taskiq_redis import RedisStreamBroker

from benchmarks.end_to_end.job import BROKER, handle

__all__ = ["publish", "publish_many"]

Event = dict[str, Any]


def _broker(name: str) -> RedisStreamBroker:
    return RedisStreamBroker(url=os.environ[BROKER], queue_name=name, consumer_group_name=name)


route_broker, one_broker, two_broker, three_broker = map(_broker, ("route", "one", "two", "three"))


@one_broker.task(task_name="one")
async def one(event: Event) -> None:
    """Be the first integration."""
    handle("one", event["detail"])


@two_broker.task(task_name="two")
async def two(event: Event) -> None:
    """Be the second integration."""
    handle("two", event["detail"])


@three_broker.task(task_name="three")
async def three(event: Event) -> None:
    """Be the third integration."""
    handle("three", event["detail"])


@route_broker.task(task_name="route")
async def route(event: Event) -> None:
    """Send an event to each integration that wants it."""
    if event["source"] == "bench" and event["detail-type"] == "DoorOpened":
        for task in (one, two, three):
            await task.kiq(event)


_runner = asyncio.Runner()  # makes its loop when it is used, which is in a publisher


def publish(data: dict[str, Any]) -> None:
    """Publish one event."""
    publish_many([data])


def publish_many(events: Sequence[dict[str, Any]]) -> None:
    """Publish several events."""
    _runner.run(_send(events))


async def _send(events: Sequence[dict[str, Any]]) -> None:
    for data in events:
        await route.kiq({"source": "bench", "detail-type": "DoorOpened", "detail": data})
