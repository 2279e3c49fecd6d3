"""What every database must do as an archive; a backend's test class gives the fixture `engine`."""

import json
from itertools import pairwise
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, select

from eventflow.errors import StoreError
from eventflow.store import ArchivedEvent, ArchiveFilter, ArchiveStore
from eventflow.store.engine import reading
from eventflow.store.tables import ARCHIVE

DAY = 86_400.0
START = 1_800_000_000.0
KEY, OLD_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def event_of(
    event_id: str = "e1",
    *,
    kind: str = "CourierArrived",
    filling: int = 0,
    **changes: Any,  # the record's own fields
) -> ArchivedEvent:
    """Return an event as the archive has it."""
    source = changes.get("source", "courier.app")
    detail = {"door": {"id": 7}, "filling": "abc " * filling}
    document = {"id": event_id, "source": source, "type": kind, "data": detail}
    values: dict[str, Any] = {
        "event_id": event_id,
        "bus": "default",
        "source": "courier.app",
        "type": kind,
        "accepted_at": START,
        "archives": ("everything",),
        "kept_until": START + 90 * DAY,
        "body": json.dumps(document).encode(),
    }
    return ArchivedEvent(**(values | changes))


def ids(events: list[Any]) -> list[str]:
    """Return their ids, in order."""
    return [event.event_id for event in events]


def stored_bodies(engine: Engine) -> bytes:
    """Return what the database holds of all bodies."""
    with reading(engine) as connection:
        return b"".join(bytes(row.body) for row in connection.execute(select(ARCHIVE.c.body)))


