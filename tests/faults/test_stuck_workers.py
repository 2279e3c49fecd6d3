"""A worker that is alive and takes nothing is found: it or its pool is frozen, or it is not subscribed."""

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from eventflow.delivery import CanaryStatus
from eventflow.diagnosis import examine
from eventflow.events import Event
from eventflow.transport import make_queue
from tests.deployment import Deployment, deployed
from tests.servers import require_broker

PATIENCE = 1.5  # seconds
QUEUES = ("eventflow.route", "frozen", "deaf", "slow")
RULES = """
    targets:
      frozen: {task: project.frozen}
      deaf: {task: project.deaf}
      slow: {task: project.slow, timeout: 30s}
    rules:
      all: {pattern: {source: [shop]}, targets: [slow]}
"""
PROJECT = """
    import pathlib, threading
    from celery.signals import worker_ready

    @flow.subscriber("frozen")
    def frozen(event: Event, delivery: Delivery): ...

    @flow.subscriber("deaf")
    def deaf(event: Event, delivery: Delivery): ...

    @flow.subscriber("slow")
    def slow(event: Event, delivery: Delivery):
        time.sleep(2)
        note(delivery)

    @app.task(name="report")
    def report():
        time.sleep(2)
        with open(os.environ["NOTES"] + ".report", "w") as done:
            done.write("done")

    @worker_ready.connect
    def lose_subscription(sender, **_):
        # What a lost subscription leaves: a worker that lives, reports itself, and is sent nothing.
        def lose():
            while not pathlib.Path(os.environ["NOTES"] + ".deaf").exists():
                time.sleep(0.02)
            sender.hub.call_soon(sender.task_consumer.cancel)
        if sender.hostname.startswith("deaf@"):
            threading.Thread(target=lose, daemon=True).start()
"""


@pytest.fixture(scope="module", params=["valkey", "rabbitmq"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A router, and three workers that will be frozen, deaf, and slow."""
    require_broker(request.param)
    settings = {
        "report_interval": 0.2,
        "canary_interval": 0.3,
        "canary_patience": PATIENCE,
        "reconcile_interval": 0.5,
    }
    folder = tmp_path_factory.mktemp("stuck")
    with deployed(
        folder, project=PROJECT, rules=RULES, broker=request.param, **settings
    ) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("frozen", ["frozen"], "-P", "prefork", "-c", "1")
        for name in ("deaf", "slow"):
            deployment.start(name, [name])
        deployment.await_ready()
        for queue in QUEUES:
            deployment.wait(partial(is_answered, deployment, queue), f"{queue} to answer")
        yield deployment


def status_of(deployment: Deployment, queue: str) -> CanaryStatus:
    """Return what is known of a queue's canary."""
    known = deployment.flow.context.ledgers.canaries().read()
    return known.get(queue, CanaryStatus(queue))


def is_answered(deployment: Deployment, queue: str) -> bool:
    """Whether a canary was ever taken from a queue."""
    return status_of(deployment, queue).answered > 0


def victim(deployment: Deployment) -> int:
    """Return what is frozen: on Redis the worker itself, on RabbitMQ the one process of its pool."""
    worker = deployment.processes["frozen"].pid
    if deployment.settings.celery_broker_url.startswith("redis"):
        return worker
    return int(Path(f"/proc/{worker}/task/{worker}/children").read_text().split()[0])


def await_stuck(deployment: Deployment, queue: str) -> None:
    """Wait until a queue's workers count as stuck."""
    deployment.wait(lambda: status_of(deployment, queue).stuck > 0, f"{queue} to be found", 15)


def test_each_queue_that_is_read_answers(place: Deployment) -> None:
    """Canaries come back from every queue, and none of them counts as a delivery or a dead letter."""
    assert all(is_answered(place, queue) for queue in QUEUES)
    assert status_of(place, "eventflow.dead-letters") == CanaryStatus("eventflow.dead-letters")
    assert place.flow.status()["frozen"].delivered == 0
    assert "eventflow.canary[" not in place.log("frozen"), "nobody wants to read of each"
    assert place.client().hlen("eventflow:{default}:dead-letters") == 0


def test_the_stuck_are_found_and_the_busy_are_not(place: Deployment) -> None:
    """A frozen worker and a deaf one are named within their time; one that works for longer is not."""
    place.flow.publish(Event(source="shop", type="Order", data={}, id="one"))
    place.wait(lambda: place.flow.status()["slow"].running == 1, "the slow one to begin")
    place.flow.celery.send_task("report", queue=make_queue("slow"))
    place.notes.with_suffix(".jsonl.deaf").touch()
    os.kill(victim(place), signal.SIGSTOP)
    for queue in ("frozen", "deaf"):
        await_stuck(place, queue)
        place.await_log("router", f"nothing is taken from the queue {queue}")
        status = status_of(place, queue)
        assert PATIENCE < status.stuck - status.since < PATIENCE + 10
    found = examine(place.settings, place.flow.celery).findings
    stuck = {finding.where for finding in found if finding.code == "worker-stuck"}
    assert stuck == {"queue frozen", "queue deaf"}
    assert place.depth("deaf") <= 2, "canaries do not pile up"
    place.wait(lambda: place.notes.with_suffix(".jsonl.report").exists(), "the report")
    assert [note["id"] for note in place.noted()] == ["one:slow"]
    assert "from the queue slow" not in place.log("router")
    assert "from the queue eventflow.route" not in place.log("router")


def test_a_worker_that_thaws_is_well_again(place: Deployment) -> None:
    """Once it answers, the finding is over, and the log has a line of it."""
    if not status_of(place, "frozen").stuck:
        os.kill(victim(place), signal.SIGSTOP)
        await_stuck(place, "frozen")
    os.kill(victim(place), signal.SIGCONT)
    place.wait(lambda: status_of(place, "frozen").stuck == 0, "it to be well again")
    place.await_log("router", "the queue frozen is read again")
