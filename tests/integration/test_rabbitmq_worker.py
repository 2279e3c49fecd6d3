"""A worker on RabbitMQ: what comes back again and again, what it declares, what it refuses."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from eventflow.events import Event
from eventflow.store import DeadLetterStore, open_engine
from eventflow.transport.queues import GIVE_UP_AFTER
from tests.deployment import Deployment, deployed
from tests.servers import VirtualHost, require_broker

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

    @app.task(name="project.own")
    def own():
        pass
"""

# The broker's next message is there by the time that the loop looks for more: on a quiet machine that
# is so now and then, on a busy one every time.
SLOW_TO_LOOK = """
    from kombu.transport.pyamqp import Message

    acknowledge = Message.ack

    def acknowledge_slowly(self, *arguments, **options):
        acknowledge(self, *arguments, **options)
        time.sleep(0.02)

    Message.ack = acknowledge_slowly

    @app.task(name="project.timed")
    def timed():
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(json.dumps({"at": time.monotonic()}) + "\\n")
"""
QUEUES = ["eventflow.route", "audit", "eventflow.dead-letters"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Deployment]:
    """A deployment with nothing running yet but its servers."""
    require_broker("rabbitmq")
    with deployed(tmp_path, project=PROJECT, rules=RULES, broker="rabbitmq") as deployment:
        yield deployment


def host_of(running: Deployment) -> VirtualHost:
    """Return the deployment's virtual host."""
    assert isinstance(running.parts.broker, VirtualHost)
    return running.parts.broker


def give_back(running: Deployment, queue: str, times: int) -> None:
    """Take all messages of a queue and give them back, again and again."""
    with host_of(running).connect() as connection, connection.channel() as channel:
        for _ in range(times):
            taken = []
            while (message := channel.basic_get(queue)) is not None:
                taken.append(message.delivery_tag)
            assert taken
            for tag in taken:
                channel.basic_reject(tag, requeue=True)


def test_what_comes_back_too_often_is_ended_before_the_broker_drops_it(
    running: Deployment,
) -> None:
    """A message of ours goes, since the ledger has what it names; any other is a dead letter."""
    running.flow._sender.declare(["audit"])
    running.start("router", ["eventflow.route"])
    running.flow.publish(Event(id="e1", source="test", type="T", data={}))
    running.wait(lambda: running.depth("audit") == 1, "the router to send")
    headers = {"lang": "py", "task": "project.own", "id": "x"}
    running.push_message("audit", b"[[], {}, {}]", headers=headers)
    running.wait(lambda: running.depth("audit") == 2, "both messages")
    running.kill("router")
    give_back(running, "audit", GIVE_UP_AFTER)
    running.start("worker", QUEUES)
    running.settle()
    assert ["e1:audit"] == [note["id"] for note in running.noted()]
    assert "given back 10 times and is dropped" in running.log("worker")
    engine = open_engine(running.settings.store_url)
    store = DeadLetterStore(engine)
    running.wait(lambda: store.count().total == 1, "the dead letter")
    [letter] = store.list()
    engine.dispose()
    assert letter.reason.value == "poison"
    assert "given back 10 times" in letter.error


def test_no_queue_is_made_that_nobody_needs(running: Deployment) -> None:
    """Celery's native delayed delivery, with its 28 queues, is not set up."""
    running.start("worker", QUEUES)
    running.await_ready()
    made = host_of(running).queues()
    assert set(QUEUES) <= made.keys()
    assert not [name for name in made if "delayed" in name]
    assert {"quorum"} == {made[name]["type"] for name in QUEUES}


def test_a_classic_queue_is_in_the_way(running: Deployment) -> None:
    """A worker does not start on a queue of another kind, and says how to be rid of it."""
    with host_of(running).connect() as connection, connection.channel() as channel:
        channel.queue_declare("audit", durable=True, auto_delete=False)
    running.start("worker", QUEUES)
    assert running.processes["worker"].wait(60) == 1
    said = running.log("worker")
    assert "another queue 'audit'" in said
    assert "delete_queue audit" in said
    assert "Traceback" not in said


def test_a_user_without_the_right_is_told(running: Deployment) -> None:
    """A worker whose user may not declare its queue does not start, and says what to grant."""
    host = host_of(running)
    host.node.add_user("reader", "secret", host.name, configure="^$", write=".*", read=".*")
    running.environment["EVENTFLOW_BROKER_URL"] = host.node.url_of(host.name, "reader", "secret")
    running.start("worker", ["audit"])
    assert running.processes["worker"].wait(60) == 1
    said = running.log("worker")
    assert "'audit' that this user could declare" in said
    assert "secret" not in said


def test_garbage_waits_for_the_ledger(running: Deployment) -> None:
    """While no dead letter can be written, none is lost: it is one once the ledger is back."""
    running.start("worker", QUEUES)
    running.await_ready()
    running.parts.ledger.stop()
    running.push_raw("audit", b"while the ledger is away")
    running.await_log("worker", "cannot be used")
    running.parts.ledger.start()
    engine = open_engine(running.settings.store_url)
    store = DeadLetterStore(engine)
    running.wait(lambda: store.count().total == 1, "the dead letter")
    engine.dispose()
    assert 0 == running.depth("audit")


def test_a_queue_that_is_deleted_comes_back(running: Deployment) -> None:
    """Its worker goes on, and what was on it is sent again."""
    running.start("router", ["eventflow.route"])
    running.start("worker", ["audit"])
    running.await_ready()
    running.flow.publish(Event(id="before", source="test", type="T", data={}))
    running.settle()
    host = host_of(running)
    host.node.request("DELETE", f"queues/{host.name}/audit")
    running.flow._sender.declare(["audit"])  # so soon that the worker may not be told
    running.flow.publish(Event(id="after", source="test", type="T", data={}))
    running.settle()
    assert ["before:audit", "after:audit"] == [note["id"] for note in running.noted()]
    assert running.processes["worker"].poll() is None
    assert host.queues()["audit"]["type"] == "quorum"


def test_no_message_waits_for_the_acknowledgement_of_the_one_before(tmp_path: Path) -> None:
    """A worker of one process says that a message is through before its loop sleeps."""
    require_broker("rabbitmq")
    project = PROJECT + SLOW_TO_LOOK
    with deployed(tmp_path, project=project, rules=RULES, broker="rabbitmq") as running:
        running.flow._sender.declare(["audit"])
        headers = {"lang": "py", "task": "project.timed", "id": "x"}
        for _ in range(100):
            running.push_message("audit", b"[[], {}, {}]", headers=headers)
        running.start("worker", ["audit"], "-P", "solo", "-c", "1")
        running.wait(lambda: len(running.noted()) == 100, "all messages")
        times = [note["at"] for note in running.noted()]
        gaps = sorted(after - before for before, after in pairwise(times))
        # A busy machine has its pauses too.
        assert [] == [gap for gap in gaps[:-3] if gap > 0.5]
