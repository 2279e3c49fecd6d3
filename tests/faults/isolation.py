"""One target is flooded, fails or hangs while another's latency is watched.

Each has a worker of its own, as the guarantee wants it; router, servers and machine are shared.
"""

import contextlib
import math
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from eventflow.app import EventFlow
from eventflow.errors import PublishError
from eventflow.events import Event
from tests.deployment import Deployment, deployed
from tests.faults.tail import Notes

__all__ = ["Neighbours", "Watch", "neighbours", "percentile"]

RULES = """
    targets:
      busy: {task: project.busy, timeout: 500ms, retry: {initial: 200ms, max_attempts: 2}}
      calm: {task: project.calm}
    rules:
      busy: {pattern: {source: [busy]}, targets: [busy]}
      calm: {pattern: {source: [calm]}, targets: [calm]}
"""

PROJECT = """
    @flow.subscriber("busy")
    def busy(event: Event, delivery: Delivery):
        if event.data["how"] == "failing":
            raise OSError("planned")
        if event.data["how"] == "hanging":
            time.sleep(60)
        note(delivery)

    @flow.subscriber("calm")
    def calm(event: Event, delivery: Delivery):
        # The monotonic clock is one for all processes.
        note(delivery, latency=time.monotonic() - event.data["sent"])
"""

# In a process of its own, so that it and the watch do not wait for each other's interpreter.
PUBLISHER = """
    import sys, time
    from eventflow import Event
    from project import flow

    how, prefix, count, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    size = 500 if rate == 0 else 1
    for start in range(0, count, size):
        flow.publish_many([
            Event(id=f"{prefix}{number}", source="busy", type="Work", data={"how": how})
            for number in range(start, min(count, start + size))
        ])
        if rate:
            time.sleep(size / rate)
"""


class Neighbours:
    """A deployment with a busy and a calm target, each with its worker; it runs."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._notes = Notes(deployment.notes)
        (deployment.place / "publisher.py").write_text(textwrap.dedent(PUBLISHER))
        deployment.start("router", ["eventflow.route"])
        deployment.start("busy", ["busy"])
        deployment.start("calm", ["calm"])
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()

    def publish(self, how: str, prefix: str, count: int, rate: float = 0.0) -> None:
        """Start to publish events for the busy target, in a process of its own.

        Args:
            how: What its subscriber does with them: `working`, `failing` or `hanging`.
            prefix: What their ids begin with.
            count: How many.
            rate: How many a second; 0 for as many as go.
        """
        arguments = ["publisher.py", how, prefix, str(count), str(rate)]
        self.deployment.run("publisher", arguments)

    def await_published(self, timeout: float = 120.0) -> None:
        """Wait until all of that is accepted."""
        publisher = self.deployment.processes.pop("publisher")
        assert publisher.wait(timeout) == 0, self.deployment.log("publisher")[-3000:]

    def handed_over(self, prefix: str) -> dict[str, int]:
        """Tell how often each delivery whose id begins so was handed over."""
        return {
            identity: len(notes)
            for identity, notes in self._notes.by_delivery().items()
            if identity.startswith(prefix)
        }

    def latencies(self, watch: "Watch") -> list[float]:
        """Return how long each watched event took, in the order of publishing."""
        notes = self._notes.by_delivery()
        return [notes[f"{event_id}:calm"][0]["latency"] for event_id in watch.sent]


class Watch:
    """Publishes an event for the calm target now and again.

    Args:
        flow: Through which.
        prefix: What their ids begin with.
        interval: Seconds between two.
    """

    def __init__(self, flow: EventFlow, prefix: str, *, interval: float = 0.05) -> None:
        self._flow = flow
        self._prefix = prefix
        self._interval = interval
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.sent: list[str] = []
        """The ids of those that were accepted, in order."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            event_id = f"{self._prefix}{len(self.sent)}"
            data = {"sent": time.monotonic()}
            with contextlib.suppress(PublishError):
                self._flow.publish(Event(id=event_id, source="calm", type="Probe", data=data))
                self.sent.append(event_id)


@contextlib.contextmanager
def neighbours(place: Path, broker: str = "valkey", **settings: object) -> Iterator[Neighbours]:
    """Have such a deployment for a `with` block."""
    values: dict[str, object] = {"group_size": 50, **settings}
    with deployed(place, project=PROJECT, rules=RULES, broker=broker, **values) as deployment:
        yield Neighbours(deployment)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that at least such a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
