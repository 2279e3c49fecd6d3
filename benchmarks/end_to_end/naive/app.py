"""The fan-out as a good engineer writes it by hand: a route task that sends a task to each target.

At least once as far as plain Celery goes: acknowledged late. No results are asked for.
"""

import os
from collections.abc import Sequence
from typing import Any

from celery import Celery

from benchmarks.end_to_end.job import BROKER, handle

__all__ = ["app", "publish", "publish_many", "route"]

app = Celery("naive", broker=os.environ[BROKER])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_routes={
        "naive.route": {"queue": "route"},
        "naive.one": {"queue": "one"},
        "naive.two": {"queue": "two"},
        "naive.three": {"queue": "three"},
    },
)

Event = dict[str, Any]


@app.task(name="naive.one")  # type: ignore[untyped-decorator]
def one(event: Event) -> None:
    """Be the first integration."""
    handle("one", event["detail"])


@app.task(name="naive.two")  # type: ignore[untyped-decorator]
def two(event: Event) -> None:
    """Be the second integration."""
    handle("two", event["detail"])


@app.task(name="naive.three")  # type: ignore[untyped-decorator]
def three(event: Event) -> None:
    """Be the third integration."""
    handle("three", event["detail"])


@app.task(name="naive.route")  # type: ignore[untyped-decorator]
def route(event: Event) -> None:
    """Send an event to each integration that wants it."""
    if event["source"] == "bench" and event["detail-type"] == "DoorOpened":
        for task in (one, two, three):
            task.apply_async(args=[event])


def publish(data: dict[str, Any]) -> None:
    """Publish one event."""
    route.apply_async(args=[{"source": "bench", "detail-type": "DoorOpened", "detail": data}])


def publish_many(events: Sequence[dict[str, Any]]) -> None:
    """Publish several events."""
    for data in events:
        publish(data)
