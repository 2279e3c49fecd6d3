"""The archive, through a real router and recorder: what is kept, once, and what is not."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from eventflow.delivery.keys import Keys
from eventflow.encoding import decode_event
from eventflow.events import Event
from eventflow.store import ArchivedEvent, ArchiveFilter, ArchiveStore, open_engine
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      audit: {task: project.audit}
    rules:
      everything:
        pattern: {source: [{prefix: ""}]}
        targets: [audit]
    archives:
      doors:
        pattern: {source: [courier.app], detail-type: [CourierArrived]}
        retention: 7d
      courier:
        pattern: {source: [courier.app]}
        retention: 90d
      brief:
        pattern: {source: [brief.app]}
        retention: 1s
      off:
        pattern: {source: [{prefix: ""}]}
        retention: forever
        enabled: false
      elsewhere:
        bus: other
        pattern: {source: [{prefix: ""}]}
        retention: forever
"""

PROJECT = """
    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)
"""

DAY = 86_400.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, any_broker: str) -> Iterator[Deployment]:
    """A router, a recorder and a worker, all real."""
    place = tmp_path_factory.mktemp("project")
    with deployed(
        place, project=PROJECT, rules=RULES, broker=any_broker, retention_interval=0.2
    ) as deployment:
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["audit"])
        deployment.start("recorder", ["eventflow.dead-letters", "eventflow.archive"])
        deployment.await_ready()
        yield deployment


@pytest.fixture
def archive(running: Deployment) -> Iterator[ArchiveStore]:
    """The deployment's archive."""
    engine = open_engine(running.settings.store_url)
    yield ArchiveStore(engine)
    engine.dispose()


def publish(deployment: Deployment, *events: Event) -> None:
    """Publish events, and wait until all that comes of them is done."""
    deployment.flow.publish_many(events)
    deployment.settle()


def arrived(
    source: str = "courier.app", kind: str = "CourierArrived", bus: str = "default"
) -> Event:
    """Return an event."""
    return Event(source=source, type=kind, data={"door": {"id": 7}}, bus=bus)


def found(archive: ArchiveStore, event: Event) -> ArchivedEvent:
    """Return an event as it is archived."""
    stored = archive.get(event.id, event.bus)
    assert stored is not None
    return stored


def test_an_event_is_kept_once_for_all_archives_that_it_matches(
    running: Deployment, archive: ArchiveStore
) -> None:
    """As long as the longest of them says, with its content as it was accepted."""
    both, one = arrived(), arrived(kind="ParcelLeft")
    publish(running, both, one)
    assert ("courier", "doors") == found(archive, both).archives
    assert ("courier",) == found(archive, one).archives
    for event in (both, one):
        stored = found(archive, event)
        assert event == decode_event(stored.body)
        assert (event.source, event.type) == (stored.source, stored.type)
        assert 90 * DAY == pytest.approx(stored.kept_until - stored.accepted_at)


def test_what_no_archive_asks_for_is_not_kept(running: Deployment, archive: ArchiveStore) -> None:
    """Another source, and an archive that is not in force; it is delivered all the same."""
    event = arrived(source="other.app")
    publish(running, event)
    assert archive.get(event.id) is None
    assert f"{event.id}:audit" in {note["id"] for note in running.noted()}


def test_each_bus_has_archives_of_its_own(running: Deployment, archive: ArchiveStore) -> None:
    """One that is kept without an end has no time at which it is deleted."""
    event = arrived(bus="other")
    publish(running, event)
    assert (("elsewhere",), float("inf")) == (
        found(archive, event).archives,
        found(archive, event).kept_until,
    )


def test_what_a_replay_sends_is_never_archived(running: Deployment, archive: ArchiveStore) -> None:
    """It came from there; it is delivered all the same."""
    event = arrived().model_copy(update={"replay_name": "tuesday"})
    publish(running, event)
    assert archive.get(event.id) is None
    assert any(event.id in note["id"] for note in running.noted())


def test_what_is_over_is_deleted_by_the_recorder(
    running: Deployment, archive: ArchiveStore
) -> None:
    """By itself, while it goes on; what is to be kept longer stays."""
    brief, kept = arrived(source="brief.app"), arrived()
    publish(running, brief, kept)
    running.await_log("recorder", "deleted 1 of the archive that are kept no longer")
    assert archive.get(brief.id) is None
    assert kept.id == found(archive, kept).event_id


def test_a_flood_is_archived_whole_and_in_order(running: Deployment, archive: ArchiveStore) -> None:
    """Each event once, by its acceptance in the ledger; nothing is left in flight."""
    before = archive.count(ArchiveFilter(types=("Flood",)))
    events = [arrived(kind="Flood") for _ in range(300)]
    publish(running, *events)
    stored = archive.read(ArchiveFilter(types=("Flood",)), limit=1_000)
    assert len(events) == len(stored) - before
    assert {event.id for event in events} <= {event.event_id for event in stored}
    assert all(one.cursor < other.cursor for one, other in pairwise(stored))
    client = running.client()
    assert 0 == client.zcard(Keys("default").queued("eventflow.archive"))
