"""Finding events by id and by what they have: a real store, a ledger in memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eventflow.delivery import Ledger, Ledgers, MemoryLedger, Planned
from eventflow.errors import LedgerError, StoreError
from eventflow.journal import JournalEntry, Step
from eventflow.records import DeadLetter, Reason
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.store import (
    ArchivedEvent,
    ArchiveStore,
    DeadLetterStore,
    JournalStore,
    open_engine,
)
from eventflow.story import searching
from eventflow.story.conditions import read_condition
from eventflow.story.found import Search
from eventflow.story.gathering import gather
from eventflow.story.identifying import find_by_id
from eventflow.story.searching import Wanted, find_where
from eventflow.story.sources import Sources

NOW = 10_000.0


def event_of(event_id: str, kind: str = "Sold", **detail: Any) -> dict[str, Any]:
    """Return a small event."""
    return {"id": event_id, "source": "shop", "detail-type": kind, "detail": detail}


class MemoryLedgers(Ledgers):
    """Two buses' ledgers, in memory, which may be away."""

    def __init__(self) -> None:
        super().__init__(load_settings())
        self.is_away = False
        self.asked = 0
        self.by_bus = {
            bus: MemoryLedger(bus, journal_most=1000, clock=lambda: NOW)
            for bus in ("default", "lab")
        }

    def of(self, bus: str) -> Ledger:
        """Return the ledger of a bus."""
        return self.by_bus[bus]

    def buses(self) -> list[str]:
        """Return the buses."""
        self.asked += 1
        if self.is_away:
            raise LedgerError("the ledger does not answer")
        return sorted(self.by_bus)


@dataclass
class Places:
    """The places of a deployment, for a test to fill."""

    sources: Sources
    ledgers: MemoryLedgers
    journal: JournalStore
    letters: DeadLetterStore
    archive: ArchiveStore

    def publish(self, event_id: str, bus: str = "default", **detail: Any) -> None:
        """Have an event be queued for a target."""
        ledger = self.ledgers.by_bus[bus]
        ledger.announce({"vendor": Target(name="vendor", task="a.b").model_dump_json()})
        ledger.accept([(event_id, json.dumps(event_of(event_id, **detail)).encode(), "lane")])
        ledger.begin_route(1, lease=30)
        ledger.finish_route(event_id, "Sold", [Planned("vendor", ("r",), None)], [])

    def note(self, event_id: str, bus: str = "default") -> None:
        """Have the journal know of an event."""
        identity = f"{event_id}{bus}"
        self.journal.record([JournalEntry(identity, bus, Step.ACCEPTED, 5.0, event_id)])

    def bury(self, event_id: str, bus: str = "default", at: float = 5.0, **detail: Any) -> None:
        """Have a delivery of an event be dead."""
        self.letters.record(
            [
                DeadLetter(
                    id=f"{event_id}:vendor",
                    target="vendor",
                    bus=bus,
                    reason=Reason.REFUSED,
                    event=event_of(event_id, **detail),
                    accepted_at=at,
                    died_at=at + 1,
                )
            ]
        )

    def keep(self, event_id: str, bus: str = "default", at: float = 5.0, **detail: Any) -> None:
        """Have an event be archived."""
        body = json.dumps(event_of(event_id, **detail)).encode()
        self.archive.write(
            [
                ArchivedEvent(
                    event_id=event_id,
                    bus=bus,
                    source="shop",
                    type=detail.get("kind", "Sold"),
                    accepted_at=at,
                    archives=("all",),
                    body=body,
                )
            ]
        )


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    """A store of its own, and empty ledgers."""
    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    ledgers = MemoryLedgers()
    stores = (JournalStore(engine), DeadLetterStore(engine), ArchiveStore(engine))
    journal, letters, archive = stores
    sources = Sources(load_settings(), ledgers, journal=journal, letters=letters, archive=archive)
    yield Places(sources, ledgers, *stores)
    engine.dispose()


def ids(search: Search) -> list[tuple[str, str, str]]:
    """Return what was found: id, bus, and where."""
    return [(each.event_id, each.bus, each.place) for each in search.found]


