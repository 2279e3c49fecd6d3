"""Async subscribers in real workers: many in flight, each on its own, and none lost with a process."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      vendor:
        task: project.vendor
        timeout: 2s
        concurrency: 100
        retry: {initial: 50ms, max: 100ms}
    rules:
      all: {pattern: {source: [test]}, targets: [vendor]}
"""

PROJECT = """
    import asyncio, signal

    in_flight = 0

    @flow.subscriber("vendor")
    async def vendor(event: Event, delivery: Delivery):
        global in_flight
        in_flight += 1
        note(delivery, step="began", in_flight=in_flight)
        try:
            if delivery.attempt == 1:
                await asyncio.sleep(600 if event.data["do"] == "hang" else 0.2)
            match event.data["do"]:
                case "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "block":
                    time.sleep(1.5)
        finally:
            in_flight -= 1
        note(delivery, step="ended")
"""
POOLS = {
    "prefork": ("-P", "prefork", "-c", "1"),
    "solo": ("-P", "solo"),
    "threads": ("-P", "threads", "-c", "1"),
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router and a recorder; what is lost with its worker would be found only after minutes."""
    with deployed(
        tmp_path_factory.mktemp("async"),
        project=PROJECT,
        rules=RULES,
        requeue_after=600,
        lease_margin=600,
    ) as running:
        running.start("router", ["eventflow.route"])
        running.start("recorder", ["eventflow.dead-letters"])
        running.await_ready()
        yield running


@pytest.fixture
def pool(request: pytest.FixtureRequest, deployment: Deployment) -> Iterator[str]:
    """A worker of this pool, which ends with the test."""
    deployment.notes.write_text("")
    deployment.start("vendor", ["vendor"], *POOLS[request.param])
    deployment.await_ready("vendor")
    yield request.param
    stop(deployment)


def stop(deployment: Deployment) -> None:
    """Have the worker, and not its pool's processes, told to stop, and wait for its end."""
    worker = deployment.processes.pop("vendor")
    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(30)


def publish(
    deployment: Deployment, begin: str, count: int, acts: dict[int, str] | None = None
) -> list[str]:
    """Publish events whose calls take 200 ms each, some of which do something else."""
    events = [
        Event(id=f"{begin}{number}", source="test", type="T", data={"do": (acts or {}).get(number)})
        for number in range(count)
    ]
    deployment.flow.publish_many(events)
    return [f"{event.id}:vendor" for event in events]


def steps(deployment: Deployment, step: str) -> Counter[str]:
    """Count how often each delivery came so far."""
    return Counter(note["id"] for note in deployment.noted() if note["step"] == step)


def await_in_flight(deployment: Deployment, count: int) -> None:
    """Wait until so many calls are under way."""
    deployment.wait(
        lambda: any(note.get("in_flight", 0) >= count for note in deployment.noted()),
        f"{count} calls to be under way",
    )


@pytest.mark.parametrize("pool", ["threads"], indirect=True)
def test_a_hundred_are_in_flight(deployment: Deployment, pool: str) -> None:
    """One process has a hundred calls under way, and each delivery is made once."""
    began = time.monotonic()
    ids = publish(deployment, f"{pool}-", 400)
    deployment.settle()
    assert time.monotonic() - began < 400 * 0.2 / 4, "they ran beside each other"
    assert steps(deployment, "ended") == steps(deployment, "began") == Counter(ids)
    assert max(note.get("in_flight", 0) for note in deployment.noted()) == 100
    assert len({note["pid"] for note in deployment.noted()}) == 1


@pytest.mark.parametrize("pool", ["solo"], indirect=True)
def test_one_that_hangs_and_one_that_blocks(deployment: Deployment, pool: str) -> None:
    """What hangs is tried again, what blocks is said; all others are delivered once, meanwhile."""
    begun = deployment.log_path("vendor").stat().st_size
    ids = publish(deployment, "h", 60, {3: "hang", 20: "block"})
    deployment.settle()
    assert steps(deployment, "began") == Counter([*ids, "h3:vendor"])
    assert steps(deployment, "ended") == Counter(ids)
    ends = {note["id"]: note["at"] for note in deployment.noted() if note["step"] == "ended"}
    assert max(ends, key=lambda identity: ends[identity]) == "h3:vendor"
    log = deployment.log("vendor", since=begun)
    assert "the async subscriber of target vendor blocks its loop" in log
    assert f"in {deployment.place / 'project.py'}:" in log


@pytest.mark.parametrize("pool", ["prefork"], indirect=True)
def test_a_process_is_killed_in_the_middle(deployment: Deployment, pool: str) -> None:
    """By one of its deliveries, three times; those beside it are made at most once more, alone."""
    ids = publish(deployment, "k", 60, {30: "kill"})
    deployment.settle()
    assert set(steps(deployment, "ended")) == set(ids) - {"k30:vendor"}
    began = steps(deployment, "began")
    assert began.pop("k30:vendor") == 3
    assert set(began.values()) == {1, 2}

    def letters() -> list[tuple[str, str]]:
        listed = deployment.command("deadletters", "list", "--json")
        return [(letter["id"], letter["reason"]) for letter in json.loads(listed.stdout)]

    deployment.wait(lambda: letters() == [("k30:vendor", "poison")], "the poison to be recorded")


@pytest.mark.parametrize("pool", ["prefork"], indirect=True)
def test_a_worker_that_stops_ends_what_runs(deployment: Deployment, pool: str) -> None:
    """SIGTERM: calls under way end, no more begin, and another worker makes the rest, once each."""
    ids = publish(deployment, "s", 200)
    await_in_flight(deployment, 8)
    stop(deployment)
    assert steps(deployment, "began") == steps(deployment, "ended")
    assert 0 < len(steps(deployment, "ended")) < len(ids)
    deployment.start("vendor", ["vendor"], "-P", "solo")
    deployment.settle()
    assert steps(deployment, "ended") == steps(deployment, "began") == Counter(ids)
