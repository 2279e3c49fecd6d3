"""Flower shows workers, few and legible names, retries as retries, and no payload."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed
from tests.ports import free_port

SECRET = "4711-is-the-door-code"

RULES = """
    targets:
      device-vendor:
        task: workers.device_vendor.unlock_door
        retry: {max_attempts: 3, initial: 1s, max: 1s, jitter: none}
      audit: {task: workers.audit.append}
    rules:
      all: {pattern: {source: [courier.app]}, targets: [device-vendor, audit]}
"""

PROJECT = """
    @flow.subscriber("device-vendor")
    def unlock_door(event: Event, delivery: Delivery):
        note(delivery)
        if event.data["how"] == "late" and delivery.attempt == 1:
            raise ConnectionError("not yet")
        if event.data["how"] == "never":
            raise Refuse("unknown door")

    @flow.subscriber("audit")
    def append(event: Event, delivery: Delivery):
        note(delivery)
"""


class Flower:
    """Flower's API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str) -> Any:
        """Return what Flower answers, None while it does not."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def tasks(self) -> dict[str, dict]:
        """Return all tasks that Flower knows, by id."""
        return self.ask("/api/tasks?limit=1000") or {}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, Flower]]:
    """A deployment with one worker for each integration, and Flower."""
    place = tmp_path_factory.mktemp("flower")
    with deployed(place, project=PROJECT, rules=RULES) as deployment:
        port = free_port()
        deployment.environment["FLOWER_UNAUTHENTICATED_API"] = "true"
        deployment.run(
            "flower",
            ["-m", "celery", "-A", "project", "flower", "--address=127.0.0.1", f"--port={port}"],
        )
        flower = Flower(port)
        deployment.wait(lambda: flower.ask("/api/workers") is not None, "Flower to answer")
        deployment.start("router", ["eventflow.route"])
        deployment.start("device-vendor", ["device-vendor"], "-P", "prefork", "-c", "1")
        deployment.start("audit", ["audit"])
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready("router", "device-vendor", "audit", "recorder")
        yield deployment, flower


def publish(deployment: Deployment, event_id: str, how: str) -> None:
    """Publish an event whose payload nobody is to see."""
    data = {"how": how, "code": SECRET}
    event = Event(id=event_id, source="courier.app", type="CourierArrived", data=data)
    deployment.flow.publish(event)


def test_flower_shows_deliveries_for_what_they_are(watched: tuple[Deployment, Flower]) -> None:
    """Success, retry and failure stand in one row a delivery, under the subscriber's name."""
    deployment, flower = watched
    publish(deployment, "e-late", "late")
    deployment.wait(
        lambda: flower.tasks().get("e-late:device-vendor", {}).get("state") == "RETRY",
        "Flower to show the retry as one",
    )
    assert "ConnectionError" in flower.tasks()["e-late:device-vendor"]["exception"]
    publish(deployment, "e-fine", "fine")
    publish(deployment, "e-never", "never")
    deployment.settle()
    wanted = {
        "e-fine:device-vendor": "SUCCESS",
        "e-late:device-vendor": "SUCCESS",
        "e-never:device-vendor": "FAILURE",
        "e-never:audit": "SUCCESS",
    }
    deployment.wait(
        lambda: all(
            flower.tasks().get(identity, {}).get("state") == state
            for identity, state in wanted.items()
        ),
        f"Flower to show {wanted}",
    )
    tasks = flower.tasks()
    late = tasks["e-late:device-vendor"]
    assert late["name"] == "device_vendor.unlock_door"
    assert late["args"] == "(CourierArrived e-late, attempt 2)"
    assert late["retries"] == 1
    assert {
        "eventflow.route",
        "eventflow.record",
        "device_vendor.unlock_door",
        "audit.append",
    } >= {task["name"] for task in tasks.values()}
    assert SECRET not in json.dumps(tasks)


def test_flower_shows_a_worker_for_each_integration(watched: tuple[Deployment, Flower]) -> None:
    """Workers go by the names they were started with."""
    _, flower = watched
    names = {name.split("@")[0] for name in flower.ask("/api/workers?refresh=true") or {}}
    assert {"router", "device-vendor", "audit", "recorder"} == names


def test_no_payload_is_logged(watched: tuple[Deployment, Flower]) -> None:
    """Logs carry ids, never what was in the event."""
    deployment, _ = watched
    for name in ("router", "device-vendor", "audit", "recorder"):
        assert SECRET not in deployment.log(name)
