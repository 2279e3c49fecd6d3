"""With RabbitMQ as the broker and Redis for the ledger, each process has a user of its own on both."""

import json
from collections.abc import Iterator
from uuid import uuid4

import amqp
import pytest

from tests.security.reference import INTEGRATIONS, Guarded, guarded_deployment
from tests.servers import rabbitmq, redis_server, require, shared_node


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The reference deployment, as many users as processes, on both servers."""
    require(redis_server.find_program(), redis_server.MISSING)
    require(rabbitmq.find_program(), rabbitmq.MISSING)
    host = shared_node().add_host(uuid4().hex)
    try:
        with guarded_deployment(tmp_path_factory.mktemp("guarded"), host) as guarded:
            yield guarded
    finally:
        host.remove()


@pytest.mark.timeout(300)
def test_the_deployment_works(guarded: Guarded) -> None:
    """What is published is delivered, retried and dead-lettered, and nothing is refused."""
    deployment, world = guarded.deployment, guarded.world
    guarded.admin.acl_log_reset()
    world.control({"outage": True})
    guarded.publish("e-late", "garage-1")
    guarded.publish("e-never", "nowhere")

    def waiting() -> list[str]:
        listed = guarded.command("operator", "retries", "list", "--json")
        return [item["delivery_id"] for item in json.loads(listed)]

    deployment.wait(lambda: "e-late:device-vendor" in waiting(), "the retry to wait")
    world.control({"outage": False})
    deployment.settle()

    def letters() -> list[str]:
        listed = guarded.command("operator", "deadletters", "list", "--json")
        return [letter["id"] for letter in json.loads(listed)]

    deployment.wait(lambda: "e-never:device-vendor" in letters(), "the dead letter")
    world.control({"unknown": []})
    guarded.command("operator", "deadletters", "redrive", "e-never:device-vendor", "--yes")
    deployment.settle()
    arrived = {call["key"] for call in world.account().body["accepted"]}
    assert {"e-late:device-vendor", "e-never:device-vendor"} <= arrived
    assert [] == guarded.refusals()
    for name in deployment.processes:
        assert "ACCESS_REFUSED" not in deployment.log(name)


def test_flower_watches(guarded: Guarded) -> None:
    """Flower sees every worker, with a user that can read no queue of events or deliveries."""
    flower = guarded.start_flower()
    names = {*INTEGRATIONS, "router", "recorder"}
    guarded.deployment.wait(lambda: flower.workers() == names, f"Flower to see {names}")
    assert "ACCESS_REFUSED" not in guarded.deployment.log("flower")


def connect(guarded: Guarded, user: str) -> amqp.Connection:
    """Return an open connection of one user."""
    assert guarded.host is not None
    connection = amqp.Connection(
        host=f"127.0.0.1:{guarded.host.node.port}",
        userid=user,
        password=f"of-{user}",
        virtual_host=guarded.host.name,
    )
    connection.connect()
    return connection


STOLEN = {
    "consume another's queue": lambda channel: channel.basic_consume("audit"),
    "take from another's queue": lambda channel: channel.basic_get("audit"),
    "empty another's queue": lambda channel: channel.queue_purge("audit"),
    "delete another's queue": lambda channel: channel.queue_delete("audit"),
    "take what is to be routed": lambda channel: channel.basic_get("eventflow.route"),
    "delete what is to be routed": lambda channel: channel.queue_delete("eventflow.route"),
    "take what is to be recorded": lambda channel: channel.basic_get("eventflow.dead-letters"),
    "make a queue": lambda channel: channel.queue_declare("mine"),
    "make an exchange": lambda channel: channel.exchange_declare("mine", "fanout"),
    "shut workers down": lambda channel: channel.basic_publish_confirm(
        amqp.Message("{}"), exchange="celery.pidbox"
    ),
    "listen to what workers tell": lambda channel: channel.queue_bind(
        "device-vendor", "celeryev", "#"
    ),
    "listen to what others are asked": lambda channel: channel.basic_consume(
        "audit@host.celery.pidbox"
    ),
}


@pytest.mark.parametrize("attempt", STOLEN)
def test_a_stolen_password_is_refused(guarded: Guarded, attempt: str) -> None:
    """With the password of the device vendor's worker, RabbitMQ refuses what is not its own work."""
    connection = connect(guarded, "device-vendor")
    try:
        channel = connection.channel()
        with pytest.raises(amqp.AccessRefused):
            STOLEN[attempt](channel)
    finally:
        connection.close()


def test_what_rabbitmq_cannot_express(guarded: Guarded) -> None:
    """The docs say so: who may put a message on one queue may put one on any, and no more."""

    def count() -> int:
        return len(json.loads(guarded.command("operator", "deadletters", "list", "--json")))

    before = count()
    connection = connect(guarded, "device-vendor")
    try:
        channel = connection.channel()
        channel.basic_publish_confirm(amqp.Message("garbage"), routing_key="audit")
    finally:
        connection.close()
    guarded.deployment.wait(lambda: count() == before + 1, "it to be a dead letter, and no more")
