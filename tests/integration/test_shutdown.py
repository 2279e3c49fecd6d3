"""SIGTERM: what runs is finished, the rest goes back to its queue at once, nothing is done twice."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      vendor: {task: project.vendor, timeout: 60s}
    rules:
      all: {pattern: {source: [test]}, targets: [vendor]}
"""

PROJECT = """
    @flow.subscriber("vendor")
    def vendor(event: Event, delivery: Delivery):
        note(delivery, step="began")
        deadline = time.time() + 60
        while not os.path.exists("go-on") and time.time() < deadline:
            time.sleep(0.01)
        note(delivery, step="ended")
"""
POOLS = {
    "prefork": ("-P", "prefork", "-c", "2"),
    "solo": ("-P", "solo"),
    "threads": ("-P", "threads", "-c", "2"),
}


@pytest.fixture
def running(any_broker: str, tmp_path: Path) -> Iterator[Deployment]:
    """A router; what is lost with its worker would be found only after minutes."""
    with deployed(
        tmp_path,
        project=PROJECT,
        rules=RULES,
        broker=any_broker,
        requeue_after=600,
        lease_margin=600,
    ) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.await_ready()
        yield deployment


def steps(running: Deployment, step: str) -> list[str]:
    """Return the deliveries that came so far."""
    return [note["id"] for note in running.noted() if note["step"] == step]


@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_that_stops_gives_back(running: Deployment, pool: str) -> None:
    """Of twenty deliveries in one message, those that run end; another worker gets the rest."""
    running.start("first", ["vendor"], *POOLS[pool])
    running.await_ready("first")
    running.flow.publish_many(
        [Event(id=f"e{number}", source="test", type="T", data={}) for number in range(20)]
    )
    running.wait(lambda: len(steps(running, "began")) >= 1, "a delivery to begin")
    first = running.processes["first"]
    os.kill(first.pid, signal.SIGTERM)
    running.await_log("first", "Warm shutdown")
    (running.place / "go-on").touch()
    running.wait(lambda: first.poll() is not None, "the worker to end")
    done = len(steps(running, "ended"))
    assert done == len(steps(running, "began")) <= 2, "only what ran was finished"
    assert running.flow.status()["vendor"].running == 0
    running.processes.pop("first")
    running.start("second", ["vendor"])
    began = time.monotonic()
    running.settle()
    assert time.monotonic() - began < 300, "nothing waited for a lease"
    assert sorted(steps(running, "ended")) == sorted(f"e{number}:vendor" for number in range(20))
    assert {note["attempt"] for note in running.noted()} == {1}