class TestById:
    """An id, or the beginning of one."""

    def test_each_place_is_searched(self, places: Places) -> None:
        """The ledger, the journal, dead letters, the archive: the first that knows it is named."""
        places.publish("flying")
        places.note("noted")
        places.bury("buried")
        places.keep("kept")
        for event_id, place in [
            ("flying", "ledger"),
            ("noted", "journal"),
            ("buried", "dead letters"),
            ("kept", "archive"),
        ]:
            assert ids(find_by_id(places.sources, event_id)) == [(event_id, "default", place)]
            assert ids(find_by_id(places.sources, event_id[:3])) == [(event_id, "default", place)]

    def test_an_event_that_many_places_know_is_one(self, places: Places) -> None:
        """Whether by its id or its beginning, or by that of a delivery or a replay."""
        for fill in (places.publish, places.note, places.bury, places.keep):
            fill("e1")
        for text in ("e1", "e", "e1:vendor", "e1@replay:again", "e1@replay:again:vendor"):
            assert ids(find_by_id(places.sources, text)) == [("e1", "default", "ledger")]

    def test_a_whole_id_is_not_a_beginning(self, places: Places) -> None:
        """Others that begin so are not meant, wherever they are."""
        places.bury("e1")
        places.publish("e12")
        assert ids(find_by_id(places.sources, "e1")) == [("e1", "default", "dead letters")]

    def test_one_id_on_two_buses_is_two_events(self, places: Places) -> None:
        """The bus tells which is meant."""
        places.publish("e1")
        places.publish("e1", bus="lab")
        both = [("e1", "default", "ledger"), ("e1", "lab", "ledger")]
        assert ids(find_by_id(places.sources, "e1")) == both
        assert ids(find_by_id(places.sources, "e1", "lab")) == both[1:]
        places.note("e2", bus="lab")
        assert ids(find_by_id(places.sources, "e2", "default")) == []

    def test_beginnings_are_told_by_case_and_sorted(self, places: Places) -> None:
        """Each event once, wherever it is."""
        for event_id in ("a2", "a1", "A3", "b1"):
            places.note(event_id)
        places.bury("a1")
        places.publish("a3")
        places.bury("a0")
        found = [each for each, _, _ in ids(find_by_id(places.sources, "a"))]
        assert found == ["a0", "a1", "a2", "a3"]

    def test_what_is_over_and_not_recorded_yet_is_found(self, places: Places) -> None:
        """By its beginning, too: the ledger has its journal until the recorder does."""
        ledger = places.ledgers.by_bus["default"]
        ledger.accept([("over-1", b"{}", "lane")])
        ledger.finish_route("over-1", "Sold", [], [])
        assert ids(find_by_id(places.sources, "over")) == [("over-1", "default", "ledger")]

    def test_nothing_is_found_of_nothing(self, places: Places) -> None:
        """Neither by an id that is not there nor by an empty one."""
        places.note("e1")
        assert find_by_id(places.sources, "e2").found == []
        assert find_by_id(places.sources, "").found == []

    def test_a_ledger_that_is_away_is_told(self, places: Places) -> None:
        """What the store knows is found all the same, and the ledger is asked once."""
        places.note("e1")
        places.ledgers.is_away = True
        search = find_by_id(places.sources, "e1", None)
        assert ids(search) == [("e1", "default", "journal")]
        assert search.away == {"ledger": "the ledger does not answer"}
        assert places.ledgers.asked == 1


def where(places: Places, *conditions: str, **wanted: Any) -> Search:
    """Search by fields."""
    return find_where(
        places.sources, Wanted(conditions=tuple(map(read_condition, conditions)), **wanted)
    )


