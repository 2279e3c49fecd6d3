"""The whole way of an event, through real Celery workers on a real server."""

from collections.abc import Iterator

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed
from tests.servers import require_broker

RULES = """
    targets:
      device-vendor:
        task: project.unlock_door
        timeout: 1s
        retry: {max_attempts: 4, initial: 50ms, max: 100ms, jitter: none}
      notifications: {task: project.notify, integration: messages}
      audit: {task: project.audit}
      typed: {task: project.typed}
      shaped: {task: project.shaped}
      legacy: {task: shop.send_invoice, queue: legacy-queue}
      keywords: {task: shop.send_mail, arguments: keywords}
    rules:
      doors:
        pattern: {source: [courier.app], detail-type: [CourierArrived]}
        targets: [device-vendor, notifications]
      everything:
        pattern: {source: [{prefix: ""}]}
        targets: [audit]
      typed:
        pattern: {detail-type: [Typed]}
        targets: [typed]
      shaped:
        pattern: {detail-type: [Shaped]}
        targets:
          - target: shaped
            input: {paths: {who: $.detail.who}, template: {message: "Hello, <who>"}}
          - legacy
          - target: keywords
            input: {paths: {who: $.detail.who}, template: {to: <who>, subject: Hi}}
"""

PROJECT = """
    import asyncio
    from pydantic import BaseModel

    class Typed(EventModel, source="shop", type="Typed"):
        number: int

    class Greeting(BaseModel):
        message: str

    @flow.subscriber("device-vendor")
    def unlock_door(event: Event, delivery: Delivery):
        note(delivery, type=event.type)
        how = event.data.get("how")
        if how == "fail": raise OSError("the vendor is down")
        if how == "twice" and delivery.attempt < 3: raise OSError("not yet")
        if how == "refuse": raise Refuse("unknown door")
        if how == "retry" and delivery.attempt == 1: raise Retry(after=0.2, reason="busy")
        if how == "hang" and delivery.attempt == 1: time.sleep(60)

    @flow.subscriber("notifications")
    async def notify(event, delivery: Delivery):
        await asyncio.sleep(0.01)
        note(delivery, type=event.type)

    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery, type=event.type)

    @flow.subscriber("typed")
    def typed(event: Event[Typed], delivery: Delivery):
        note(delivery, number=event.data.number + 1)

    @flow.subscriber("shaped")
    def shaped(greeting: Greeting, delivery: Delivery):
        note(delivery, message=greeting.message)

    class Task:
        def __init__(self, identity): self.id, self.attempt, self.last_attempt = identity, 0, False

    @app.task(name="shop.send_invoice")
    def send_invoice(event):
        note(Task(event["id"] + ":legacy"), type=event["detail-type"])

    @app.task(name="shop.send_mail")
    def send_mail(to, subject):
        note(Task("mail"), to=to, subject=subject)
"""

QUEUES = ["device-vendor", "notifications", "audit", "typed", "shaped", "legacy-queue", "keywords"]


# Each broker with Celery's own pool, and the other pool on one of them.
RUNS = [("valkey", "prefork"), ("valkey", "threads"), ("redis", "prefork"), ("rabbitmq", "prefork")]


@pytest.fixture(scope="module", params=RUNS, ids="-".join)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A router, a recorder and a worker, all real."""
    broker, pool = request.param
    require_broker(broker)
    place = tmp_path_factory.mktemp("project")
    with deployed(place, project=PROJECT, rules=RULES, broker=broker) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", QUEUES, "-P", pool, "-c", "2")
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()
        yield deployment


def publish(running: Deployment, event_id: str, **data: object) -> Event:
    """Publish one courier's arrival and wait until all is delivered."""
    event = Event(id=event_id, source="courier.app", type="CourierArrived", data=data)
    running.flow.publish(event)
    running.settle()
    return event


def attempts(running: Deployment, identity: str) -> list[int]:
    """Return the attempts of a delivery that its subscriber saw."""
    return [note["attempt"] for note in running.noted() if note["id"] == identity]