class ArchiveContract:
    """The promises of `ArchiveStore`."""

    @pytest.fixture
    def archive(self, engine: Engine) -> ArchiveStore:
        """An empty archive."""
        return ArchiveStore(engine)

    @pytest.mark.parametrize("filling", [0, 1000], ids=["short", "long"])
    def test_what_is_written_is_read_back_whole(self, archive: ArchiveStore, filling: int) -> None:
        """Every field, and the body byte for byte, whether it was compressed or not."""
        event = event_of(
            filling=filling,
            archives=("everything", "audit"),
            targets=("door", "notifications"),
            kept_until=float("inf"),
        )
        archive.write([event])
        assert [event] == archive.read(limit=10)
        assert event == archive.get("e1", "default")
        [summary] = archive.list(limit=10)
        assert event.size == summary.size == len(event.body)
        assert not hasattr(summary, "body")

    def test_a_long_body_takes_less_room(self, archive: ArchiveStore, engine: Engine) -> None:
        """What repeats itself is compressed; what is short stays readable as it is."""
        long, short = event_of("e1", filling=1000), event_of("e2")
        archive.write([long, short])
        [holding] = archive.holdings()
        assert len(long.body) + len(short.body) == holding.size
        assert holding.stored < holding.size / 10
        assert short.body in stored_bodies(engine)

    def test_nothing_written_is_nothing(self, archive: ArchiveStore) -> None:
        """No events are no fault, and leave an empty archive."""
        archive.write([])
        assert [] == archive.read(limit=10)
        assert (0, []) == (archive.count(), list(archive.holdings()))
        assert archive.get("e1", "default") is None

    def test_writing_twice_changes_nothing(self, archive: ArchiveStore) -> None:
        """A recorder that died after writing writes again; what is there stays as it is."""
        archive.write([event_of()])
        archive.write([event_of(body=b"{}"), event_of("e2"), event_of("e2")])
        assert [event_of(), event_of("e2")] == archive.read(limit=10)

    def test_one_id_on_two_buses_is_two_events(self, archive: ArchiveStore) -> None:
        """Ids are unique in their bus."""
        archive.write([event_of(), event_of(bus="other")])
        assert 2 == archive.count()
        found = archive.get("e1", "other")
        assert found is not None
        assert "other" == found.bus

    def test_of_one_id_that_was_accepted_again_the_newest_counts(
        self, archive: ArchiveStore
    ) -> None:
        """Published again after the deduplication window, it is another event."""
        archive.write([event_of(), event_of(accepted_at=START + 2 * DAY, body=b"{}")])
        found = archive.get("e1")
        assert found is not None
        assert START + 2 * DAY == found.accepted_at

    def test_events_come_in_order_of_time(self, archive: ArchiveStore) -> None:
        """By acceptance, then by id, across days; or the newest first."""
        times = {"c": 0.5, "b": 0.5, "a": 2 * DAY, "d": 0.0, "e": 40 * DAY}
        archive.write([event_of(name, accepted_at=START + at) for name, at in times.items()])
        assert ["d", "b", "c", "a", "e"] == ids(archive.read(limit=10))
        assert ["e", "a", "c", "b", "d"] == ids(archive.list(limit=10, newest_first=True))

    @pytest.mark.parametrize("newest_first", [False, True])
    @pytest.mark.parametrize("bus", ["default", None])
    def test_pages_follow_each_other(
        self, archive: ArchiveStore, bus: str | None, newest_first: bool
    ) -> None:
        """Going on after the last one meets each event once, whatever is written meanwhile."""
        events = [event_of(f"e{n}", accepted_at=START + n // 3 * 30_000) for n in range(40)]
        archive.write(events)
        filters = ArchiveFilter(bus=bus)
        page = archive.list(filters, limit=7, newest_first=newest_first)
        seen = []
        while page:
            seen += page
            beside = START - 1 if not newest_first else START + 9 * DAY
            archive.write([event_of(f"new{len(seen)}", accepted_at=beside)])
            cursor = page[-1].cursor
            page = archive.list(filters, after=cursor, limit=7, newest_first=newest_first)
        assert sorted(ids(events)) == sorted(ids(seen))
        assert all((one.cursor > other.cursor) is newest_first for one, other in pairwise(seen))

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({}, ["e1", "e2", "e3", "e4"]),
            ({"bus": "other"}, ["e4"]),
            ({"bus": "none"}, []),
            ({"archive": "everything"}, ["e1", "e2", "e3"]),
            ({"archive": "audit"}, ["e3", "e4"]),
            ({"archive": "Audit"}, []),
            ({"archive": "aud"}, []),
            ({"types": ("ParcelLeft", "none")}, ["e2"]),
            ({"types": ()}, []),
            ({"sources": ("parcel.app",)}, ["e3"]),
            ({"sources": ("parcel.app",), "types": ("ParcelLeft",)}, []),
            ({"since": START + 1}, ["e2", "e3", "e4"]),
            ({"until": START + 1}, ["e1"]),
            ({"since": START + 1, "until": START + 2}, ["e2"]),
            ({"until": 0.0}, []),
        ],
        ids=str,
    )
    def test_filters(
        self, archive: ArchiveStore, filters: dict[str, Any], expected: list[str]
    ) -> None:
        """Every filter finds what it says and nothing else, and they join by `and`."""
        both = ("everything", "audit")
        archive.write(
            [
                event_of("e1"),
                event_of("e2", kind="ParcelLeft", accepted_at=START + 1),
                event_of("e3", source="parcel.app", accepted_at=START + 2, archives=both),
                event_of("e4", bus="other", accepted_at=START + 3, archives=("audit",)),
            ]
        )
        assert expected == ids(archive.read(ArchiveFilter(**filters), limit=10))
        assert len(expected) == archive.count(ArchiveFilter(**filters))

    def test_ids_are_found_by_their_beginning(self, archive: ArchiveStore) -> None:
        """Wildcards and case do not match, and an empty beginning finds nothing."""
        archive.write([event_of("abc"), event_of("abx"), event_of("Abx"), event_of("a%d")])
        archive.write([event_of("abc", bus="other")])
        assert ["abc", "abx"] == sorted(archive.find("ab"))
        assert ["abc"] == archive.find("ab", "other")
        assert ["a%d"] == archive.find("a%")
        assert ["abc"] == archive.find("a", "other", limit=1)
        assert [] == archive.find("")

    def test_holdings_tell_what_is_stored(self, archive: ArchiveStore) -> None:
        """For each set of archives: how many, since when and until when, and how large."""
        events = [
            event_of("e1"),
            event_of("e2", accepted_at=START + DAY),
            event_of("e3", archives=("audit", "everything")),
        ]
        archive.write(events)
        found = {holding.archives: holding for holding in archive.holdings()}
        assert {("everything",), ("audit", "everything")} == set(found)
        alone = found["everything",]
        assert (2, START, START + DAY) == (alone.events, alone.oldest, alone.newest)
        assert sum(len(event.body) for event in events[:2]) == alone.size == alone.stored

    def test_an_event_is_kept_until_its_time_and_no_longer(self, archive: ArchiveStore) -> None:
        """Whoever of a day is to outlive the others does; nothing kept for ever is deleted."""
        archive.write(
            [
                event_of("short", kept_until=START + 7 * DAY),
                event_of("long", kept_until=START + 90 * DAY),
                event_of("ever", kept_until=float("inf")),
            ]
        )
        archive.prune(START + 6.9 * DAY, most=100)
        assert ["ever", "long", "short"] == sorted(ids(archive.read(limit=10)))
        archive.prune(START + 8.1 * DAY, most=100)
        assert ["ever", "long"] == sorted(ids(archive.read(limit=10)))
        archive.prune(START + 1_000 * DAY, most=100)
        assert ["ever"] == ids(archive.read(limit=10))

    def test_a_step_of_deleting_is_bounded(self, archive: ArchiveStore) -> None:
        """So many at most, the most overdue first; the next step goes on."""
        ever = event_of("ever", kept_until=float("inf"))
        archive.write([ever, *(event_of(f"e{n}", kept_until=START + 1 + n) for n in range(10))])
        counts = [archive.prune(START + 30 * DAY, most=4).events for _ in range(4)]
        assert [4, 4, 2, 0] == counts
        assert [ever] == archive.read(limit=10)

    def test_encrypted_at_rest(self, engine: Engine) -> None:
        """With a key the database holds nothing readable, and who has the key reads all."""
        sealed = ArchiveStore(engine, [KEY])
        events = [event_of("e1"), event_of("e2", filling=1000)]
        sealed.write(events)
        assert b"door" not in stored_bodies(engine)
        assert events == sealed.read(limit=10)
        assert ["e1", "e2"] == ids(ArchiveStore(engine).list(limit=10))

    def test_a_key_is_changed_without_writing_anew(self, engine: Engine) -> None:
        """The first key encrypts, and every key decrypts; what was plain stays readable."""
        ArchiveStore(engine).write([event_of("e0")])
        ArchiveStore(engine, [OLD_KEY]).write([event_of("e1")])
        changed = ArchiveStore(engine, [KEY, OLD_KEY])
        changed.write([event_of("e2")])
        assert ["e0", "e1", "e2"] == ids(changed.read(limit=10))
        newest = ArchiveStore(engine, [KEY]).get("e2")
        assert newest == event_of("e2")

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ([], "event e1 of the archive is encrypted: set EVENTFLOW_ARCHIVE_KEY"),
            ([OLD_KEY], "event e1 of the archive was encrypted with a key that EVENTFLOW_ARCHIVE"),
        ],
        ids=["missing", "another"],
    )
    def test_without_the_right_key_it_is_one_clear_error(
        self, engine: Engine, keys: list[str], said: str
    ) -> None:
        """It names the event and the setting, and no key."""
        ArchiveStore(engine, [KEY]).write([event_of()])
        with pytest.raises(StoreError, match=said) as error:
            ArchiveStore(engine, keys).read(limit=10)
        assert not [key for key in (KEY, OLD_KEY) if key in str(error.value)]