class TestWhere:
    """What an event's fields have."""

    def test_the_newest_come_first_wherever_they_are(self, places: Places) -> None:
        """In flight, dead, archived; an event that several have is one, with its source and type."""
        places.publish("e3", order=42)
        places.bury("e2", at=9.0, order=42)
        places.keep("e1", at=7.0, order=42)
        places.keep("e2", at=9.0, order=42)
        places.keep("e0", at=8.0, order=43)
        search = where(places, "detail.order=42")
        assert ids(search) == [
            ("e3", "default", "ledger"),
            ("e2", "default", "dead letters"),
            ("e1", "default", "archive"),
        ]
        assert [each.accepted_at for each in search.found] == [NOW, 9.0, 7.0]
        assert {(each.source, each.type) for each in search.found} == {("shop", "Sold")}
        assert search.looked_at == {"ledger": 1, "dead letters": 1, "archive": 3}
        assert search.cut == []

    @pytest.mark.parametrize(
        ("conditions", "wanted", "expected"),
        [
            (["detail.order=1", "source=shop"], {}, ["b", "a"]),
            (["detail.order=1", "source=other"], {}, []),
            (["detail.order=1"], {"since": 8.0}, ["b"]),
            (["detail.order=1"], {"type": "Sold"}, ["b", "a"]),
            (["detail.order=1"], {"type": "Moved"}, []),
            (["detail.order=1"], {"bus": "lab"}, []),
            (["detail.order=1"], {"limit": 1}, ["b"]),
        ],
    )
    def test_what_is_wanted(
        self, places: Places, conditions: list[str], wanted: dict[str, Any], expected: list[str]
    ) -> None:
        """Every condition, since when, which type, which bus, how many."""
        for fill in (places.bury, places.keep):
            fill("a", at=7.0, order=1)
            fill("b", at=9.0, order=1)
        found = where(places, *conditions, **wanted).found
        assert [each.event_id for each in found] == expected

    def test_what_was_not_looked_at_is_told(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A search ends somewhere, and says where more is."""
        monkeypatch.setattr(searching, "_PAGE", 2)
        monkeypatch.setattr(searching, "MOST_LETTERS", 4)
        monkeypatch.setattr(searching, "MOST_ARCHIVED", 4)
        for number in range(6):
            places.bury(f"d{number}", at=float(number), number=number)
            places.keep(f"k{number}", at=float(number), number=number)
        search = where(places, "detail.number=0")
        assert (search.found, search.cut) == ([], ["dead letters", "archive"])
        assert search.looked_at == {"dead letters": 4, "archive": 4}
        assert where(places, "detail.number=2").found[0].event_id == "d2"

    def test_enough_is_enough(self, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
        """The archive is read from its newest end, and no further than what was asked for."""
        monkeypatch.setattr(searching, "_PAGE", 2)
        for number in range(10):
            places.keep(f"k{number}", at=float(number), order=1)
        search = where(places, "detail.order=1", limit=2)
        assert [each.event_id for each in search.found] == ["k9", "k8"]
        assert search.looked_at == {"archive": 2, "dead letters": 0}

    def test_progress_is_told(self, places: Places) -> None:
        """How many were looked at, in all."""
        places.bury("a")
        places.keep("b")
        told: list[int] = []
        find_where(places.sources, Wanted(conditions=()), looked=told.append)
        assert told == [1, 2]


class TestGathering:
    """All that is known of one event."""

    def test_each_place_tells(self, places: Places) -> None:
        """The journal of store and ledger in one, the ledger's sight, the archive's content."""
        places.publish("e1", n=1)
        places.note("e1")
        places.keep("e1", n=1)
        evidence = gather(places.sources, "e1", "default", clock=lambda: NOW)
        steps = [entry.step for entry in evidence.entries]
        assert steps == [Step.ACCEPTED, Step.MATCHED, Step.ACCEPTED]
        assert [each.target for each in evidence.sights[""].deliveries] == ["vendor"]
        assert evidence.body is not None
        assert (evidence.body.source, evidence.body.event["detail"]) == ("ledger", {"n": 1})
        assert evidence.archived is not None
        assert (evidence.archived.archives, evidence.now, evidence.away) == (("all",), NOW, {})

    def test_replays_are_found_by_what_tells_of_them(self, places: Places) -> None:
        """By the journal, and by a dead letter."""
        places.publish("e1@replay:again")
        places.bury("e1@replay:then")
        evidence = gather(places.sources, "e1", "default")
        assert set(evidence.sights) == {"again"}
        assert {entry.replay_name for entry in evidence.entries} == {"again"}

    @pytest.mark.parametrize("place", ["archive", "dead letters"])
    def test_the_content_is_wherever_it_is(self, places: Places, place: str) -> None:
        """Once it is delivered, the archive has it, or a dead letter."""
        (places.keep if place == "archive" else places.bury)("e1", n=7)
        body = gather(places.sources, "e1", "default").body
        assert body is not None
        assert (body.source, body.event["detail"]) == (place, {"n": 7})

    def test_what_is_away_is_told_once_and_the_rest_is_as_good(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A ledger that fails is asked no more; the store's part of the story is there."""
        places.note("e1")
        asked: list[str] = []

        def fail() -> dict[str, str]:
            asked.append("targets")
            raise LedgerError("the ledger does not answer")

        monkeypatch.setattr(places.ledgers.by_bus["default"], "targets", fail)
        evidence = gather(places.sources, "e1", "default")
        assert ([entry.step for entry in evidence.entries], len(asked)) == ([Step.ACCEPTED], 1)
        assert evidence.away == {"ledger": "the ledger does not answer"}

    def test_a_store_that_is_away_is_told(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is in flight is seen all the same."""
        places.publish("e1")

        def fail(*_: object, **__: object) -> list[JournalEntry]:
            raise StoreError("the store does not answer")

        monkeypatch.setattr(places.journal, "of_event", fail)
        evidence = gather(places.sources, "e1", "default")
        assert evidence.away == {"store": "the store does not answer"}
        assert evidence.sights[""].left == 1
