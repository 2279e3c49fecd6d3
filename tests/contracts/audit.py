"""What every database must do as an audit; a backend's test class gives the fixture `engine`."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from eventflow.errors import StoreError
from eventflow.store.audit import MOST_PRUNED, AuditEntry, AuditFilter, AuditStore

NOW = 1_000_000.0


def entry_of(what: str = "targets pause", *, at: float = NOW, **changes: object) -> AuditEntry:
    """Return an entry."""
    entry = AuditEntry(who="maria@ops-1", what=what, target="device-vendor", count=3, at=at)
    return replace(entry, **changes)  # type: ignore[arg-type]


class AuditContract:
    """The promises of `AuditStore`."""

    def test_what_is_recorded_is_read_back_whole(self, engine: Engine) -> None:
        """Nothing is lost, the facts of any kind among it."""
        store = AuditStore(engine)
        facts = {"reason": "vendor's window", "share": 0.5, "ids": ["e1:a"], "none": None}
        entry = entry_of(facts=facts)
        store.record(entry)
        assert [entry] == store.list()
        assert entry == store.find(entry.id)

    def test_any_text_is_kept(self, engine: Engine) -> None:
        """NUL and half a surrogate pair, which come with an error's text, keep no line out."""
        store = AuditStore(engine)
        store.record(entry_of(facts={"error": "\x00 and \ud800"}, who="m\x00"))
        [found] = store.list()
        assert ("m\ufffd", {"error": "\x00 and ?"}) == (found.who, found.facts)

    def test_the_newest_comes_first_and_pages_follow(self, engine: Engine) -> None:
        """Going on after the last one meets each entry once, though times are equal."""
        store = AuditStore(engine)
        entries = [entry_of(at=NOW + number // 3) for number in range(10)]
        for entry in entries:
            store.record(entry)
        page, seen = store.list(limit=4), []
        while page:
            seen += page
            page = store.list(limit=4, after=page[-1].cursor)
        assert sorted(entries, key=lambda item: item.cursor, reverse=True) == seen

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (AuditFilter(), ["c", "b", "a"]),
            (AuditFilter(who="jo@ops-1"), ["b"]),
            (AuditFilter(what="deadletters"), ["c", "b"]),
            (AuditFilter(what="deadletters purge"), ["c"]),
            (AuditFilter(what="dead"), []),
            (AuditFilter(target="audit"), ["c"]),
            (AuditFilter(since=NOW + 1), ["c", "b"]),
            (AuditFilter(until=NOW + 1), ["b", "a"]),
        ],
        ids=str,
    )
    def test_filters(self, engine: Engine, filters: AuditFilter, expected: list[str]) -> None:
        """Every filter finds what it says; words of a deed are whole words."""
        store = AuditStore(engine)
        store.record(entry_of(id="a"))
        store.record(entry_of("deadletters redrive", id="b", who="jo@ops-1", at=NOW + 1))
        store.record(entry_of("deadletters purge", id="c", target="audit", at=NOW + 2))
        assert expected == [entry.id for entry in store.list(filters)]

    def test_what_is_too_old_goes_when_something_is_written(self, engine: Engine) -> None:
        """Within the retention all is kept; beyond it goes; without one nothing does."""
        AuditStore(engine).record(entry_of(id="old", at=NOW - 11))
        AuditStore(engine, clock=lambda: NOW).record(entry_of(id="kept", at=NOW - 9))
        store = AuditStore(engine, retention=10, clock=lambda: NOW)
        store.record(entry_of(id="new"))
        assert ["new", "kept"] == [entry.id for entry in store.list()]

    def test_one_writing_deletes_no_more_than_it_may(self, engine: Engine) -> None:
        """A long list of old ones goes bit by bit, the oldest first."""
        from sqlalchemy import insert

        from eventflow.store.audit import _values_of
        from eventflow.store.engine import writing
        from eventflow.store.tables import AUDIT

        store = AuditStore(engine, retention=10, clock=lambda: NOW)
        store.record(entry_of(id="first"))
        old = [_values_of(entry_of(id=f"{n:05}", at=float(n))) for n in range(MOST_PRUNED + 2)]
        with writing(engine) as connection:
            connection.execute(insert(AUDIT), old)
        store.record(entry_of(id="second"))
        left = {entry.id for entry in store.list(limit=MOST_PRUNED)}
        assert {"first", "second", f"{MOST_PRUNED:05}", f"{MOST_PRUNED + 1:05}"} == left

    def test_an_unknown_entry_is_said(self, engine: Engine) -> None:
        """A page cannot go on after what is not there."""
        with pytest.raises(StoreError, match="no entry of the audit has the id 'none'"):
            AuditStore(engine).find("none")
