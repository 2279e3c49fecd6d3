"""What was lost on the way is found; rules change under running routers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      audit: {task: project.audit, retry: {initial: 0s}}
    rules:
      all: {pattern: {source: [test]}, targets: [audit]}
"""

MORE = """
    targets:
      second: {task: project.second}
    rules:
      second: {pattern: {source: [test]}, targets: [second]}
"""

PROJECT = """
    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("second")
    def second(event: Event, delivery: Delivery):
        note(delivery)
"""


@pytest.fixture
def running(any_broker: str, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment with nothing running yet but its servers."""
    with deployed(tmp_path, project=PROJECT, rules=RULES, broker=any_broker) as deployment:
        yield deployment


def publish(running: Deployment, event_id: str) -> None:
    """Publish one event."""
    running.flow.publish(Event(id=event_id, source="test", type="T", data={}))


def noted(running: Deployment) -> set[str]:
    """Return the deliveries that were made."""
    return {note["id"] for note in running.noted()}


def test_a_lost_message_is_sent_again(running: Deployment) -> None:
    """An event or a delivery whose message has vanished from the broker is delivered all the same."""
    publish(running, "no-message-to-route")
    assert running.lose_messages("eventflow.route") == 1
    running.start("router", ["eventflow.route"])
    running.wait(lambda: running.depth("audit") == 1, "the router to send")
    assert running.lose_messages("audit") == 1
    running.start("worker", ["audit"])
    running.settle()
    assert noted(running) == {"no-message-to-route:audit"}
    assert len(running.noted()) == 1


def test_what_waits_is_not_sent_again_and_again(running: Deployment) -> None:
    """A backlog that nobody works on is left alone: a message that calls for it is on the queue."""
    running.start("router", ["eventflow.route"])
    running.flow.publish_many(
        [Event(id=f"e{number}", source="test", type="T", data={}) for number in range(5)]
    )
    ledger = running.flow._ledgers.of("default")
    running.wait(lambda: len(ledger.queued("audit", 10)) == 5, "all to be routed")
    running.wait(lambda: running.depth("audit") == 1, "one message")
    running.wait(lambda: ledger.stale(["audit"])["audit"][0] > 2.5, "twice the patience to pass")
    assert running.depth("audit") == 1


def test_a_flood_of_one_kind_keeps_no_other_waiting(running: Deployment) -> None:
    """Sources and types are routed in turn: the last event to come is not the last to be routed."""
    running.flow.publish_many(
        [Event(id=f"flood{n}", source="flood", type="T", data={}) for n in range(3_000)]
    )
    publish(running, "late")
    running.start("worker", ["audit"])
    running.await_ready()
    running.start("router", ["eventflow.route"])
    running.wait(lambda: "late:audit" in noted(running), "the late event to be delivered")
    routed = 3_000 - running.client().zcard("eventflow:{default}:queued:eventflow.route")
    assert routed < 1_000, "most of the flood was not routed yet"
    running.settle()
    assert running.client().exists("eventflow:{default}:lanes") == 0


def test_a_worker_without_rule_files_knows_its_target(running: Deployment) -> None:
    """Routers announce targets in the ledger; a worker needs no files."""
    running.start("router", ["eventflow.route"])
    publish(running, "first")
    running.wait(lambda: running.depth("audit") == 1, "the router to send")
    running.environment["EVENTFLOW_RULES"] = str(running.place / "nowhere")
    running.start("worker", ["audit"])
    running.settle()
    assert noted(running) == {"first:audit"}


def test_rules_change_under_a_running_router(running: Deployment) -> None:
    """A new file counts without a restart; a faulty one is refused, loudly, and the last good stay."""
    running.start("router", ["eventflow.route"])
    running.await_ready("router")
    running.write_rules(MORE, "more.yaml")
    running.await_log("router", "2 rules")
    running.start("worker", ["audit", "second"])
    publish(running, "e1")
    running.settle()
    assert noted(running) == {"e1:audit", "e1:second"}
    running.write_rules("rules: {broken: {pattern: {source: 5}}}", "broken.yaml")
    running.await_log("router", "broken.yaml:1:")
    publish(running, "e2")
    running.settle()
    assert {"e2:audit", "e2:second"} <= noted(running)


def test_a_router_does_not_start_on_faulty_rules(running: Deployment) -> None:
    """Without a good set ever, a router says all faults and ends."""
    running.write_rules("rules: {broken: {pattern: {source: 5}, colour: red}}", "broken.yaml")
    running.start("router", ["eventflow.route"])
    assert running.processes["router"].wait(60) == 1
    said = running.log("router")
    assert "source" in said
    assert "colour" in said
    assert "Traceback" not in said


def test_a_misspelt_queue_is_refused(running: Deployment) -> None:
    """`-Q` with a name that no target has ends with the names that there are."""
    running.start("worker", ["audti"])
    assert running.processes["worker"].wait(60) == 1
    said = running.log("worker")
    assert "no target has the queue 'audti'" in said
    assert "audit" in said
    assert "Traceback" not in said
