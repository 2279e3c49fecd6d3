"""Whatever is pushed into a queue by hand becomes a dead letter, and the worker goes on."""

import base64
import json
import pickle
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from eventflow.events import Event
from eventflow.store import DeadLetterStore, StoredDeadLetter, open_engine
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      audit: {task: project.audit}
      ghost: {task: project.nobody_has_this}
    rules:
      all: {pattern: {source: [test]}, targets: [audit]}
      ghosts: {pattern: {detail-type: [Ghost]}, targets: [ghost]}
"""

PROJECT = """
    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("misspelt")
    def misspelt(event: Event):
        pass
"""


@pytest.fixture(scope="module")
def running(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router, a recorder and a worker."""
    place = tmp_path_factory.mktemp("garbage")
    with deployed(place, project=PROJECT, rules=RULES, broker=broker) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["audit", "ghost"])
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()
        yield deployment


HEADERS = {"lang": "py", "task": "eventflow.deliver", "id": "made-up"}
ARGUMENTS = b'[["default", "audit", ["made-up:audit"]], {}, {}]'


@dataclass
class Garbage:
    """One message that is none.

    Attributes:
        body: Its bytes.
        reason: What its dead letter is to say.
        properties: What is said of it; None where it is bytes alone.
        only: The kind of broker that it can be put on; empty for each.
    """

    body: bytes
    reason: str = "undecodable"
    properties: dict[str, Any] | None = None
    only: str = ""


def of(body: bytes, reason: str = "undecodable", **properties: Any) -> Garbage:
    """Return garbage with properties."""
    return Garbage(body, reason, {"headers": HEADERS, **properties})


def foreign(routing_key: str) -> bytes:
    """Return what another program may have put into a list: a task for some other queue."""
    properties = {
        "body_encoding": "base64",
        "delivery_tag": str(uuid.uuid4()),
        "delivery_info": {"exchange": "", "routing_key": routing_key},
    }
    return json.dumps(
        {
            "body": base64.b64encode(b"[[], {}, {}]").decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {**HEADERS, "task": "no.such.task"},
            "properties": properties,
        }
    ).encode()


GARBAGE = {
    "raw bytes": Garbage(b"\x00\xff garbage"),
    "JSON that is no message": Garbage(b'{"a": 1}'),
    "nothing at all": Garbage(b""),
    "for another queue": Garbage(foreign("elsewhere"), "unknown_task", only="redis"),
    "another encoding": Garbage(
        foreign("q").replace(b'"body_encoding": "base64"', b'"body_encoding": "rot13"'),
        only="redis",
    ),
    "no headers": of(b"[[], {}, {}]", headers={}),
    "null headers": of(b"[[], {}, {}]", headers=None),
    "pickle": of(pickle.dumps([(), {}, {}]), content_type="application/x-python-serialize"),
    "a body that is no JSON": of(b"{nonsense"),
    "a body of another shape": of(b'"text"'),
    "other arguments": of(b"[[1, 2], {}, {}]"),
    "an unknown task": of(b"[[], {}, {}]", "unknown_task", headers={**HEADERS, "task": "no.such"}),
    "no such compression": of(ARGUMENTS, headers={**HEADERS, "compression": "application/none"}),
    "not compressed": of(ARGUMENTS, headers={**HEADERS, "compression": "application/x-gzip"}),
    "no content type": of(ARGUMENTS, content_type=None, content_encoding=None),
    "a due time that is none": of(ARGUMENTS, headers={**HEADERS, "eta": "soon"}),
    "an end that is none": of(ARGUMENTS, headers={**HEADERS, "expires": "later"}),
    "limits that are none": of(ARGUMENTS, headers={**HEADERS, "timelimit": "none"}),
}


