"""Workers, routers and movers are killed at random while events flow; every delivery is accounted.

Every worker and router carries a mover, so killing one kills its mover at a random step too.
"""

import json
import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed

# By broker: how many events, and how many kills. Together they take no longer than the suite may.
AMOUNTS = {"valkey": (2_000, 14), "redis": (600, 5), "rabbitmq": (1_000, 10)}
TARGETS = ("steady", "flaky", "typed")

RULES = """
    targets:
      steady: {task: project.steady, timeout: 2s, retry: &quick {initial: 50ms, max: 200ms}}
      flaky: {task: project.flaky, timeout: 2s, retry: *quick}
      typed: {task: project.typed, timeout: 2s, retry: {max_attempts: 3, initial: 10ms, max: 20ms}}
    rules:
      all: {pattern: {source: [load]}, targets: [steady, flaky, typed]}
"""

PROJECT = """
    @flow.subscriber("steady")
    def steady(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("flaky")
    def flaky(event: Event, delivery: Delivery):
        # A planned failure: a third of the events fail twice.
        if event.data["number"] % 3 == 0 and delivery.attempt <= 2:
            raise OSError("planned")
        note(delivery)

    @flow.subscriber("typed")
    async def typed(event: Event, delivery: Delivery):
        if event.data["number"] % 100 == 0:
            raise Refuse("planned")
        note(delivery)
"""


def start_all(deployment: Deployment) -> None:
    """Start two routers, two workers of each pool, and a recorder."""
    for name in ("router-1", "router-2"):
        deployment.start(name, ["eventflow.route"])
    deployment.start("worker-1", TARGETS)
    deployment.start("worker-2", TARGETS, "-P", "prefork", "-c", "2")
    deployment.start("recorder", ["eventflow.dead-letters"])
    deployment.await_ready()


def restart(deployment: Deployment, name: str) -> None:
    """Kill one process, with all its children, and start it again."""
    deployment.kill(name)
    if name.startswith("router"):
        deployment.start(name, ["eventflow.route"])
    elif name == "recorder":
        deployment.start(name, ["eventflow.dead-letters"])
    elif name == "worker-1":
        deployment.start(name, TARGETS)
    else:
        deployment.start(name, TARGETS, "-P", "prefork", "-c", "2")


@pytest.mark.timeout(300)
def test_nothing_is_lost_when_everything_is_killed(broker: str, tmp_path: Path) -> None:
    """Many events, kills at random: none lost, none run twice but those in flight at a kill."""
    chance = random.Random(20261123)
    events, kills = AMOUNTS[broker]
    with deployed(
        tmp_path, project=PROJECT, rules=RULES, broker=broker, group_size=10
    ) as deployment:
        start_all(deployment)
        publishing = threading.Thread(target=_publish, args=(deployment, events))
        publishing.start()
        names = ["router-1", "router-2", "worker-1", "worker-2", "recorder"]
        for kill in range(kills):
            before = len(deployment.notes.read_bytes())
            enough = before + chance.randrange(20_000, 60_000)

            def is_time(enough: int = enough) -> bool:
                is_over = not publishing.is_alive() and _is_idle(deployment)
                return is_over or len(deployment.notes.read_bytes()) > enough

            deployment.wait(is_time, "work to be done between kills")
            restart(deployment, names[kill % len(names)])
        publishing.join()
        deployment.settle(timeout=120)
        _account(deployment, events)


def _publish(deployment: Deployment, events: int) -> None:
    for number in range(0, events, 5):
        deployment.flow.publish_many(
            [
                Event(id=f"e{index}", source="load", type="Load", data={"number": index})
                for index in range(number, number + 5)
            ]
        )


def _is_idle(deployment: Deployment) -> bool:
    return not any(
        status.queued + status.running + status.waiting + status.parked
        for status in deployment.flow.status().values()
    )


def _account(deployment: Deployment, events: int) -> None:
    done = Counter(note["id"] for note in deployment.noted())
    refused = {f"e{number}:typed" for number in range(0, events, 100)}
    expected = {f"e{number}:{target}" for number in range(events) for target in TARGETS} - refused
    assert set() == expected - set(done), "lost"
    assert set() == set(done) - expected, "never asked for"
    status = deployment.flow.status()
    assert {name: events - (len(refused) if name == "typed" else 0) for name in TARGETS} == {
        name: status[name].delivered for name in TARGETS
    }
    _account_for_twice(deployment, done)
    deployment.wait(lambda: _dead_letters(deployment) == refused, "the dead letters to be recorded")


def _account_for_twice(deployment: Deployment, done: Counter[str]) -> None:
    """What ran twice was in flight at a kill: its process was killed before it could say so."""
    notes: dict[str, list[dict]] = {identity: [] for identity, count in done.items() if count > 1}
    for note in deployment.noted():
        if note["id"] in notes:
            notes[note["id"]].append(note)
    for identity, tries in notes.items():
        for unfinished in sorted(tries, key=lambda note: note["at"])[:-1]:
            killed_at = deployment.killed.get(unfinished["pid"])
            assert killed_at is not None, f"{identity} ran twice, and nothing was killed"
            assert -1 < killed_at - unfinished["at"] < 5, f"{identity} had time to be finished"


def _dead_letters(deployment: Deployment) -> set[str]:
    listed = deployment.command("deadletters", "list", "--json", "--limit", "1000")
    assert listed.returncode == 0, listed.stderr
    return {letter["id"] for letter in json.loads(listed.stdout)}
