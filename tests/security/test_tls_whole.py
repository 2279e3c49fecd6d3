"""The whole way of an event over TLS: published, delivered, and as a dead letter in PostgreSQL."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed
from tests.integration.postgres import MISSING, find_binaries, running_postgres
from tests.security.authority import Authority
from tests.security.servers import TlsPostgres, running_rabbitmq, running_redis
from tests.servers import rabbitmq, redis_server, require

RULES = """
    targets:
      audit: {task: project.audit}
      vendor: {task: project.vendor, retry: {max_attempts: 2, initial: 0s, jitter: none}}
    rules:
      all: {pattern: {source: [test]}, targets: [audit, vendor]}
"""

PROJECT = """
    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("vendor")
    def vendor(event: Event, delivery: Delivery):
        note(delivery)
        raise ConnectionError("the vendor is away")
"""


@pytest.fixture(params=["redis", "rabbitmq"])
def running(
    request: pytest.FixtureRequest, authority: Authority, tmp_path: Path
) -> Iterator[Deployment]:
    """A deployment that reaches each of its servers by TLS, with a certificate of its own."""
    pytest.importorskip("psycopg", reason="no driver: pip install 'eventflow[postgres]'")
    require(redis_server.find_program(), redis_server.MISSING)
    mine = authority.sign("mine", "worker")
    settings: dict[str, Any] = {
        "tls_ca": authority.file,
        "tls_certificate": mine.certificate,
        "tls_key": mine.key,
    }
    pair = authority.sign("servers", "localhost", "127.0.0.1")
    with (
        running_redis(pair, authority) as redis,
        running_postgres(require(find_binaries(), MISSING)) as postgres,
    ):
        settings["redis_url"] = redis.url()
        settings["database_url"] = TlsPostgres(postgres, pair).url()
        if request.param == "redis":
            with deployed(tmp_path, project=PROJECT, rules=RULES, **settings) as deployment:
                yield deployment
            return
        require(rabbitmq.find_program(), rabbitmq.MISSING)
        with running_rabbitmq(pair, authority) as rabbit:
            settings["broker_url"] = rabbit.url()
            with deployed(tmp_path, project=PROJECT, rules=RULES, **settings) as deployment:
                yield deployment


@pytest.mark.timeout(240)
def test_an_event_goes_its_way_over_tls(running: Deployment) -> None:
    """One target gets it, the other's attempts are spent, and PostgreSQL has the dead letter."""
    running.run("router", ["-m", "eventflow", "router"])
    running.run("audit", ["-m", "eventflow", "worker", "audit", "--pool", "solo"])
    running.run("vendor", ["-m", "eventflow", "worker", "vendor", "--concurrency", "1"])
    running.run("recorder", ["-m", "eventflow", "recorder"])
    running.await_ready()
    running.flow.publish(Event(id="e1", source="test", type="Test", data={}))
    running.settle()

    def letters() -> list[str]:
        listed = running.command("deadletters", "list", "--json")
        assert 0 == listed.returncode, listed.stderr
        return [letter["id"] for letter in json.loads(listed.stdout)]

    running.wait(lambda: letters() == ["e1:vendor"], "the dead letter to be in PostgreSQL")
    notes = sorted((note["id"], note["attempt"]) for note in running.noted())
    assert [("e1:audit", 1), ("e1:vendor", 1), ("e1:vendor", 2)] == notes
    for name in running.processes:
        assert "insecure" not in running.log(name).lower()
