"""Flower shows workers, few and legible names, retries as retries, and no payload; and only shows."""

import base64
import json
import os
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from eventflow.cli.flower import event_link, flower_link
from eventflow.events import Event
from tests.browser import MISSING, Browser, find_browser
from tests.deployment import Deployment, deployed
from tests.ports import free_port
from tests.servers import require

SECRET = "4711-is-the-door-code"
VIEWER = "viewer:a-password-to-look"
HEADERS = {"Authorization": f"Basic {base64.b64encode(VIEWER.encode()).decode()}"}
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "flower-tasks.png"
_OPEN_AGAIN = 2.0  # seconds
TASKS = {"audit.append", "device_vendor.unlock_door", "eventflow.route"}
ROWS = """[...document.querySelectorAll('#tasks-table tbody tr')].map(
    row => [...row.cells].map(cell => cell.textContent.trim()))"""

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
        request = urllib.request.Request(f"{self.url}{path}", headers=HEADERS)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def workers(self) -> set[str]:
        """Return the names of the workers that answer it: within a second, so ask again."""
        return {name.split("@")[0] for name in self.ask("/api/workers?refresh=true") or {}}

    def tasks(self) -> dict[str, dict]:
        """Return all tasks that Flower knows, by id."""
        return self.ask("/api/tasks?limit=1000") or {}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, Flower]]:
    """A deployment with one worker for each integration, and Flower."""
    place = tmp_path_factory.mktemp("flower")
    with deployed(place, project=PROJECT, rules=RULES) as deployment:
        port = free_port()
        deployment.environment |= {
            "FLOWER_BASIC_AUTH": VIEWER,
            "FLOWER_READ_ONLY": "true",
            "FLOWER_TASKS_COLUMNS": "name,uuid,args,state,result,received,runtime,worker",
        }
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


@pytest.fixture(scope="module")
def viewer(watched: tuple[Deployment, Flower]) -> Iterator[Browser]:
    """A viewer's browser."""
    with Browser(require(find_browser(), MISSING), width=1600, height=660) as browser:
        browser.send_headers(HEADERS)
        yield browser


def rows(
    deployment: Deployment, browser: Browser, url: str, tasks: set[str], count: int | None = None
) -> list[list[str]]:
    """Return the cells of Flower's list of tasks, once it shows these, and so many rows."""
    opened_at = 0.0

    def is_shown() -> bool:
        nonlocal opened_at
        # Again after a while, since workers tell Flower a moment after something has happened.
        if time.monotonic() - opened_at > _OPEN_AGAIN:
            browser.open(url)
            opened_at = time.monotonic()
        found = [row for row in browser.run(ROWS) if row[1:]]
        return {row[0] for row in found} == tasks and count in {None, len(found)}

    deployment.wait(is_shown, f"{tasks}: {url}")
    return browser.run(ROWS)


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
    deployment.settle()  # what comes together travels together
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
        "eventflow.journal",
        "eventflow.canary",
        "device_vendor.unlock_door",
        "audit.append",
    } >= {task["name"] for task in tasks.values()}
    assert SECRET not in json.dumps(tasks)


def test_flower_shows_a_worker_for_each_integration(watched: tuple[Deployment, Flower]) -> None:
    """Workers go by the names they were started with."""
    deployment, flower = watched
    names = {"router", "device-vendor", "audit", "recorder"}
    deployment.wait(lambda: flower.workers() == names, f"Flower to see {names}")


def test_no_payload_is_logged(watched: tuple[Deployment, Flower]) -> None:
    """Logs carry ids, never what was in the event."""
    deployment, _ = watched
    for name in ("router", "device-vendor", "audit", "recorder"):
        assert SECRET not in deployment.log(name)


def test_a_viewer_only_looks(watched: tuple[Deployment, Flower], viewer: Browser) -> None:
    """Nobody gets in without the password; with it, no button is there, and no call does anything."""
    deployment, flower = watched
    worker = f"audit@{socket.gethostname()}"
    deployment.wait(
        lambda: worker in (flower.ask("/api/workers?refresh=true") or {}), "Flower to know it"
    )
    for path in ("/", "/tasks", "/api/tasks", "/api/workers"):
        with pytest.raises(HTTPError, match="401"):
            urllib.request.urlopen(f"{flower.url}{path}", timeout=5)
    shutdown = urllib.request.Request(
        f"{flower.url}/api/worker/shutdown/{worker}", b"", HEADERS, method="POST"
    )
    with pytest.raises(HTTPError, match="403"):
        urllib.request.urlopen(shutdown, timeout=5)
    viewer.open(f"{flower.url}/worker/{worker}")
    assert worker.split("@", maxsplit=1)[0] in viewer.run("document.body.textContent")
    assert not viewer.run("document.querySelectorAll('.btn-danger, #worker-shut-down').length")
    assert deployment.processes["audit"].poll() is None


def is_idle(deployment: Deployment) -> bool:
    """Tell whether no worker is at any task."""
    active = deployment.flow.celery.control.inspect(timeout=2.0).active()
    return bool(active) and not any(active.values())


def test_links_find_an_event_s_deliveries(
    watched: tuple[Deployment, Flower], viewer: Browser
) -> None:
    """One in a message of its own and one of many; names and arguments are for people to read."""
    deployment, flower = watched
    events = [
        Event(id=f"e-flood-{number}", source="courier.app", type="CourierArrived", data={"how": ""})
        for number in range(6)
    ]
    deployment.flow.publish_many(events)
    deployment.settle()
    # A task that still waits for more would take the next one along.
    deployment.wait(lambda: is_idle(deployment), "every task has ended")
    publish(deployment, "e-alone", "fine")
    deployment.settle()
    settings = deployment.settings.with_changes(flower_url=flower.url)
    for event_id, shown in (
        ("e-alone", "(CourierArrived e-alone, attempt 1)"),
        ("e-flood-5", "deliveries: CourierArrived x"),
    ):
        found = rows(deployment, viewer, event_link(settings, event_id), TASKS, 3)
        assert 2 == sum(any(shown in cell for cell in row) for row in found), found
    ids = [f"e-quick-{number:02}" for number in range(40)]
    for event_id in ids:
        publish(deployment, event_id, "fine")
    deployment.settle()
    for event_id in ids:  # each with a task of its own, or taken along by another
        found = rows(deployment, viewer, event_link(settings, event_id), TASKS)
        assert all(any(event_id in cell for cell in row) for row in found)
    viewer.open(flower_link(settings, "e-alone:audit"))
    assert "audit.append" in viewer.run("document.querySelector('.task-name-value').textContent")
    text = viewer.run("document.body.textContent")
    assert SECRET not in text
    if "WRITE_SCREENSHOTS" in os.environ:
        viewer.run("localStorage.clear()")  # where Flower keeps the last search
        viewer.open(f"{flower.url}/tasks")
        deployment.wait(lambda: len(viewer.run(ROWS)) > 8, "the list of tasks")
        viewer.screenshot(PICTURE)
