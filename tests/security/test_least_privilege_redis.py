"""On a Redis that is ledger and broker, each process does its work with a user of its own."""

import json
from collections.abc import Iterator

import pytest
import redis

from tests.security.reference import INTEGRATIONS, Guarded, guarded_deployment
from tests.servers import redis_server, require


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The reference deployment, as many users as processes."""
    require(redis_server.find_program(), redis_server.MISSING)
    with guarded_deployment(tmp_path_factory.mktemp("guarded")) as guarded:
        yield guarded


@pytest.mark.timeout(300)
def test_the_deployment_works(guarded: Guarded) -> None:
    """What is published is delivered, retried, dead-lettered and redriven, and nothing is refused."""
    deployment, world = guarded.deployment, guarded.world
    guarded.admin.acl_log_reset()
    world.control({"outage": True})
    guarded.publish("e-late", "garage-1")
    guarded.publish("e-never", "nowhere")

    def waiting() -> list[str]:
        listed = guarded.command("operator", "retries", "list", "--json")
        return [item["delivery_id"] for item in json.loads(listed)]

    deployment.wait(lambda: "e-late:device-vendor" in waiting(), "the retry to wait")
    traced = json.loads(guarded.command("operator", "trace", "e-late", "--json"))
    states = {each["target"]: each["state"] for each in traced["runs"][0]["deliveries"]}
    # Parked where enough has failed meanwhile to open its breaker.
    assert states["device-vendor"] in {"waiting", "parked"}
    assert {} == traced["away"]
    world.control({"outage": False})
    deployment.settle()

    def letters(*options: str) -> list[str]:
        listed = guarded.command("operator", "deadletters", "list", "--json", *options)
        return [letter["id"] for letter in json.loads(listed)]

    deployment.wait(lambda: "e-never:device-vendor" in letters(), "the dead letter")
    assert "e-never" in guarded.command("operator", "trace", "--where", "id=e-never", "--json")
    world.control({"unknown": []})
    # As a plan, which looks how the delivery fares.
    guarded.command("operator", "deadletters", "redrive", "--target", "device-vendor", "--yes")
    deployment.settle()
    arrived = {call["key"] for call in world.account().body["accepted"]}
    assert {"e-late:device-vendor", "e-never:device-vendor"} <= arrived
    assert {"e-late:notifications", "e-never:notifications"} <= arrived
    audited = (deployment.place / "audit.jsonl").read_text()
    assert "e-late" in audited
    assert "e-never" in audited
    assert [] == guarded.refusals()


def test_operators_replay(guarded: Guarded) -> None:
    """What is archived is sent again by an operator's user, and nothing is refused."""
    deployment = guarded.deployment
    guarded.admin.acl_log_reset()
    guarded.publish("e-archived", "garage-1")
    deployment.settle()
    options = ("--name", "again", "--target", "audit", "--yes", "--json")
    told = json.loads(guarded.command("operator", "replay", "--from", "1h", *options))
    assert "completed" == told["state"]
    assert told["sent"] > 0
    deployment.settle()
    assert [] == guarded.refusals()


def test_a_worker_may_publish_if_it_is_told_so(guarded: Guarded) -> None:
    """A worker's user publishes with `--publishes`; without, it is refused and told of the command."""
    guarded.add_user("worker", "--target", "audit", "--user", "echo", "--publishes")
    options = ("publish", "--source", "echo", "--type", "Echo")
    guarded.command("echo", *options, "--id", "e-echo")
    guarded.deployment.settle()
    assert "e-echo" in (guarded.deployment.place / "audit.jsonl").read_text()
    guarded.become("audit")
    done = guarded.deployment.command(*options)
    assert 1 == done.returncode
    assert "`eventflow acl redis` prints the rights" in done.stderr


def test_flower_watches(guarded: Guarded) -> None:
    """Flower sees every worker, with a user that can read no queue and no event."""
    flower = guarded.start_flower()
    names = {*INTEGRATIONS, "router", "recorder"}
    guarded.deployment.wait(lambda: flower.workers() == names, f"Flower to see {names}")
    assert flower.ask("/api/queues/length")
    assert [] == [said for said in guarded.refusals() if said.startswith("monitor")]


