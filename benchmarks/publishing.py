"""What a publish costs, beside Celery's own apply_async, on the embedded server in the same run.

The processor's time is that of the publisher's process alone. Nobody routes meanwhile.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eventflow.app import EventFlow
from eventflow.embedded import running_server
from eventflow.encoding import encode_event, json_data
from eventflow.events import Event
from eventflow.publishing.carriers import Carriers
from eventflow.settings import load_settings
from eventflow.telemetry import Publication
from eventflow.transport import make_queue, route_message

COUNT = 1_000
ROUNDS = 5


def make() -> Event:
    """Return an event of some 500 bytes."""
    return Event(source="courier.app", type="CourierArrived", data={"note": "x" * 300, "door": 7})


def measure(run: Callable[[], object], events: int) -> tuple[float, float]:
    """Return the medians of some rounds, in microseconds an event: by the clock, of the processor."""
    times = []
    for _ in range(ROUNDS):
        start, used = time.perf_counter(), _used()
        run()
        times.append(
            ((time.perf_counter() - start) / events * 1e6, (_used() - used) / events * 1e6)
        )
    walls, cpus = zip(*times, strict=True)
    return sorted(walls)[ROUNDS // 2], sorted(cpus)[ROUNDS // 2]


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def repeat(step: Callable[[], object]) -> tuple[float, float]:
    """Measure one step of a publish."""

    def run() -> None:
        for _ in range(COUNT):
            step()

    return measure(run, COUNT)


def whole(flow: EventFlow) -> list[tuple[str, tuple[float, float]]]:
    """Measure ways of publishing."""
    task = flow.celery.tasks["eventflow.route"]
    queue = make_queue("bench")
    body = make().to_eventbridge()
    wire: Any = flow.context.sender

    def by_hundred() -> None:
        for _ in range(COUNT // 100):
            flow.publish_many([make() for _ in range(100)])

    celery = repeat(lambda: task.apply_async(args=[body, []], queue=queue, retry=False))
    one = repeat(lambda: flow.publish(make()))
    many = measure(by_hundred, COUNT)
    client = flow.context.ledgers.watch("default")._client  # noqa: SLF001 - to have each call again
    wire.wire._is_plain = False  # noqa: SLF001 - as where an app listens to what is sent

    def in_celerys_way() -> None:
        client.hdel("eventflow:{default}:counts:eventflow.route", "called")
        flow.publish(make())

    plain = repeat(in_celerys_way)
    wire.wire._is_plain = None  # noqa: SLF001
    return [
        ("Celery's apply_async, the event in the message", celery),
        ("flow.publish: in the ledger, a router called", one),
        ("flow.publish, its message sent by Celery", plain),
        ("flow.publish_many, 100 at a time", many),
    ]


def steps(flow: EventFlow) -> list[tuple[str, tuple[float, float]]]:
    """Measure the steps of a publish, each by itself."""
    publisher: Any = flow._publisher  # noqa: SLF001 - its parts are measured
    wire: Any = flow.context.sender
    event, carriers = make(), Carriers()
    data = json_data(event)
    ready = publisher._preparation.of([event], Publication())  # noqa: SLF001
    ledger = publisher._ledgers.of("default")  # noqa: SLF001
    numbers = iter(range(10**9))
    message = route_message("default", [(event.id, event.type)])

    def accept() -> None:
        event = (f"step-{next(numbers)}", ready[0].body, "courier.app|CourierArrived")
        assert ledger.accept_at_once([event], 60.0) is not None

    return [
        ("the event is made (pydantic)", repeat(make)),
        ("its data is held to JSON's kinds and limits", repeat(lambda: json_data(event))),
        ("it is written as JSON", repeat(lambda: encode_event(event, data=data))),
        (
            "all that is checked, the two before among it",
            repeat(lambda: publisher._preparation.of([event], Publication())),  # noqa: SLF001
        ),
        ("the call is set up", repeat(lambda: publisher._errand(ready, 2.0))),  # noqa: SLF001
        ("a carrier takes it, and its end is awaited", repeat(lambda: _carried(carriers))),
        ("the message is written", repeat(lambda: wire.wire.write(message))),
        ("the ledger's call, the message written among it", repeat(accept)),
    ]


def _carried(carriers: Carriers) -> None:
    carriers.start(lambda: None).result()


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(prefix="ef-") as place:
        settings = load_settings(data_dir=Path(place), schemas=Path(place))
        with running_server(settings):
            flow = EventFlow(settings)
            flow.publish(make())
            rows = whole(flow)
            parts = steps(flow)
    celery = rows[0][1][1]
    print(f"{'':50} {'us/event':>9} {'us of CPU':>10} {'x Celery':>9}")
    for name, (wall, cpu) in rows:
        print(f"{name:50} {wall:9.0f} {cpu:10.0f} {cpu / celery:9.2f}")
    print(f"\n{'a publish, step by step':50} {'us/event':>9} {'us of CPU':>10}")
    for name, (wall, cpu) in parts:
        print(f"{name:50} {wall:9.1f} {cpu:10.1f}")


if __name__ == "__main__":
    main()
