"""Whatever is pushed into a queue by hand becomes a dead letter, and the worker goes on."""

import base64
import json
import pickle
import uuid
from collections.abc import Iterator

import pytest

from eventflow.events import Event
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
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router, a recorder and a worker."""
    place = tmp_path_factory.mktemp("garbage")
    with deployed(place, project=PROJECT, rules=RULES) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["audit", "ghost"])
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()
        yield deployment


def message(headers: object, body: bytes, content_type: str = "application/json") -> bytes:
    """Return a kombu message as it is in a Redis list."""
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": headers,
            "properties": {
                "body_encoding": "base64",
                "correlation_id": "x",
                "delivery_mode": 2,
                "delivery_tag": str(uuid.uuid4()),
                "delivery_info": {"exchange": "", "routing_key": "QUEUE"},
                "priority": 0,
            },
        }
    ).encode()


HEADERS = {"lang": "py", "task": "eventflow.deliver", "id": "made-up"}
GARBAGE = {
    "raw bytes": (b"\x00\xff garbage", "undecodable"),
    "JSON that is no message": (b'{"a": 1}', "undecodable"),
    "no headers": (message({}, b"[[], {}, {}]"), "undecodable"),
    "null headers": (message(None, b"[[], {}, {}]"), "undecodable"),
    "pickle": (
        message(HEADERS, pickle.dumps([(), {}, {}]), "application/x-python-serialize"),
        "undecodable",
    ),
    "a body that is no JSON": (message(HEADERS, b"{nonsense"), "undecodable"),
    "a body of another shape": (message(HEADERS, b'"text"'), "undecodable"),
    "other arguments": (message(HEADERS, b"[[1, 2], {}, {}]"), "undecodable"),
    "an unknown task": (
        message({**HEADERS, "task": "no.such.task"}, b"[[], {}, {}]"),
        "unknown_task",
    ),
}


@pytest.mark.parametrize("queue", ["audit", "eventflow.route", "eventflow.dead-letters"])
def test_garbage_is_a_dead_letter(running: Deployment, queue: str) -> None:
    """Each kind is kept with its bytes and origin; then the worker still does its work."""
    before = set(letters(running))
    client = running.client()
    for entry, _ in GARBAGE.values():
        client.lpush(queue, entry.replace(b"QUEUE", queue.encode()))

    def new() -> list[dict]:
        found = letters(running)
        return [found[identity] for identity in set(found) - before]

    running.wait(lambda: len(new()) == len(GARBAGE), "all garbage to be a dead letter")
    wanted = sorted(reason for _, reason in GARBAGE.values())
    assert wanted == sorted(letter["reason"] for letter in new())
    shown = [
        json.loads(running.command("deadletters", "show", letter["id"], "--json").stdout)
        for letter in new()
    ]
    assert {queue} == {letter["message"]["queue"] for letter in shown}
    raw = base64.b64encode(b"\x00\xff garbage").decode()
    assert [letter["message"]["body_base64"] for letter in shown].count(raw) == 1
    event = Event(source="test", type="After", data={})
    running.flow.publish(event)
    running.settle()
    assert f"{event.id}:audit" in {note["id"] for note in running.noted()}


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
    running.wait(lambda: running.client().llen("audit") == 0, "the queue to be read")
    running.flow.publish(Event(id="later", source="test", type="Once", data={}))
    running.settle()
    assert [note["id"] for note in running.noted()].count("once:audit") == 1


def test_a_task_that_no_worker_has_is_a_dead_letter(running: Deployment) -> None:
    """The target's deliveries are kept, and the reason says whose task it is."""
    running.flow.publish(Event(id="g1", source="test", type="Ghost", data={}))
    running.settle()
    running.wait(lambda: "g1:ghost" in letters(running), "the dead letter")
    letter = letters(running)["g1:ghost"]
    assert letter["reason"] == "unknown_task"
    assert "project.nobody_has_this" in letter["error"]


def test_what_is_amiss_is_said_at_start(running: Deployment) -> None:
    """A worker names a target without a task, and a subscriber without a target."""
    said = running.log("worker")
    assert "the target 'ghost' names the task project.nobody_has_this" in said
    assert "bound to the target 'misspelt', which no rule file defines" in said


def letters(running: Deployment) -> dict[str, dict]:
    """Return the dead letters, as the command lists them."""
    listed = running.command("deadletters", "list", "--json", "--limit", "1000")
    assert listed.returncode == 0, listed.stderr
    return {letter["id"]: letter for letter in json.loads(listed.stdout)}