OTHER = "e-seed:audit"
DELIVERY = f"eventflow:{{default}}:delivery:{OTHER}"
BODY = "eventflow:{default}:body:e-seed"
JOURNAL = "eventflow:{default}:journal"
REFUSED = r"(?i)no permissions|the user executing the script can't|ACL failure in script"
STEAL = "return redis.call('{}', KEYS[1])"

STOLEN = {
    # Other targets' deliveries, queues and breakers.
    "read a delivery": ("HGETALL", DELIVERY),
    "change a delivery": ("HSET", DELIVERY, "attempts", "99"),
    "list what is queued": ("ZRANGE", "eventflow:{default}:queued:audit", 0, -1),
    "list what waits": ("ZRANGE", "eventflow:{default}:waiting:notifications", 0, -1),
    "read a queue": ("LRANGE", "audit", 0, -1),
    "take from a queue": ("BRPOP", "audit", 1),
    "flood a queue": ("LPUSH", "audit", "{}"),
    "open a breaker": ("HSET", "eventflow:{default}:breaker:audit", "state", "open"),
    "take tokens": ("HSET", "eventflow:{default}:tokens:audit", "tokens", 0),
    "read what others have in hand": ("HGETALL", "eventflow:unacked:audit"),
    # What belongs to nobody alone.
    "list dead letters": ("HGETALL", "eventflow:{default}:dead-letters"),
    "read a dead letter": ("HGET", "eventflow:{default}:dead-letters", OTHER),
    "forget a dead letter": ("HDEL", "eventflow:{default}:dead-letters", OTHER),
    "forget what the recorder is to do": (
        "DEL",
        "eventflow:{default}:queued:eventflow.dead-letters",
    ),
    "read the journal": ("XRANGE", JOURNAL, "-", "+"),
    "forget a part of the journal": ("XTRIM", JOURNAL, "MAXLEN", 0),
    "forget the journal": ("DEL", JOURNAL),
    "change a policy": ("HSET", "eventflow:{default}:targets", "audit", "{}"),
    "forget the policies": ("DEL", "eventflow:{default}:targets"),
    "change an event": ("SET", BODY, "{}"),
    "forge an event": ("HSET", "eventflow:{default}:event:forged", "state", "accepted"),
    "have an event routed": ("ZADD", "eventflow:{default}:queued:eventflow.route", 1, "forged"),
    "wake a router": ("LPUSH", "eventflow.route", "{}"),
    "read a process's report": ("GET", "eventflow:process:router@host:0"),
    # The server.
    "flush": ("FLUSHALL",),
    "flush one database": ("FLUSHDB",),
    "list keys": ("KEYS", "*"),
    "walk over keys": ("SCAN", 0),
    "guess a key": ("RANDOMKEY",),
    "read the configuration": ("CONFIG", "GET", "*"),
    "change the configuration": ("CONFIG", "SET", "dir", "/tmp"),
    "ask about the server": ("INFO",),
    "list clients": ("CLIENT", "LIST"),
    "cut off clients": ("CLIENT", "KILL", "TYPE", "normal"),
    "listen to all commands": ("MONITOR",),
    "read the users": ("ACL", "LIST"),
    "change the users": ("ACL", "SETUSER", "device-vendor", "+@all"),
    "stop the server": ("SHUTDOWN", "NOSAVE"),
    "make it follow another": ("REPLICAOF", "127.0.0.1", "1"),
    "load a function": ("FUNCTION", "LOAD", "#!lua name=x\n"),
    "move a key away": ("MIGRATE", "127.0.0.1", "1", BODY, "0", "1"),
    # Celery: what others tell, and what they are told.
    "listen to what workers tell": ("PSUBSCRIBE", "/0.celeryev/*"),
    "shut workers down": ("PUBLISH", "/0.celery.pidbox", "{}"),
    "read answers to others": ("BRPOP", "x.reply.celery.pidbox", 1),
    # The same in a script: by a key that it is called with, and by one that it is not.
    "read a delivery in a script": ("EVAL", STEAL.format("HGETALL"), 1, DELIVERY),
    "read dead letters in a script": (
        *("EVAL", STEAL.format("HGETALL"), 1, "eventflow:{default}:dead-letters"),
    ),
    "read a delivery in a script, unsaid": (
        "EVAL",
        f"return redis.call('HGETALL', '{DELIVERY}')",
        0,
    ),
    "list keys in a script": ("EVAL", "return redis.call('KEYS', '*')", 0),
    "flush in a script": ("EVAL", "return redis.call('FLUSHALL')", 0),
    "change an event in a script": ("EVAL", "return redis.call('SET', KEYS[1], '{}')", 1, BODY),
    "shut workers down in a script": (
        *("EVAL", "return redis.call('PUBLISH', '/0.celery.pidbox', '{}')", 0),
    ),
}


