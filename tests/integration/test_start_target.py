"""A new target that begins in the past gets every event once, though routers learn of it one by one."""

import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from eventflow.events import Event
from tests.deployment import Deployment, deployed

OLD = """
    targets:
      audit: {task: project.audit}
    rules:
      everything: {pattern: {source: [courier.app]}, targets: [audit]}
    archives:
      courier: {pattern: {source: [courier.app]}, retention: 7d}
"""

NEW = """
    targets:
      audit: {task: project.audit}
      new: {task: project.new}
    rules:
      everything: {pattern: {source: [courier.app]}, targets: [audit]}
      doors: {pattern: {detail-type: [CourierArrived]}, targets: [new]}
    archives:
      courier: {pattern: {source: [courier.app]}, retention: 7d}
"""

PROJECT = """
    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        pass

    @flow.subscriber("new")
    def new(event: Event, delivery: Delivery):
        note(delivery, event=event.id, replay=event.replay_name)
"""


class Publishing:
    """Publishes an event every so often, until it is told to stop."""

    def __init__(self, deployment: Deployment) -> None:
        self.ids: list[str] = []
        self._flow = deployment.flow
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.03):
            number = len(self.ids)
            kind = "ParcelLeft" if number % 5 == 0 else "CourierArrived"
            event = Event(id=f"e{number}", source="courier.app", type=kind, data={})
            self._flow.publish(event)
            self.ids.append(event.id)

    def stop(self) -> None:
        """Stop, once what is under way is published."""
        self._stop.set()
        self._thread.join()

    def await_more(self, deployment: Deployment, number: int = 20) -> None:
        """Wait until so many more are published."""
        wanted = len(self.ids) + number
        deployment.wait(lambda: len(self.ids) >= wanted, f"{wanted} events")


def late_router(deployment: Deployment) -> Path:
    """Start a second router, whose rule files are its own; return where they are."""
    place = deployment.place / "late-rules"
    place.mkdir()
    (place / "rules.yaml").write_text((deployment.place / "rules" / "rules.yaml").read_text())
    own, deployment.environment = (
        deployment.environment,
        {**deployment.environment, "EVENTFLOW_RULES": str(place)},
    )
    deployment.start("late-router", ["eventflow.route"])
    deployment.environment = own
    return place


def test_a_new_target_gets_every_event_once(tmp_path: Path) -> None:
    """Events flow all the time; one router knows the target long before the other one does."""
    with deployed(
        tmp_path, project=PROJECT, rules=OLD, report_interval=1.0, route_lease=1.0
    ) as deployment:
        deployment.start("router", ["eventflow.route"])
        late = late_router(deployment)
        deployment.start("worker", ["audit"])
        deployment.start("recorder", ["eventflow.dead-letters", "eventflow.archive"])
        deployment.await_ready()
        publishing = Publishing(deployment)
        try:
            publishing.await_more(deployment)
            deployment.write_rules(NEW)
            deployment.start("new", ["new"])
            deployment.wait(lambda: bool(deployment.noted()), "a first live event of the target")
            start = subprocess.Popen(
                [sys.executable, "-m", "eventflow", "targets", "start", "new", "--from", "1h"],
                cwd=tmp_path,
                env=deployment.environment,
                text=True,
                stderr=subprocess.PIPE,
            )
            assert start.stderr
            said = start.stderr.readline()
            assert said.startswith("Waits for late-router@")
            publishing.await_more(deployment)
            (late / "rules.yaml").write_text((tmp_path / "rules" / "rules.yaml").read_text())
            rest = start.communicate(timeout=60)[1]
            publishing.await_more(deployment)
        finally:
            publishing.stop()
        assert 0 == start.returncode, said + rest
        assert "Replay start-new is complete" in rest
        deployment.settle()
        doors = [name for number, name in enumerate(publishing.ids) if number % 5]
        handed = Counter(noted["event"] for noted in deployment.noted())
        assert dict.fromkeys(doors, 1) == dict(handed)
        ways = Counter(noted["replay"] for noted in deployment.noted())
        assert {None, "start-new"} == set(ways)
        told = json.loads(deployment.command("replay", "show", "start-new", "--json").stdout)
        assert ("completed", "new", ways["start-new"]) == (
            told["state"],
            told["unsent_to"],
            told["sent"],
        )
