"""What is written without Celery is what Celery writes, and goes with what the ledger accepts."""

import json
from typing import Any

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.events import Event
from eventflow.settings import Settings, load_settings
from eventflow.transport import (
    Message,
    Sender,
    deliver_message,
    journal_message,
    record_message,
    route_message,
)
from eventflow.transport.messages import canary_message

COUNTS = "eventflow:{default}:counts:eventflow.route"
MESSAGES = [
    route_message("default", [("e1", "T")]),
    route_message("b", [("e1", "T"), ('e"2" 5% é', "U")]),
    deliver_message("b", "doors", "doors-queue", "m.unlock", [("e1:doors", "T", 2)]),
    deliver_message("b", "doors", "doors-queue", "m.unlock", [("e1:doors", "T", 0)] * 3),
    record_message("b", ["e1:doors"]),
    canary_message("doors-queue", 1.25),
    journal_message("b"),
]


@pytest.fixture
def flow(server_settings: Settings, client: redis.Redis) -> EventFlow:
    """An EventFlow on an empty server, with no worker."""
    return EventFlow(server_settings)


def take(client: redis.Redis, queue: str) -> Any:
    """Take a message off its queue."""
    entry = client.rpop(queue)
    assert isinstance(entry, bytes)
    document = json.loads(entry)
    assert document["properties"].pop("delivery_tag")
    return document


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: f"{message.task}")
def test_field_by_field(flow: EventFlow, client: redis.Redis, message: Message) -> None:
    """Celery's own producer, on the same server, puts the same there: each field, but for the tag."""
    sender = Sender(flow.celery)
    sender.send([message])
    mine = take(client, message.queue)
    sender.wire._is_plain = False
    sender.send([message])
    assert take(client, message.queue) == mine


def test_order_and_queues(flow: EventFlow, client: redis.Redis) -> None:
    """Messages for several queues go at once, and each queue has its own in order."""
    Sender(flow.celery).send(MESSAGES)
    assert ["e1", MESSAGES[1].task_id] == [
        take(client, "eventflow.route")["headers"]["id"] for _ in range(2)
    ]
    assert client.llen("doors-queue") == 3


def count(client: redis.Redis, name: str) -> int:
    """Return how often a command was called, by a client or a script."""
    facts: Any = client.info("commandstats")
    return int(facts.get(f"cmdstat_{name}", {"calls": 0})["calls"])


def test_one_round_trip(flow: EventFlow, client: redis.Redis) -> None:
    """Where the broker is the ledger, an event and its message are one call."""
    flow.publish(Event(id="first", source="s", type="T", data={}))
    client.delete("eventflow.route", COUNTS)
    client.config_resetstat()
    flow.publish(Event(id="e1", source="s|x", type="T|y", data={}))
    answered: Any = client.info("commandstats")
    assert count(client, "evalsha") == 1
    # INFO, and what is asked with it, are the test's own; the rest is the script's.
    sent = {name.removeprefix("cmdstat_") for name in answered} - {"info", "config|resetstat"}
    assert {"evalsha", "lpush", "time", "hget", "set", "zadd", "rpush", "hset"} <= sent
    message = take(client, "eventflow.route")
    assert ("e1", "(T|y e1)") == (message["headers"]["id"], message["headers"]["argsrepr"])


def test_a_duplicate_calls_nobody(flow: EventFlow, client: redis.Redis) -> None:
    """An event that is known and routed has no message; one that is not routed yet has."""
    event = Event(id="e1", source="s", type="T", data={})
    flow.publish(event)
    client.delete("eventflow.route", COUNTS)
    client.hset("eventflow:{default}:event:e1", "state", "routed")
    flow.publish(event)
    assert client.llen("eventflow.route") == 0


def test_two_servers(client: redis.Redis, server_settings: Settings) -> None:
    """Where the broker is another database, the message is there, and nothing in the ledger's."""
    place = server_settings.celery_broker_url.replace("virtual_host=0", "virtual_host=1")
    settings = load_settings(broker_url=place, redis_url=server_settings.ledger_url)
    EventFlow(settings).publish(Event(id="e1", source="s", type="T", data={}))
    assert client.llen("eventflow.route") == 0
    other = redis.Redis.from_url(server_settings.ledger_url.replace("db=0", "db=1"))
    assert other.llen("eventflow.route") == 1
    other.close()


def test_a_worker_takes_it(flow: EventFlow, client: redis.Redis) -> None:
    """kombu, as a Celery worker has it, reads the message back."""
    flow.publish(Event(id="e1", source="s", type="T", data={}))
    with flow.celery.connection_for_read() as connection:
        queue = connection.SimpleQueue("eventflow.route")
        message = queue.get(timeout=10)
        assert message.payload[0] == ["default", ["e1"]]
        message.ack()
        queue.close()
