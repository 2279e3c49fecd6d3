"""Replays, through real routers, workers and recorders: what is sent again, to whom, and once."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from eventflow.events import Event
from eventflow.store import ArchiveFilter, ArchiveStore, open_engine
from eventflow.store.replay_records import ReplayState
from eventflow.store.replays import ReplayStore
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      vendor: {task: project.vendor}
      audit: {task: project.audit}
    rules:
      doors: {pattern: {detail-type: [CourierArrived]}, targets: [vendor, audit]}
      everything: {pattern: {source: [courier.app]}, targets: [audit]}
      again: {pattern: {replay-name: [{prefix: only-}]}, targets: [vendor]}
    archives:
      courier: {pattern: {source: [courier.app]}, retention: 7d}
"""

PROJECT = """
    @flow.subscriber("vendor")
    def vendor(event: Event, delivery: Delivery):
        note(delivery, event=event.id, replay=event.replay_name, rules=list(delivery.rules))

    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery, event=event.id, replay=event.replay_name, rules=list(delivery.rules))
"""

DOORS = [f"door-{number:02}" for number in range(20)]
PARCELS = [f"parcel-{number:02}" for number in range(20)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment in which forty events were delivered and archived, in turn of two types."""
    place = tmp_path_factory.mktemp("project")
    with deployed(place, project=PROJECT, rules=RULES, report_interval=0.2) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["vendor", "audit"])
        deployment.start("recorder", ["eventflow.dead-letters", "eventflow.archive"])
        deployment.await_ready()
        for door, parcel in zip(DOORS, PARCELS, strict=True):
            for name, kind in ((door, "CourierArrived"), (parcel, "ParcelLeft")):
                data = {"number": int(name[-2:])}
                deployment.flow.publish(Event(id=name, source="courier.app", type=kind, data=data))
        deployment.settle()
        yield deployment


def replay(deployment: Deployment, *arguments: str) -> dict[str, Any]:
    """Run a replay of all that happened, and wait until it is delivered."""
    answer = deployment.command("replay", "--from", "1h", "--yes", "--json", *arguments)
    assert 0 == answer.returncode, answer.stderr
    deployment.settle()
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def delivered(deployment: Deployment, name: str | None) -> dict[str, list[str]]:
    """Return the events that each target was handed by a replay, in order."""
    found: dict[str, list[str]] = {"vendor": [], "audit": []}
    for noted in deployment.noted():
        if noted["replay"] == name:
            found[noted["id"].rpartition(":")[2]].append(noted["event"])
    return found


def archived(deployment: Deployment) -> int:
    """Return how many events are archived."""
    engine = open_engine(deployment.settings.store_url)
    try:
        return ArchiveStore(engine).count(ArchiveFilter())
    finally:
        engine.dispose()


def test_events_are_sent_again_in_order_of_time(running: Deployment) -> None:
    """Each once, marked, to every target whose rules match, and not archived again."""
    told = replay(running, "--name", "all-of-it")
    in_order = [name for pair in zip(DOORS, PARCELS, strict=True) for name in pair]
    assert ("completed", 40, 40) == (told["state"], told["seen"], told["sent"])
    assert {"vendor": DOORS, "audit": in_order} == delivered(running, "all-of-it")
    assert {"vendor": DOORS, "audit": in_order} == delivered(running, None), "the first time"
    assert 40 == archived(running)


def test_a_name_is_given_once(running: Deployment) -> None:
    """A second replay of the same name is refused, and says what to do."""
    replay(running, "--name", "once", "--type", "ParcelLeft")
    answer = running.command("replay", "--from", "1h", "--yes", "--name", "once")
    assert 1 == answer.returncode
    assert "there is a replay 'once' already" in answer.stderr
    assert {"vendor": [], "audit": PARCELS} == delivered(running, "once")


def test_a_replay_may_be_for_one_target(running: Deployment) -> None:
    """The routers hold to it, though other rules match too."""
    told = replay(running, "--name", "for-vendor", "--target", "vendor")
    assert 20 == told["sent"]
    assert {"vendor": DOORS, "audit": []} == delivered(running, "for-vendor")


def test_a_replay_may_be_by_one_rule(running: Deployment) -> None:
    """Other rules do not count; the delivery says which one did."""
    told = replay(running, "--name", "by-doors", "--rule", "doors", "--target", "audit")
    assert (20, 20) == (told["seen"], told["sent"]), "the database left out the rest"
    assert {"vendor": [], "audit": DOORS} == delivered(running, "by-doors")
    rules = {tuple(noted["rules"]) for noted in running.noted() if noted["replay"] == "by-doors"}
    assert {("doors",)} == rules


def test_a_pattern_chooses(running: Deployment) -> None:
    """Events that it does not match are not sent; patterns see the replay's name."""
    pattern = json.dumps({"detail": {"number": [{"numeric": ["<", 3]}]}})
    told = replay(running, "--name", "only-few", "--pattern", pattern)
    assert (40, 6) == (told["seen"], told["sent"])
    few = [name for pair in zip(DOORS[:3], PARCELS[:3], strict=True) for name in pair]
    assert {"vendor": few, "audit": few} == delivered(running, "only-few")


def test_a_dry_run_changes_nothing(running: Deployment) -> None:
    """It tells how many deliveries would come of it, to whom, and how long it takes."""
    before = len(running.noted())
    arguments = ["replay", "--from", "1h", "--dry-run", "--rate", "4/s", "--json"]
    answer = running.command(*arguments)
    told = json.loads(answer.stdout)
    assert (40, 10.0) == (told["would_send"], told["seconds"])
    assert {"audit": 40, "vendor": 20} == told["deliveries"]
    assert {"doors": 20, "everything": 40} == told["rules"]
    assert "door-00" == told["sample"][0]["event_id"]
    assert before == len(running.noted())
    people = running.command("replay", "--from", "1h", "--dry-run", "--rule", "doors")
    assert "20 of 20 archived events would be sent" in people.stdout


def test_what_cannot_be_is_refused(running: Deployment) -> None:
    """Before anything is sent, as a wrong use of the command."""
    answer = running.command("replay", "--from", "1h", "--yes", "--target", "nobody")
    assert 2 == answer.returncode
    assert "the target 'nobody' is not in the rules" in answer.stderr


def start_slowly(deployment: Deployment, name: str, rate: str) -> subprocess.Popen[str]:
    """Start a replay that takes its time, and wait until it has sent something."""
    command = [sys.executable, "-m", "eventflow", "replay", "--from", "1h", "--yes"]
    process = subprocess.Popen(
        [*command, "--name", name, "--rate", rate],
        cwd=deployment.place,
        env=deployment.environment,
        text=True,
        stderr=subprocess.PIPE,
    )
    deployment.wait(lambda: sum(map(len, delivered(deployment, name).values())) > 0, "its events")
    return process


def test_a_replay_is_cancelled_from_anywhere(running: Deployment) -> None:
    """The process that runs it stops by itself; the replay is over for good."""
    process = start_slowly(running, "cancelled", "2/s")
    assert 0 == running.command("replay", "cancel", "cancelled").returncode
    began = time.monotonic()
    said = process.communicate(timeout=10)[1]
    assert (1, True) == (process.returncode, time.monotonic() - began < 5)
    assert "Replay cancelled was cancelled" in said
    answer = running.command("replay", "resume", "cancelled")
    assert (1, True) == (answer.returncode, "is cancelled" in answer.stderr)
    shown = running.command("replay", "show", "cancelled")
    assert "replay cancelled of the bus default: cancelled" in shown.stdout
    listed = json.loads(running.command("replay", "list", "--state", "cancelled", "--json").stdout)
    assert ["cancelled"] == [one["name"] for one in listed]


def test_a_replay_that_is_interrupted_is_resumed(running: Deployment) -> None:
    """Ctrl-C says how to go on; then every event was sent once."""
    process = start_slowly(running, "interrupted", "4/s")
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=10)[1]
    assert 130 == process.returncode
    assert "`eventflow replay resume interrupted` goes on" in said
    resume_faster(running, "interrupted")
    assert_each_once(running, "interrupted")


