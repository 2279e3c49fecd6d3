"""A person pauses and resumes a target on a real deployment, whose workers go on all the while."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eventflow.cli.main import Talk, cli
from eventflow.diagnosis import examine
from eventflow.events import Event
from tests.deployment import Deployment, deployed

COUNT = 60
RULES = """
    targets:
      orders: {task: project.orders, retry: {initial: 10ms, max: 20ms}}
      mail: {task: project.mail}
    rules:
      all: {pattern: {source: [shop]}, targets: [orders, mail]}
"""
PROJECT = """
    @flow.subscriber("orders")
    def orders(event: Event, delivery: Delivery):
        if event.data.get("fail") and delivery.attempt == 1:
            raise OSError("not now")
        note(delivery)

    @flow.subscriber("mail")
    def mail(event: Event, delivery: Delivery):
        note(delivery)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router, and a worker for both targets."""
    place = tmp_path_factory.mktemp("steering")
    with deployed(
        place, project=PROJECT, rules=RULES, actor="ana@desk", reconcile_interval=0.3
    ) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["orders", "mail"])
        deployment.await_ready()
        yield deployment


def command(running: Deployment, *arguments: str) -> Result:
    """Run `eventflow ARGUMENTS` in this process, with the deployment's settings."""
    return CliRunner(env=running.environment).invoke(cli, list(arguments), obj=Talk())


def listed(running: Deployment, *arguments: str) -> dict[str, Any]:
    """Return what `eventflow targets list` says of the target."""
    done = command(running, "targets", "list", "--json", *arguments)
    assert done.exit_code == 0, done.stderr
    [found] = [item for item in json.loads(done.stdout) if item["target"] == "orders"]
    return found


def test_a_pause_and_what_follows(running: Deployment) -> None:
    """All of a paused target waits, and is seen to; then all is delivered, in order."""
    before = running.flow.status()
    paused = command(running, "targets", "pause", "orders", "--reason", "stock-taking")
    assert (paused.exit_code, paused.stdout) == (0, ""), paused.stderr
    events = [Event(id=f"e{n:02}", source="shop", type="Order", data={}) for n in range(COUNT)]
    running.flow.publish_many(events)
    status = running.flow.status
    running.wait(lambda: status()["orders"].parked == COUNT, "all to be parked")
    running.wait(
        lambda: status()["mail"].delivered == before["mail"].delivered + COUNT,
        "the other target to have all",
    )
    assert status()["orders"].paused
    running.await_log("worker", "deliveries of target orders wait: it is paused")
    shown = listed(running, "--paused")
    assert (shown["paused"], shown["paused_by"], shown["paused_reason"], shown["parked"]) == (
        True,
        "ana@desk",
        "stock-taking",
        COUNT,
    )
    findings = examine(running.settings, running.flow.celery).findings
    assert "target-paused" in {finding.code for finding in findings}
    again = command(running, "targets", "pause", "orders", "--reason", "other")
    assert "was paused already: paused since" in again.stderr
    resumed = command(running, "targets", "resume", "orders")
    assert f"orders goes on, with {COUNT} deliveries that waited" in resumed.stderr
    running.wait(
        lambda: status()["orders"].delivered == before["orders"].delivered + COUNT,
        "all to be delivered",
    )
    ids = {f"{event.id}:orders" for event in events}
    handed = [note["id"] for note in running.noted() if note["id"] in ids]
    assert handed == [f"e{number:02}:orders" for number in range(COUNT)]
    assert status()["orders"].dead == 0
    audit = json.loads(command(running, "audit", "list", "--target", "orders", "--json").stdout)
    assert {line["what"] for line in audit} == {"targets pause", "targets resume"}
    assert {line["who"] for line in audit} == {"ana@desk"}


def test_a_retry_that_falls_due_in_a_pause_waits(running: Deployment) -> None:
    """A pause holds retries too, and none of their attempts is spent."""
    ledger = running.flow.context.ledgers.of("default")
    before = running.flow.status()["orders"]
    ledger.open_breaker("orders", seconds=None, reason="")
    running.flow.publish(Event(id="late", source="shop", type="Order", data={"fail": True}))
    running.wait(lambda: running.flow.status()["orders"].parked == 1, "it to be parked")
    ledger.pause("orders", reason="", by="")
    ledger.close_breaker("orders")
    assert running.flow.status()["orders"].parked == 1, "the pause holds it"
    ledger.resume("orders")
    running.wait(lambda: running.flow.status()["orders"].retried > before.retried, "it to fail")
    running.wait(
        lambda: running.flow.status()["orders"].delivered > before.delivered, "it to be delivered"
    )
    [note] = [note for note in running.noted() if note["id"] == "late:orders"]
    assert note["attempt"] == 2


def test_what_is_taken_out_of_redis_comes_back(running: Deployment) -> None:
    """A delivery that someone deletes from its place is found by the router, and made."""
    ledger = running.flow.context.ledgers.of("default")
    ledger.pause("orders", reason="", by="")
    running.flow.publish(Event(id="taken", source="shop", type="Order", data={}))
    running.wait(lambda: running.flow.status()["orders"].parked == 1, "it to be parked")
    assert running.client().zrem("eventflow:{default}:parked:orders", "taken:orders") == 1
    ledger.resume("orders")
    running.wait(
        lambda: "taken:orders" in {note["id"] for note in running.noted()}, "it to be made"
    )
    assert "1 deliveries of target orders were registered and nowhere" in running.log("router")
    running.wait(
        lambda: ledger.balances(["orders"])["orders"].difference == 0, "its balance to be even"
    )


def test_a_balance_is_shown_and_settled(running: Deployment) -> None:
    """`targets balance` has routing and each target; `settle` ends a difference, with an audit line."""
    done = command(running, "targets", "balance", "--json")
    names = [line["target"] for line in json.loads(done.stdout)]
    assert names == ["eventflow.route", "eventflow.dead-letters", "mail", "orders"]
    even = command(running, "targets", "balance", "--uneven")
    assert (even.stdout, even.stderr) == ("", "Every balance is even.\n")
    client = running.client()
    client.hincrby("eventflow:{default}:counts:mail", "registered", 2)
    uneven = command(running, "targets", "balance", "--uneven", "--json")
    assert [(line["target"], line["difference"]) for line in json.loads(uneven.stdout)] == [
        ("mail", 2)
    ]
    findings = examine(running.settings, running.flow.celery).findings
    [uneven_one] = [one for one in findings if one.code == "balance-difference"]
    assert uneven_one.where == "target mail"
    assert uneven_one.message.startswith("2 deliveries are missing on the bus 'default'")
    settled = command(running, "targets", "settle", "mail")
    assert "2 were missing" in settled.stderr
    assert "there is nothing to settle" in command(running, "targets", "settle", "mail").stderr
    audit = json.loads(command(running, "audit", "list", "--target", "mail", "--json").stdout)
    assert [(line["what"], line["count"]) for line in audit] == [("targets settle", 2)]


def test_a_target_that_nobody_knows_is_refused(running: Deployment) -> None:
    """Each command says which targets there are, and ends with 2."""
    for name in ("pause", "resume", "settle"):
        done = command(running, "targets", name, "order")
        assert done.exit_code == 2
        assert "no target 'order'; known are: mail, orders" in done.stderr
