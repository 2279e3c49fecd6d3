"""The recorder of dead letters: what its message names, and what came just now."""

from dataclasses import replace
from pathlib import Path

import pytest

from eventflow.app import EventFlow
from eventflow.delivery import MemoryLedger
from eventflow.records import DeadLetter, Reason
from eventflow.settings import load_settings
from eventflow.store import DeadLetterStore, open_engine
from eventflow.worker.record import record_letters
from tests.unit.worker.one_ledger import OneLedger


class Scene:
    """A recorder with a store, and a ledger in memory on a clock that is told."""

    def __init__(self, place: Path) -> None:
        settings = load_settings(data_dir=place)
        self.now = 1_000.0
        self.ledger = MemoryLedger("default", window=60, most=0, clock=lambda: self.now)
        self.context = replace(
            EventFlow(settings).context, ledgers=OneLedger(settings, self.ledger)
        )
        self.store = DeadLetterStore(open_engine(settings.store_url))

    def die(self, count: int, prefix: str = "message") -> list[str]:
        """Have so many dead letters wait; return their ids."""
        ids = [f"{prefix}:{number}" for number in range(count)]
        self.ledger.bury([DeadLetter(id=one, reason=Reason.UNDECODABLE) for one in ids])
        return ids

    def record(self, *ids: str) -> int:
        """Have written what a message names."""
        return record_letters(self.context, self.store, "default", ids)

    def recorded(self) -> set[str]:
        """Return what is in the store."""
        return {letter.id for letter in self.store.list(limit=1_000)}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A recorder with nothing to do."""
    return Scene(tmp_path)


def test_one_message_brings_what_came_just_now(scene: Scene) -> None:
    """In one go, so that a slow database commits once for many; the others' messages find nothing."""
    ids = scene.die(7)
    assert 7 == scene.record(ids[0])
    assert set(ids) == scene.recorded()
    assert [0] * 6 == [scene.record(identity) for identity in ids[1:]]


def test_a_flood_is_written_in_pieces(scene: Scene) -> None:
    """No message brings more than a hundred others: what they hold must fit into memory."""
    ids = scene.die(250)
    assert 101 == scene.record(ids[0])


def test_what_has_waited_is_for_its_own_message(scene: Scene) -> None:
    """One that ends its recorder, whenever it is written, takes others along for some seconds only."""
    old = scene.die(2, "old")
    scene.now += 6.0
    new = scene.die(2, "new")
    assert 2 == scene.record(new[0])
    assert set(new) == scene.recorded()
    assert [1, 1] == [scene.record(identity) for identity in old]


def test_what_another_recorder_has_written_counts_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that write the same at a time change nothing twice, and only one of them counts it."""
    ids = scene.die(3)
    record = DeadLetterStore.record

    def record_beside(store: DeadLetterStore, letters: list[DeadLetter]) -> None:
        monkeypatch.setattr(DeadLetterStore, "record", record)
        assert 3 == scene.record(ids[1])
        record(store, letters)

    monkeypatch.setattr(DeadLetterStore, "record", record_beside)
    assert 0 == scene.record(ids[0])
    assert set(ids) == scene.recorded()
