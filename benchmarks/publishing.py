"""What a publish costs, beside Celery's own apply_async, on the embedded server in the same run."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from eventflow.app import EventFlow
from eventflow.embedded import running_server
from eventflow.events import Event
from eventflow.settings import load_settings
from eventflow.transport import make_queue

COUNT = 1_000
ROUNDS = 5


def make() -> Event:
    """Return an event of some 500 bytes."""
    return Event(source="courier.app", type="CourierArrived", data={"note": "x" * 300, "door": 7})


def measure(run: Callable[[], None], events: int) -> float:
    """Return the median of some rounds, in microseconds an event."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) / events * 1e6)
    return sorted(times)[ROUNDS // 2]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="ef-") as place:
        settings = load_settings(data_dir=Path(place), schemas=Path(place))
        with running_server(settings):
            flow = EventFlow(settings)
            task = flow.celery.tasks["eventflow.route"]
            body = make().to_eventbridge()

            def with_celery() -> None:
                for _ in range(COUNT):
                    task.apply_async(args=[body, []], queue=queue, retry=False)

            def one_by_one() -> None:
                for _ in range(COUNT):
                    flow.publish(make())

            def by_hundred() -> None:
                for _ in range(COUNT // 100):
                    flow.publish_many([make() for _ in range(100)])

            queue = make_queue("bench")
            celery = measure(with_celery, COUNT)
            rows = [
                ("Celery's apply_async, the event in the message", celery),
                ("flow.publish: in the ledger, a router woken", measure(one_by_one, COUNT)),
                ("flow.publish_many, 100 at a time", measure(by_hundred, COUNT)),
            ]
    print(f"{'':48} {'us/event':>9} {'x Celery':>9}")
    for name, cost in rows:
        print(f"{name:48} {cost:9.0f} {cost / celery:9.2f}")


if __name__ == "__main__":
    main()
