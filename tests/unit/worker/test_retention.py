"""Deleting by age: step by step, and however one kind of it fails."""

from pathlib import Path

from eventflow.errors import StoreError
from eventflow.settings import load_settings
from eventflow.worker.retention import Pruning, Retention, prunings
from eventflow.worker.stores import ProcessStores
from tests.contracts.journal_store import entry_of


def test_each_kind_is_deleted_until_there_is_no_more() -> None:
    """In steps; what they are asked is the time as it is then."""
    asked: list[float] = []
    left = [2, 2, 1, 0]

    def step(now: float) -> int:
        asked.append(now)
        return left.pop(0)

    Retention([Pruning("events", step)], every=60, clock=lambda: 7.0).look()
    assert [] == left
    assert [7.0] * 4 == asked


def test_a_store_that_is_away_keeps_no_other_kind() -> None:
    """The next kind is deleted all the same, and the look goes well."""
    done: list[str] = []

    def fail(_now: float) -> int:
        raise StoreError("the store is away")

    def succeed(_now: float) -> int:
        done.append("entries")
        return 0

    Retention([Pruning("events", fail), Pruning("entries", succeed)], every=60).look()
    assert ["entries"] == done


def test_the_journal_is_kept_as_the_settings_say(tmp_path: Path) -> None:
    """What is older than its retention goes, and then the oldest of what is too much."""
    settings = load_settings(data_dir=tmp_path, journal_rows=3, journal_retention="1h")
    stores = ProcessStores(settings)
    stores.journal.record([entry_of(number) for number in range(10)])
    start = entry_of().at
    [kind] = [one for one in prunings(stores, settings) if one.name == "journal"]
    assert [7, 0] == [kind.step(start), kind.step(start)]
    assert [1, 0] == [kind.step(start + 3600 + 0.008), kind.step(start + 3600 + 0.008)]


def test_it_stops_between_two_steps() -> None:
    """A recorder that is told to stop waits for one step at most."""
    steps: list[float] = []

    def step(now: float) -> int:
        steps.append(now)
        retention.stop_soon()
        return 1

    retention = Retention([Pruning("events", step)], every=60)
    retention.look()
    assert 1 == len(steps)
