"""`eventflow trace` in a real deployment: where each delivery of an event went, and why."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      fine: {task: project.fine}
      flaky: {task: project.flaky, retry: {initial: 50ms, max: 50ms, jitter: none}}
      broken: {task: project.broken, retry: {max_attempts: 2, initial: 50ms, max: 50ms, jitter: none}}
      patient: {task: project.patient, retry: {initial: 1h, max: 1h, jitter: none}}
    rules:
      sold:
        pattern: {source: [shop], detail-type: [Sold], detail: {door: {kind: [garage]}}}
        targets: [fine, flaky, broken]
      sold-at-the-front:
        pattern: {source: [shop], detail-type: [Sold], detail: {door: {kind: [front]}}}
        targets: [fine]
      moved:
        pattern: {source: [shop], detail-type: [Moved]}
        targets: [patient]
      of-others:
        pattern: {source: [others]}
        targets: [fine]
"""

PROJECT = """
    @flow.subscriber("fine")
    def fine(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("flaky")
    def flaky(event: Event, delivery: Delivery):
        note(delivery)
        if delivery.attempt < 2:
            raise OSError("HTTP 503")

    @flow.subscriber("broken")
    def broken(event: Event, delivery: Delivery):
        note(delivery)
        raise ValueError("no such door")

    @flow.subscriber("patient")
    def patient(event: Event, delivery: Delivery):
        note(delivery)
        if os.path.exists("is-away") :
            raise Retry(after=3600 if delivery.attempt < 2 else 1)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router, a recorder, and one worker for all targets."""
    place = tmp_path_factory.mktemp("trace")
    with deployed(
        place,
        project=PROJECT,
        rules=RULES,
        flower_url="https://flower.example.com/",
    ) as deployment:
        deployment.run("router", ["-m", "eventflow", "router"])
        deployment.run("recorder", ["-m", "eventflow", "recorder"])
        deployment.start("worker", ["fine", "flaky", "broken", "patient"])
        deployment.await_ready()
        yield deployment


def publish(deployment: Deployment, kind: str, **detail: Any) -> str:
    """Publish an event, and return its id."""
    return deployment.flow.publish(Event(source="shop", type=kind, data=detail)).id


def traced(deployment: Deployment, *arguments: str) -> dict[str, Any]:
    """Return an event's story as JSON."""
    result = deployment.command("trace", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture(scope="module")
def sold(running: Deployment) -> str:
    """An event with a success, a retry that succeeds, and a dead letter; all is recorded."""
    event_id = publish(running, "Sold", order_id=42, door={"kind": "garage"})
    running.settle()
    return event_id


def test_the_whole_story(running: Deployment, sold: str) -> None:
    """See."""
    result = running.command("trace", sold)
    print(result.stdout, result.stderr)
    print(running.command("trace", sold, "--json").stdout)
    assert 0
