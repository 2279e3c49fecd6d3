"""The servers of the tests do what they promise, since all that the tests find rests on them."""

import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from eventflow.events import Event
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      audit: {task: project.audit}
    rules:
      all: {pattern: {source: [test]}, targets: [audit]}
"""

PROJECT = """
    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)
"""


@pytest.fixture(scope="module")
def running(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router, and a worker."""
    place = tmp_path_factory.mktemp("servers")
    with deployed(
        place, project=PROJECT, rules=RULES, broker=broker, appendfsync="always"
    ) as deployment:
        deployment.start("all", ["eventflow.route", "audit", "eventflow.dead-letters"])
        deployment.await_ready()
        yield deployment


PATIENCE = 60.0
"""Seconds for a worker to be ready, or for an event to be delivered, after a server came back."""


def deliver(running: Deployment) -> None:
    """Publish an event and see it delivered."""
    event = Event(id=str(uuid4()), source="test", type="T", data={})
    running.flow.publish(event)
    running.settle(PATIENCE)
    assert f"{event.id}:audit" in {note["id"] for note in running.noted()}


def test_an_event_goes_its_way(running: Deployment) -> None:
    """The same rules and code deliver on each broker."""
    deliver(running)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("end", ["stop_broker", "kill_broker"])
def test_a_broker_comes_back_with_its_data(running: Deployment, end: str) -> None:
    """What was on a queue is there after the broker was ended and started."""
    # In order: what a killed worker had not acknowledged yet would be back on its queue.
    running.kill("all", signal.SIGTERM)
    running.lose_messages("audit")  # one may be left, of what a worker took along
    running.push_raw("audit", b"\x00 no message")
    assert running.depth("audit") == 1
    getattr(running, end)()
    assert running.parts.broker.pid is None
    running.start_broker()
    running.wait(lambda: running.depth("audit") == 1, "the message to be there again")
    assert running.lose_messages("audit") == 1
    assert running.depth("audit") == 0
    running.start("all", ["eventflow.route", "audit", "eventflow.dead-letters"])
    running.await_ready(timeout=PATIENCE)
    deliver(running)


def test_a_queue_that_nobody_made_is_empty(running: Deployment) -> None:
    """Its depth is zero."""
    assert running.depth("nobody-made-this") == 0


def test_a_server_is_of_its_own_kind(running: Deployment, broker: str, tmp_path: Path) -> None:
    """The system's redis-server is no Valkey, and the embedded server is one."""
    info = redis.Redis.from_url(running.settings.ledger_url).info("server")
    assert ("valkey_version" in info) == (broker != "redis")
    assert running.settings.celery_broker_url.startswith("amqp") == (broker == "rabbitmq")
