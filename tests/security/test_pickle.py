"""Nothing is ever unpickled: not from a queue, not from remote control, not from what workers tell."""

import os
import pickle
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu import Exchange
from kombu.serialization import disable_insecure_serializers, enable_insecure_serializers

from eventflow.app import EventFlow
from eventflow.events import Event
from eventflow.settings import load_settings
from tests.deployment import Deployment, deployed

PICKLE = "application/x-python-serialize"
QUEUES = ("audit", "eventflow.route", "eventflow.dead-letters")

RULES = """
    targets: {audit: {task: project.audit}}
    rules: {all: {pattern: {source: [test]}, targets: [audit]}}
"""

PROJECT = """
    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)
"""


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {shlex.quote(str(self.path))}",)


@pytest.fixture(scope="module")
def running(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router, a worker and a recorder, and Flower, which hears what they tell."""
    place = tmp_path_factory.mktemp("pickle")
    with deployed(place, project=PROJECT, rules=RULES, broker=broker) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["audit"])
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()
        deployment.run("flower", ["-m", "celery", "-A", "project", "flower", "--port=0"])
        deployment.await_log("flower", "Connected to")
        yield deployment


def tell(deployment: Deployment, exchange: str, kind: str, body: object) -> None:
    """Publish *body*, pickled, to an exchange of Celery's."""
    enable_insecure_serializers(["pickle"])
    try:
        with deployment.flow.celery.connection_for_write() as connection:
            connection.Producer().publish(
                body,
                exchange=Exchange(exchange, type=kind),
                routing_key="worker.heartbeat" if exchange == "celeryev" else "",
                serializer="pickle",
            )
    finally:
        disable_insecure_serializers()


@pytest.mark.timeout(240)
def test_a_pickle_is_never_opened(running: Deployment, tmp_path: Path) -> None:
    """A pickle that makes a file makes none, wherever it is put, and all goes on."""
    proof = tmp_path / "proof"
    pickle.loads(pickle.dumps(Bomb(proof)))
    assert proof.exists(), "the bomb is none"
    places = [tmp_path / f"bomb-{number}" for number in range(2 * len(QUEUES) + 2)]
    headers = {"lang": "py", "task": "eventflow.deliver", "id": "made-up"}
    for number, queue in enumerate(QUEUES):
        body = pickle.dumps([(Bomb(places[2 * number]),), {}, {}])
        running.push_message(
            queue, body, headers=headers, content_type=PICKLE, content_encoding="binary"
        )
        running.push_raw(queue, pickle.dumps(Bomb(places[2 * number + 1])))
    # On Redis these two are no queues: who listens hears them at once.
    kind = "topic" if running.flow.celery.connection().transport.driver_type == "amqp" else "fanout"
    tell(
        running, "celery.pidbox", "fanout", {"method": "ping", "arguments": {"x": Bomb(places[-2])}}
    )
    tell(running, "celeryev", kind, {"type": "worker-heartbeat", "x": Bomb(places[-1])})

    def buried() -> int:
        return running.command("deadletters", "list", "--json").stdout.count('"undecodable"')

    running.wait(lambda: buried() == 2 * len(QUEUES), "each to be a dead letter")
    running.flow.publish(Event(id="after", source="test", type="Test", data={}))
    running.settle()
    assert "after:audit" in {note["id"] for note in running.noted()}

    def answers() -> set[str]:
        replies = running.flow.celery.control.ping(timeout=2) or []
        return {name.partition("@")[0] for reply in replies for name in reply}

    running.wait(lambda: answers() == {"router", "worker", "recorder"}, "all to answer a ping")
    assert running.processes["flower"].poll() is None
    assert [] == [place.name for place in places if place.exists()]


def test_a_joined_app_that_takes_pickle_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """What a user's own app accepts is its owner's business, and said aloud."""
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.accept_content = ["json", "pickle"]
    EventFlow(load_settings(), celery=app)
    assert "accepts pickle" in caplog.text