def letters(running: Deployment) -> dict[str, dict]:
    """Return the dead letters, as the command lists them."""
    import json

    listed = running.command("deadletters", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    return {letter["id"]: letter for letter in json.loads(listed.stdout)}


class TestRouting:
    """Who gets what."""

    def test_each_target_gets_the_event_once(self, running: Deployment) -> None:
        """Rules decide; each target's subscriber is called once, async or not."""
        publish(running, "plain")
        for target in ("device-vendor", "notifications", "audit"):
            assert attempts(running, f"plain:{target}") == [1]

    def test_an_event_that_nothing_matches_is_done(self, running: Deployment) -> None:
        """Other rules' targets hear nothing of it."""
        running.flow.publish(Event(id="odd", source="other", type="Odd", data={}))
        running.settle()
        assert attempts(running, "odd:audit") == [1]
        assert attempts(running, "odd:device-vendor") == []

    def test_publishing_an_id_twice_is_one_event(self, running: Deployment) -> None:
        """Deduplication holds while it is routed and after it is delivered."""
        publish(running, "double")
        publish(running, "double")
        assert attempts(running, "double:device-vendor") == [1]

    def test_typed_events_arrive_typed(self, running: Deployment) -> None:
        """Event[Model] has the model as its data."""
        running.flow.publish(Event(id="t1", source="shop", type="Typed", data={"number": 41}))
        running.settle()
        assert [n["number"] for n in running.noted() if n["id"] == "t1:typed"] == [42]

    def test_input_is_shaped(self, running: Deployment) -> None:
        """A rule's input reaches a model, and an existing Celery task by keywords."""
        data = {"who": 'Ana "the" First'}
        running.flow.publish(Event(id="s1", source="shop", type="Shaped", data=data))
        running.settle()
        noted = running.noted()
        assert [n["message"] for n in noted if n["id"] == "s1:shaped"] == ['Hello, Ana "the" First']
        assert [n["type"] for n in noted if n["id"] == "s1:legacy"] == ["Shaped"]
        assert [(n["to"], n["subject"]) for n in noted if n["id"] == "mail"] == [
            ('Ana "the" First', "Hi")
        ]

    def test_many_events_at_once(self, running: Deployment) -> None:
        """publish_many groups messages; each delivery is still its own."""
        events = [
            Event(id=f"many{number}", source="courier.app", type="CourierArrived", data={})
            for number in range(120)
        ]
        running.flow.publish_many(events)
        running.settle()
        seen = [note["id"] for note in running.noted() if note["id"].startswith("many")]
        expected = {
            f"many{number}:{target}"
            for number in range(120)
            for target in ("device-vendor", "notifications", "audit")
        }
        assert expected == set(seen)
        assert len(expected) == len(seen)


class TestFailing:
    """What a failing integration costs."""

    def test_a_failure_is_retried_alone(self, running: Deployment) -> None:
        """Only the failing target tries again, until it succeeds."""
        publish(running, "flaky", how="twice")
        assert attempts(running, "flaky:device-vendor") == [1, 2, 3]
        assert attempts(running, "flaky:notifications") == [1]

    def test_a_spent_budget_is_a_dead_letter(self, running: Deployment) -> None:
        """After the last attempt, which is told so, the delivery is a dead letter."""
        publish(running, "broken", how="fail")
        identity = "broken:device-vendor"
        lasts = [note["last"] for note in running.noted() if note["id"] == identity]
        assert lasts == [False, False, False, True]
        running.wait(lambda: identity in letters(running), "the dead letter")
        letter = letters(running)[identity]
        assert (
            letter["reason"],
            letter["attempts"],
            letter["error_type"],
        ) == ("max_attempts", 4, "OSError")

    def test_refuse_is_a_dead_letter_at_once(self, running: Deployment) -> None:
        """A subscriber that refuses is not asked again."""
        publish(running, "refused", how="refuse")
        identity = "refused:device-vendor"
        assert attempts(running, identity) == [1]
        running.wait(lambda: identity in letters(running), "the dead letter")
        assert letters(running)[identity]["reason"] == "refused"
        assert letters(running)[identity]["error"] == "unknown door"

    def test_retry_after_waits_as_long(self, running: Deployment) -> None:
        """A vendor's Retry-After is kept, and counts as an attempt."""
        publish(running, "busy", how="retry")
        times = [n["at"] for n in running.noted() if n["id"] == "busy:device-vendor"]
        assert len(times) == 2
        assert times[1] - times[0] >= 0.2

    def test_a_hanging_subscriber_is_ended(self, running: Deployment) -> None:
        """A subscriber that runs past its target's timeout fails, and is tried again."""
        publish(running, "hang", how="hang")
        assert attempts(running, "hang:device-vendor") == [1, 2]

    def test_what_does_not_fit_its_model_is_a_dead_letter(self, running: Deployment) -> None:
        """A typed subscriber is never called with what is not its type."""
        running.flow.publish(Event(id="t2", source="shop", type="Typed", data={"number": "x"}))
        running.settle()
        running.wait(lambda: "t2:typed" in letters(running), "the dead letter")
        letter = letters(running)["t2:typed"]
        assert letter["reason"] == "schema"
        assert "number" in letter["error"]

    def test_a_redrive_delivers(self, running: Deployment) -> None:
        """A dead letter is sent again with a fresh budget, and once only."""
        publish(running, "again", how="fail")
        identity = "again:device-vendor"
        running.wait(lambda: identity in letters(running), "the dead letter")
        done = running.command("deadletters", "redrive", identity)
        assert done.returncode == 0, done.stderr
        running.settle()
        assert attempts(running, identity) == [1, 2, 3, 4, 1, 2, 3, 4]
        running.wait(lambda: letters(running)[identity]["redrives"] == 1, "its second death")
