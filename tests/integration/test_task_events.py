"""What Flower is told of tasks: all of it, together, and to the end."""

import base64
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from eventflow.transport import Message, Sender
from tests.deployment import TIMEOUT, Deployment, deployed

RULES = """
    targets:
      audit: {task: project.audit}
"""

PROJECT = """
    @app.task(name="project.own")
    def own(number):
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(json.dumps({"number": number}) + "\\n")

    @flow.subscriber("audit")
    def audit(event: Event):
        pass
"""
TASKS = 100


class Told:
    """What workers tell, as it lies in Redis.

    Args:
        deployment: Whose workers.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._listener = deployment.client().pubsub()  # type: ignore[no-untyped-call]
        self._listener.psubscribe("*celeryev/task*")
        self.messages = 0
        self.events: list[tuple[str, str]] = []

    def read(self) -> int:
        """Read what has come; return how many events of tasks there were so far."""
        while (message := self._listener.get_message(timeout=0.01)) is not None:
            if message["type"] != "pmessage":
                continue
            body: Any = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
            self.messages += 1
            events = body if isinstance(body, list) else [body]
            self.events += [(one["type"], one["uuid"]) for one in events]
        return len(self.events)


@pytest.fixture
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A worker."""
    place = tmp_path_factory.mktemp("events")
    with deployed(place, project=PROJECT, rules=RULES) as deployment:
        deployment.start("worker", ["audit"])
        deployment.await_ready()
        yield deployment


def send(deployment: Deployment, numbers: range) -> list[str]:
    """Send tasks, and return their ids."""
    ids = [f"task-{number}" for number in numbers]
    Sender(deployment.flow.celery).send(
        [
            Message("project.own", "audit", (number,), identity, "own", f"({number})")
            for number, identity in zip(numbers, ids, strict=True)
        ]
    )
    return ids


def test_what_happens_to_tasks_is_told_together_and_to_the_end(running: Deployment) -> None:
    """Of a hundred tasks each event comes, in few messages; of the last one, although it stops."""
    told = Told(running)
    ids = send(running, range(TASKS))
    running.wait(lambda: told.read() >= 3 * TASKS, "all events")
    kinds = ("task-received", "task-started", "task-succeeded")
    assert sorted(told.events) == sorted((kind, identity) for kind in kinds for identity in ids)
    assert told.messages < TASKS / 2
    [last] = send(running, range(TASKS, TASKS + 1))
    running.wait(lambda: len(running.noted()) > TASKS, "the last task")
    worker = running.processes["worker"]
    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(TIMEOUT)
    running.wait(lambda: told.read() >= 3 * TASKS + 3, "the last events", timeout=5)
    assert {kind for kind, identity in told.events if identity == last} == set(kinds)
