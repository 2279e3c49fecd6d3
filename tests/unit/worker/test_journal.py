"""The recorder of the journal, and the mover that calls it."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eventflow.app import EventFlow
from eventflow.errors import StoreError, TransportError
from eventflow.journal import JournalEntry, Step
from eventflow.rules import RuleSource
from eventflow.schemas.source import SchemaSource
from eventflow.settings import Settings, load_settings
from eventflow.store import JournalStore, open_engine
from eventflow.store.engine import writing
from eventflow.testing.parts import MemoryBroker, MemoryLedgers
from eventflow.transport import Message
from eventflow.units import system_clock
from eventflow.worker import WorkerContext
from eventflow.worker.journal import BATCH, record_journal
from eventflow.worker.mover import Mover

QUEUES = frozenset({"eventflow.dead-letters", "eventflow.journal"})


class Scene:
    """A recorder with a store, and a ledger in memory on a clock that is told."""

    def __init__(self, place: Path, **settings: object) -> None:
        self.now = system_clock()
        self.settings: Settings = load_settings(data_dir=place, **settings)
        self.ledgers = MemoryLedgers(self.settings, lambda: self.now)
        self.broker = MemoryBroker()
        flow = EventFlow(self.settings)
        self.context = WorkerContext(
            settings=self.settings,
            celery=flow.celery,
            ledgers=self.ledgers,
            sender=self.broker,
            subscribers=flow.context.subscribers,
            rules=RuleSource(place),
            schemas=SchemaSource(place),
        )
        self.store = JournalStore(open_engine(self.settings.store_url, patience=0.1))
        self.mover = Mover(self.context, watches_rules=False, queues=QUEUES)
        self.ledger = self.ledgers.watched("default")

    def happen(self, count: int) -> None:
        """Have so many entries written."""
        for _ in range(count):
            self.ledger._note_delivery(Step.ATTEMPT, "e1:mail", attempt=1)

    def record(self) -> int:
        """Have what waits written."""
        return record_journal(self.context, self.store, "default")

    def messages(self) -> int:
        """Move once, and count the messages that lie there."""
        self.mover.round()
        return self.broker.depth("eventflow.journal")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A recorder with nothing to do."""
    return Scene(tmp_path)


def test_all_that_waits_is_written(scene: Scene) -> None:
    """In batches, and forgotten by the ledger; of nothing, nothing."""
    scene.happen(2 * BATCH + 7)
    assert 2 * BATCH + 7 == scene.record()
    assert 2 * BATCH + 7 == scene.store.count()
    assert 0 == scene.ledger.journal_state().waiting
    assert 0 == scene.record()


def test_others_have_their_turn(tmp_path: Path) -> None:
    """After a while a recorder ends, though entries wait; then it is called again."""
    scene = Scene(tmp_path, requeue_after=0.1)
    scene.happen(40 * BATCH)
    assert 40 * BATCH > scene.record() >= BATCH
    assert 1 == scene.messages()


def test_what_comes_while_it_writes_is_for_the_next_message(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slow the store and steady the entries: dead letters have their turn in between."""
    record = JournalStore.record

    def record_slowly(store: JournalStore, entries: Sequence[JournalEntry]) -> None:
        record(store, entries)
        scene.happen(3)

    scene.happen(BATCH + 7)
    monkeypatch.setattr(JournalStore, "record", record_slowly)
    assert BATCH + 7 + 3 == scene.record()
    assert 3 == scene.ledger.journal_state().waiting
    assert 1 == scene.messages()


def test_a_store_that_is_away_keeps_entries_waiting(scene: Scene) -> None:
    """The task fails, nothing is forgotten, and after a while it is tried again."""
    scene.store.record([])
    scene.happen(3)
    assert 1 == scene.messages()
    scene.broker.take(["eventflow.journal"])
    with (
        writing(open_engine(scene.settings.store_url)),
        pytest.raises(StoreError, match="another process holds it"),
    ):
        scene.record()
    assert 0 == scene.messages(), "not at once"
    scene.now += 2 * scene.settings.requeue_after
    assert 1 == scene.messages()
    assert 3 == scene.record()


def test_there_is_one_message_at_a_time(scene: Scene) -> None:
    """However much waits, and for however long nobody takes it; a lost one is sent again."""
    scene.happen(3)
    for _ in range(5):
        assert 1 == scene.messages()
        scene.now += scene.settings.requeue_after
    scene.broker.take(["eventflow.journal"])
    scene.now += 2 * scene.settings.requeue_after
    assert 1 == scene.messages()


def test_a_worker_of_an_integration_calls_nobody(scene: Scene) -> None:
    """It has no access to the recorder's queue."""
    scene.happen(3)
    Mover(scene.context, watches_rules=False, queues=frozenset({"mail"})).round()
    assert 0 == scene.broker.depth("eventflow.journal")


def test_a_broker_that_is_away_stops_nothing_else(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The recorder is called again after a while; the round goes on."""

    def away(_: list[Message]) -> None:
        message = "the broker cannot be used"
        raise TransportError(message)

    scene.happen(3)
    with monkeypatch.context() as patch:
        patch.setattr(scene.broker, "send", away)
        scene.mover.round()
    assert ["send_failed"] == [record.action for record in caplog.records]  # type: ignore[attr-defined]
    scene.now += 2 * scene.settings.requeue_after
    assert 1 == scene.messages()


def test_what_was_dropped_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once, with the number and what to do; more of it a minute later."""
    scene = Scene(tmp_path, journal_most=5)
    scene.happen(12)
    with caplog.at_level(logging.WARNING):
        scene.mover.round()
        scene.happen(1)
        scene.mover.round()
        assert [7] == [record.count for record in caplog.records]  # type: ignore[attr-defined]
        assert "7 entries of the journal of bus 'default' were dropped" in caplog.text
        scene.now += 60
        scene.mover.round()
    assert [7, 1] == [record.count for record in caplog.records]  # type: ignore[attr-defined]


def test_an_entry_of_one_moment_follows_the_other(scene: Scene) -> None:
    """Their order is that of their ids, whatever the clock says."""
    scene.happen(2)
    first, second = scene.ledger.journal_entries(2)
    scene.store.record([replace(second, at=first.at), first])
    assert [first.id, second.id] == [entry.id for entry in scene.store.of_event("e1")]
