"""A delivery that ends its worker is a dead letter after three times; its neighbours are delivered."""

import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      vendor: {task: project.vendor, timeout: 1s, retry: {initial: 50ms, max: 100ms}}
    rules:
      all: {pattern: {source: [test]}, targets: [vendor]}
"""

PROJECT = """
    import ctypes, resource, signal

    @flow.subscriber("vendor")
    def vendor(event: Event, delivery: Delivery):
        note(delivery)
        match event.data["end"]:
            case "exit":
                os._exit(7)
            case "segfault":
                ctypes.string_at(0)
            case "killed":  # as the kernel does where memory runs out
                os.kill(os.getpid(), signal.SIGKILL)
            case "sys.exit":
                raise SystemExit(3)
"""

COUNT = 40


def publish(deployment: Deployment, ends: dict[int, str]) -> None:
    """Publish forty events in one list; some of them end their worker."""
    deployment.flow.publish_many(
        [
            Event(id=f"e{n}", source="test", type="T", data={"end": ends.get(n, "")})
            for n in range(COUNT)
        ]
    )


def account(deployment: Deployment, ends: Collection[int]) -> None:
    """Hold that poison was tried three times and is a dead letter, and all else was delivered once."""
    poison = {f"e{number}:vendor" for number in ends}
    tries = Counter(note["id"] for note in deployment.noted())
    assert tries == {f"e{n}:vendor": 3 if f"e{n}:vendor" in poison else 1 for n in range(COUNT)}

    def letters() -> dict[str, dict]:
        listed = deployment.command("deadletters", "list", "--json", "--limit", "1000")
        assert listed.returncode == 0, listed.stderr
        return {letter["id"]: letter for letter in json.loads(listed.stdout)}

    deployment.wait(lambda: set(letters()) == poison, "the poison to be recorded")
    assert {letter["reason"] for letter in letters().values()} == {"poison"}
    assert {letter["attempts"] for letter in letters().values()} == {3}
    assert {letter["error_type"] for letter in letters().values()} == {"WorkerLost"}


@pytest.mark.timeout(180)
def test_poison_in_a_pool(any_broker: str, tmp_path: Path) -> None:
    """The pool's process dies, its parent tells the ledger: no lease is waited for."""
    with deployed(
        tmp_path, project=PROJECT, rules=RULES, broker=any_broker, lease_margin=60
    ) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("vendor", ["vendor"], "-P", "prefork", "-c", "2")
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()
        ends = {7: "exit", 13: "segfault", 20: "killed", 21: "sys.exit"}
        publish(deployment, ends)
        deployment.settle()
        account(deployment, ends)
        assert "has ended its worker's process" in deployment.log("vendor")


def await_end(deployment: Deployment, worker: str) -> None:
    """Wait until a worker has ended, or nothing is left to do."""
    process = deployment.processes[worker]
    deployment.wait(
        lambda: process.poll() is not None or deployment.is_settled(),
        "the worker to end, or all to be done",
    )


@pytest.mark.timeout(240)
def test_poison_in_a_worker_without_a_pool(tmp_path: Path) -> None:
    """The whole worker dies with it, and what starts it again is no help: the lease counts."""
    with deployed(tmp_path, project=PROJECT, rules=RULES) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()
        publish(deployment, {5: "segfault"})
        starts = 0
        while not deployment.is_settled():
            starts += 1
            deployment.start(f"vendor-{starts}", ["vendor"])
            await_end(deployment, f"vendor-{starts}")
        assert starts == 4, "three ended, and the fourth buried the cause"
        account(deployment, {5})