@pytest.fixture
def seeded(guarded: Guarded) -> Iterator[Guarded]:
    """The deployment, with something of each kind that could be stolen."""
    admin = guarded.admin
    admin.hset(DELIVERY, "attempts", 1)
    admin.set(BODY, "{}")
    admin.zadd("eventflow:{default}:waiting:notifications", {"e-seed:notifications": 4e9})
    admin.hset("eventflow:{default}:dead-letters", OTHER, "{}")
    admin.set("eventflow:process:router@host:0", "{}")
    yield guarded
    admin.delete(DELIVERY, BODY, "eventflow:process:router@host:0")
    admin.zrem("eventflow:{default}:waiting:notifications", "e-seed:notifications")
    admin.hdel("eventflow:{default}:dead-letters", OTHER, "forged:audit")


@pytest.mark.parametrize("attempt", STOLEN)
def test_a_stolen_password_is_refused(seeded: Guarded, attempt: str) -> None:
    """With the password of the device vendor's worker, the server refuses all but its own work."""
    thief = seeded.client("device-vendor")
    with pytest.raises(redis.ResponseError, match=REFUSED):
        thief.execute_command(*STOLEN[attempt])


def test_what_redis_cannot_express(seeded: Guarded) -> None:
    """The docs say what a stolen worker's password can do still; this is the whole of it."""
    thief = seeded.client("device-vendor")
    assert b"{}" == thief.get(BODY), "an event, if its id is known"
    assert 1 == thief.hset("eventflow:{default}:dead-letters", "forged:audit", "{}")
    assert 1 == thief.lpush("eventflow.dead-letters", "{}")
    assert thief.xadd(JOURNAL, {"s": "lost", "d": OTHER}), "an entry that tells what was not"
    assert 1 == thief.delete(BODY)


PUBLISHER = {
    "read an event": ("GET", BODY),
    "list what is to be routed": ("ZRANGE", "eventflow:{default}:queued:eventflow.route", 0, -1),
    "read a queue": ("BRPOP", "eventflow.route", 1),
    "write to a target's queue": ("LPUSH", "device-vendor", "{}"),
    "register a delivery": ("HSET", "eventflow:{default}:delivery:x:audit", "attempts", 0),
    "read an event in a script": ("EVAL", STEAL.format("GET"), 1, BODY),
    "list keys": ("SCAN", 0),
    "read the journal": ("XRANGE", JOURNAL, "-", "+"),
}


@pytest.mark.parametrize("attempt", PUBLISHER)
def test_a_publisher_only_publishes(seeded: Guarded, attempt: str) -> None:
    """With the shop's password nothing can be read back, and no delivery be made up."""
    with pytest.raises(redis.ResponseError, match=REFUSED):
        seeded.client("publisher").execute_command(*PUBLISHER[attempt])


def test_refusals_are_seen(seeded: Guarded) -> None:
    """The server keeps who was refused what, for whoever looks after it."""
    with pytest.raises(redis.ResponseError):
        seeded.client("audit").flushall()
    assert any(said.startswith("audit command flushall") for said in seeded.refusals())