def push(running: Deployment, queue: str) -> dict[str, Garbage]:
    """Put all garbage on a queue, and return what could be put there."""
    kind = "rabbitmq" if running.settings.celery_broker_url.startswith("amqp") else "redis"
    pushed = {name: one for name, one in GARBAGE.items() if one.only in ("", kind)}
    for one in pushed.values():
        if one.properties is None:
            running.push_raw(queue, one.body)
        else:
            running.push_message(queue, one.body, **one.properties)
    return pushed


@pytest.mark.parametrize("queue", ["audit", "eventflow.route", "eventflow.dead-letters"])
def test_garbage_is_a_dead_letter(running: Deployment, queue: str) -> None:
    """Each kind is kept with its bytes and origin; then the worker still does its work."""
    before = set(letters(running))
    pushed = push(running, queue)

    def new() -> list[StoredDeadLetter]:
        found = letters(running)
        return [found[identity] for identity in set(found) - before]

    running.wait(lambda: len(new()) >= len(pushed), "all garbage to be a dead letter")
    assert sorted(one.reason for one in pushed.values()) == sorted(
        letter.reason.value for letter in new()
    )
    messages = [one.letter.message for one in new() if one.letter.message is not None]
    assert [queue] * len(pushed) == [message["queue"] for message in messages]
    kept = Counter(base64.b64decode(message["body_base64"]) for message in messages)
    for name, one in pushed.items():
        if one.only == "":
            assert kept[one.body] >= 1, name
    event = Event(source="test", type="After", data={})
    running.flow.publish(event)
    running.settle()
    assert f"{event.id}:audit" in {note["id"] for note in running.noted()}


def test_garbage_waits_for_the_ledger(running: Deployment) -> None:
    """While no dead letter can be written, none is lost: it is one once the ledger is back."""
    if running.parts.ledger is running.parts.broker:
        pytest.skip("here the ledger is the broker, and goes with it")
    before = set(letters(running))
    running.parts.ledger.stop()
    running.push_raw("audit", b"while the ledger is away")
    running.await_log("worker", "cannot be used")
    running.parts.ledger.start()
    running.wait(lambda: len(set(letters(running)) - before) == 1, "the dead letter")


def test_a_message_for_what_is_finished_does_nothing(running: Deployment) -> None:
    """A made-up or repeated delivery is passed over."""
    from eventflow.transport import Sender, deliver_message

    event = Event(id="once", source="test", type="Once", data={})
    running.flow.publish(event)
    running.settle()
    again = [
        deliver_message("default", "audit", "audit", "project.audit", [(identity, "Once", 0)])
        for identity in ("once:audit", "made-up:audit")
    ]
    Sender(running.flow.celery).send(again)
    running.wait(lambda: running.depth("audit") == 0, "the queue to be read")
    running.flow.publish(Event(id="later", source="test", type="Once", data={}))
    running.settle()
    assert [note["id"] for note in running.noted()].count("once:audit") == 1


def test_a_task_that_no_worker_has_is_a_dead_letter(running: Deployment) -> None:
    """The target's deliveries are kept, and the reason says whose task it is."""
    running.flow.publish(Event(id="g1", source="test", type="Ghost", data={}))
    running.settle()
    running.wait(lambda: "g1:ghost" in letters(running), "the dead letter")
    letter = letters(running)["g1:ghost"]
    assert letter.reason.value == "unknown_task"
    assert "project.nobody_has_this" in letter.error


def test_what_is_amiss_is_said_at_start(running: Deployment) -> None:
    """A worker names a target without a task, and a subscriber without a target."""
    said = running.log("worker")
    assert "the target 'ghost' names the task project.nobody_has_this" in said
    assert "bound to the target 'misspelt', which no rule file defines" in said


def letters(running: Deployment) -> dict[str, StoredDeadLetter]:
    """Return the dead letters in the store."""
    engine = open_engine(running.settings.store_url)
    try:
        store = DeadLetterStore(engine)
        return {one.id: store.get(one.id) for one in store.list(limit=1_000)}
    finally:
        engine.dispose()
