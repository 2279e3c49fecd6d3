"""The journal of real processes: every step of a delivery reaches the store, in order."""

from collections.abc import Iterator

import pytest

from eventflow.app import EventFlow
from eventflow.diagnosis import examine
from eventflow.events import Event
from eventflow.journal import JournalEntry, Step
from eventflow.settings import Settings
from eventflow.store import JournalStore, open_engine
from eventflow.worker.mover import Mover
from tests.deployment import Deployment, deployed
from tests.servers import require_broker

RULES = """
    targets:
      vendor: {task: project.vendor, retry: {max_attempts: 3, initial: 50ms, jitter: none}}
      audit: {task: project.audit}
    rules:
      doors: {pattern: {source: [courier]}, targets: [vendor]}
      everything: {pattern: {source: [{prefix: ""}]}, targets: [audit, vendor]}
"""
PROJECT = """
    @flow.subscriber("vendor")
    def vendor(event: Event, delivery: Delivery):
        time.sleep(0.02)
        if delivery.attempt <= event.data["fail"]: raise OSError("the vendor is down")
        note(delivery)

    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery): ...
"""
RECORDED = ["eventflow.dead-letters", "eventflow.journal"]
COUNTS = "eventflow:{default}:counts:eventflow.journal"


@pytest.fixture(scope="module")
def deployment(any_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A router, a worker and the recorder; no canaries, since messages of its queue are counted."""
    require_broker(any_broker)
    place = tmp_path_factory.mktemp("journal")
    settings = {"requeue_after": 0.3, "canary_interval": 0}
    with deployed(place, project=PROJECT, rules=RULES, broker=any_broker, **settings) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["vendor", "audit"])
        deployment.start("recorder", RECORDED)
        deployment.await_ready()
        yield deployment


@pytest.fixture(scope="module")
def store(deployment: Deployment) -> Iterator[JournalStore]:
    """The store of its journal."""
    engine = open_engine(deployment.settings.store_url)
    yield JournalStore(engine)
    engine.dispose()


def test_a_journal_waits_for_its_recorder(deployment: Deployment, store: JournalStore) -> None:
    """One message lies on its queue, however long; when it is lost, there is another."""
    client = deployment.client()
    deployment.kill("recorder")
    deployment.flow.publish(Event(id="waits", source="shop", type="Sold", data={"fail": 0}))

    def look_twice() -> None:
        for _ in range(2):
            before = float(client.hget(COUNTS, "until") or 0)
            deployment.wait(
                lambda: float(client.hget(COUNTS, "until") or 0) > before,  # noqa: B023
                "the mover to look again",
            )

    deployment.wait(lambda: deployment.depth("eventflow.journal") >= 1, "the recorder's message")
    look_twice()
    # One, and on RabbitMQ also the one that the recorder may have held when it died.
    assert deployment.lose_messages("eventflow.journal") in {1, 2}
    deployment.wait(lambda: deployment.depth("eventflow.journal") == 1, "a message again")
    look_twice()
    assert 1 == deployment.depth("eventflow.journal")
    deployment.start("recorder", RECORDED)
    deployment.await_ready("recorder")
    deployment.wait(lambda: len(store.of_event("waits")) == 4, "the event's story")


def story(
    deployment: Deployment, store: JournalStore, event_id: str, size: int
) -> list[JournalEntry]:
    """Return an event's story, once it has so many entries."""
    deployment.wait(
        lambda: len(store.of_event(event_id)) >= size, f"the story of {event_id}: {size} entries"
    )
    return store.of_event(event_id)


def test_a_story_is_whole_and_in_order(deployment: Deployment, store: JournalStore) -> None:
    """Accepted, matched by two rules, tried three times with errors and durations, delivered."""
    deployment.flow.publish(Event(id="e1", source="courier", type="Came", data={"fail": 2}))
    entries = story(deployment, store, "e1", 8)
    assert [Step.ACCEPTED, Step.MATCHED] == [entry.step for entry in entries[:2]]
    assert {"lane": "courier|Came"} == entries[0].facts
    rules = {"vendor": ["doors", "everything"], "audit": ["everything"]}
    assert {"targets": rules} == entries[1].facts
    tries = [entry for entry in entries if entry.target == "vendor"]
    assert [
        (Step.ATTEMPT, 1, "retry"),
        (Step.QUEUED, 0, ""),
        (Step.ATTEMPT, 2, "retry"),
        (Step.QUEUED, 0, ""),
        (Step.ATTEMPT, 3, "done"),
    ] == [(entry.step, entry.attempt, entry.outcome) for entry in tries]
    assert ("OSError", "the vendor is down") == (tries[0].error_type, tries[0].error)
    assert all(0.02 <= entry.duration < 2 for entry in tries if entry.step is Step.ATTEMPT)
    assert tries[0].at < tries[0].due_at <= tries[1].at + 0.01
    assert ["done"] == [entry.outcome for entry in entries if entry.target == "audit"]


def test_a_death_is_told(deployment: Deployment, store: JournalStore) -> None:
    """With its reason, at its last attempt."""
    deployment.flow.publish(Event(id="e2", source="courier", type="Came", data={"fail": 9}))
    last = [entry for entry in story(deployment, store, "e2", 8) if entry.target == "vendor"][-1]
    assert ("dead", 3, {"reason": "max_attempts"}) == (last.outcome, last.attempt, last.facts)


def test_a_second_publishing_is_told(deployment: Deployment, store: JournalStore) -> None:
    """It arrived, and was known."""
    event = Event(id="twice", source="shop", type="Sold", data={"fail": 0})
    deployment.flow.publish(event)
    assert 4 == len(story(deployment, store, "twice", 4))
    deployment.flow.publish(event)
    assert Step.DUPLICATE == story(deployment, store, "twice", 5)[-1].step


def test_nothing_is_left_in_the_ledger(deployment: Deployment, store: JournalStore) -> None:
    """What is in the store is forgotten there, and nothing was dropped on the way."""
    deployment.flow.publish(Event(id="last", source="shop", type="Sold", data={"fail": 0}))
    assert 4 == len(story(deployment, store, "last", 4))
    ledger = deployment.flow.context.ledgers.of("default")
    deployment.wait(lambda: ledger.journal_state().waiting == 0, "the journal to be empty")
    assert 0 == ledger.journal_state().dropped
    assert 4 == len(store.of_event("last"))


@pytest.mark.usefixtures("client")
def test_what_found_no_room_is_said(
    server_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a recorder as much waits as may; the rest is counted, and events go on."""
    flow = EventFlow(server_settings.with_changes(journal_most=20))
    flow.publish_many([Event(source="shop", type="Sold", data={}) for _ in range(30)])
    state = flow.context.ledgers.of("default").journal_state()
    assert (20, 10) == (state.waiting, state.dropped)
    Mover(flow.context, watches_rules=False).round()
    assert "10 entries of the journal of bus 'default' were dropped" in caplog.text
    findings = examine(flow.settings, flow.celery).findings
    [told] = [str(one) for one in findings if one.code == "journal-dropped"]
    assert "bus default: note journal-dropped: 10 entries of the journal were dropped" in told
