"""The same fan-out with the best that Celery's documentation knows.

What is sent together goes through `Producer.batch` (one pipeline of Redis), with a producer that is
kept; `argsrepr` is given, else Celery spends a third of a message's cost on it; one list a queue
instead of four, since no priorities are used; a longer prefetch, no remote control, no rate limits,
no gossip, mingle and heartbeat (its command line). Acknowledged late, as the naive one.
"""

import os
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu import Producer

from benchmarks.end_to_end.job import BROKER, handle

__all__ = ["app", "publish", "publish_many", "route"]

app = Celery("tuned", broker=os.environ[BROKER])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    worker_prefetch_multiplier=64,
    worker_disable_rate_limits=True,
    worker_enable_remote_control=False,
    task_create_missing_queues=True,
    task_routes={
        "tuned.route": {"queue": "route"},
        "tuned.one": {"queue": "one"},
        "tuned.two": {"queue": "two"},
        "tuned.three": {"queue": "three"},
    },
)
if not os.environ[BROKER].startswith("amqp"):
    app.conf.broker_transport_options = {"priority_steps": [0]}

Event = dict[str, Any]
_producer: Producer | None = None


@app.task(name="tuned.one")  # type: ignore[untyped-decorator]
def one(event: Event) -> None:
    """Be the first integration."""
    handle("one", event["detail"])


@app.task(name="tuned.two")  # type: ignore[untyped-decorator]
def two(event: Event) -> None:
    """Be the second integration."""
    handle("two", event["detail"])


@app.task(name="tuned.three")  # type: ignore[untyped-decorator]
def three(event: Event) -> None:
    """Be the third integration."""
    handle("three", event["detail"])


@app.task(name="tuned.route")  # type: ignore[untyped-decorator]
def route(event: Event) -> None:
    """Send an event to each integration that wants it, in one round trip."""
    if event["source"] == "bench" and event["detail-type"] == "DoorOpened":
        producer = _get_producer()
        with producer.batch():
            for task in (one, two, three):
                _send(task, event, producer)


def publish(data: dict[str, Any]) -> None:
    """Publish one event."""
    _send(route, _make(data), _get_producer())


def publish_many(events: Sequence[dict[str, Any]]) -> None:
    """Publish several events in one round trip."""
    producer = _get_producer()
    with producer.batch():
        for data in events:
            _send(route, _make(data), producer)


def _make(data: dict[str, Any]) -> Event:
    return {"source": "bench", "detail-type": "DoorOpened", "detail": data}


def _send(task: Any, event: Event, producer: Producer) -> None:
    task.apply_async(args=[event], producer=producer, argsrepr="", kwargsrepr="", retry=False)


def _get_producer() -> Producer:
    global _producer  # noqa: PLW0603 - one for the process, as the documentation has it
    if _producer is None:
        _producer = app.amqp.Producer(app.connection_for_write(), auto_declare=False)
    return _producer