def test_a_replay_that_is_killed_is_resumed(running: Deployment) -> None:
    """Killed at any time, the next process goes on: nothing is lost, nothing is sent twice."""
    process = start_slowly(running, "killed", "4/s")
    process.kill()
    process.communicate(timeout=10)
    resume_faster(running, "killed")
    assert_each_once(running, "killed")


def resume_faster(deployment: Deployment, name: str) -> None:
    """Resume a replay, at a higher rate, to its end."""
    engine = open_engine(deployment.settings.store_url)
    stored = ReplayStore(engine).get(name)
    assert stored.progress.sent < 40
    engine.dispose()
    answer = deployment.command("replay", "resume", name, "--rate", "1000/s", "--json")
    assert 0 == answer.returncode, answer.stderr
    told = json.loads(answer.stdout)
    assert (ReplayState.COMPLETED.value, 40, 40) == (told["state"], told["seen"], told["sent"])
    deployment.settle()


def assert_each_once(deployment: Deployment, name: str) -> None:
    """Check that every event reached its targets once, in order."""
    found = delivered(deployment, name)
    assert {"vendor": DOORS, "audit": sorted(DOORS + PARCELS)} == {
        "vendor": found["vendor"],
        "audit": sorted(found["audit"]),
    }
    assert {1} == set(Counter(found["audit"]).values())
