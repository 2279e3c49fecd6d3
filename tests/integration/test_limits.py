"""Circuit breaker, rate and limit in flight, with real workers: the target is spared, others go on."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventflow.delivery import BreakerState
from eventflow.events import Event
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      vendor:
        task: project.vendor
        retry: {initial: 50ms, max: 50ms, jitter: none}
        circuit_breaker: {failure_rate: 0.5, min_calls: 4, window: 60s, open_for: 500ms}
      healthy: {task: project.healthy}
      limited: {task: project.limited, rate_limit: 40/s}
      narrow: {task: project.narrow, max_in_flight: 2}
    rules:
      vendor: {pattern: {detail-type: [Vendor]}, targets: [vendor, healthy]}
      limited: {pattern: {detail-type: [Limited]}, targets: [limited]}
      narrow: {pattern: {detail-type: [Narrow]}, targets: [narrow]}
"""

PROJECT = """
    @flow.subscriber("vendor")
    def vendor(event: Event, delivery: Delivery):
        is_down = os.path.exists("vendor-is-down")
        note(delivery, down=is_down)
        if is_down:
            raise OSError("the vendor is down")

    @flow.subscriber("healthy")
    def healthy(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("limited")
    def limited(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("narrow")
    def narrow(event: Event, delivery: Delivery):
        began = time.time()
        time.sleep(0.05)
        note(delivery, began=began)
"""


@pytest.fixture
def running(any_broker: str, tmp_path: Path) -> Iterator[Deployment]:
    """A router and no workers yet."""
    with deployed(tmp_path, project=PROJECT, rules=RULES, broker=any_broker) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.await_ready()
        yield deployment


def publish(running: Deployment, kind: str, count: int, prefix: str = "e") -> None:
    """Publish so many events."""
    running.flow.publish_many(
        [Event(id=f"{prefix}{n}", source="test", type=kind, data={}) for n in range(count)]
    )


def of(running: Deployment, target: str) -> list[dict]:
    """Return what a target's subscriber has noted."""
    return [note for note in running.noted() if note["id"].endswith(f":{target}")]


def breaker(running: Deployment) -> BreakerState:
    """Return the state of the vendor's circuit breaker."""
    return running.flow.breakers()["vendor"].state


def test_an_outage_costs_few_calls_and_no_attempts(running: Deployment) -> None:
    """While the vendor is down it is probed, not called; then everything is delivered once."""
    down = running.place / "vendor-is-down"
    down.touch()
    running.start("vendor", ["vendor"], "-P", "prefork", "-c", "2")
    running.start("healthy", ["healthy"])
    running.await_ready()
    publish(running, "Vendor", 200)
    running.wait(lambda: len(of(running, "healthy")) == 200, "the healthy target to get all")
    running.await_log("vendor", "the circuit breaker of target vendor opened")
    running.wait(lambda: running.flow.status()["vendor"].parked > 190, "deliveries to be parked")
    running.await_log("vendor", "a probe failed (OSError: the vendor is down)")
    calls = len(of(running, "vendor"))
    assert calls < 30, "it was left alone"
    down.unlink()
    running.settle()
    done = [note["id"] for note in of(running, "vendor") if not note["down"]]
    assert sorted(done) == sorted(f"e{number}:vendor" for number in range(200))
    assert max(note["attempt"] for note in of(running, "vendor")) < 8
    assert breaker(running) is BreakerState.CLOSED
    running.await_log("vendor", "the circuit breaker of target vendor closed")


def test_a_person_opens_and_closes_it(running: Deployment) -> None:
    """`eventflow targets open` parks what comes, shows why, and `close` lets it go."""
    running.start("healthy", ["healthy"])
    running.await_ready()
    opened = running.command("targets", "open", "healthy", "--reason", "their maintenance")
    assert opened.returncode == 0, opened.stderr
    publish(running, "Vendor", 5)
    running.wait(lambda: running.flow.status()["healthy"].parked == 5, "all to be parked")
    [shown] = [
        target
        for target in json.loads(running.command("targets", "list", "--json").stdout)
        if target["target"] == "healthy"
    ]
    assert (shown["breaker"], shown["reason"], shown["parked"]) == ("open", "their maintenance", 5)
    assert of(running, "healthy") == []
    assert running.command("targets", "close", "healthy").returncode == 0
    running.wait(lambda: len(of(running, "healthy")) == 5, "all to be delivered")


def test_a_rate_holds_across_workers(running: Deployment) -> None:
    """Three workers together make no more attempts a second than the rate and a tenth."""
    for number in range(3):
        running.start(f"limited-{number}", ["limited"])
    running.await_ready()
    publish(running, "Limited", 120)
    running.settle()
    times = sorted(note["at"] for note in of(running, "limited"))
    assert len(times) == 120
    assert len({note["attempt"] for note in of(running, "limited")}) == 1, "no attempt was spent"
    # A note is written a little after its claim: the slack is for a machine that stutters.
    busiest = max(sum(1 for other in times if at <= other < at + 1) for at in times)
    assert busiest <= 44 * 1.25
    assert times[-1] - times[0] > 120 / 44 - 0.5


def test_only_so_many_run_at_once(running: Deployment) -> None:
    """With four processes and a limit of two, never three overlap."""
    running.start("narrow", ["narrow"], "-P", "prefork", "-c", "4")
    running.await_ready()
    publish(running, "Narrow", 40)
    running.settle()
    notes = of(running, "narrow")
    assert len(notes) == 40
    for one in notes:
        overlapping = [other for other in notes if other["began"] <= one["began"] < other["at"]]
        assert len(overlapping) <= 2
