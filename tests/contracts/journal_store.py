"""What every database must do as a store of the journal; a test class gives the fixture `journal`."""

from dataclasses import replace
from typing import Any

from eventflow.journal import JournalEntry, Step, read_entry
from eventflow.store import JournalCursor, JournalFilter, JournalStore

START = 1_700_000_000.0


def entry_of(number: int = 0, *, event_id: str = "e1", **changes: Any) -> JournalEntry:
    """Return the entry of one attempt that failed, *number* milliseconds after the start."""
    milliseconds = round(START * 1000) + number
    fields = {
        b"d": f"{event_id}:device-vendor".encode(),
        b"s": b"attempt",
        b"n": b"2",
        b"o": b"retry",
        b"l": b"0.25",
        b"u": b"1700000060.5",
        b"k": b"HTTPError",
        b"x": b"HTTP 503 from the vendor",
    }
    return replace(read_entry("default", f"{milliseconds}-0", fields), **changes)


class JournalStoreContract:
    """The promises of `JournalStore`."""

    def test_an_entry_is_there_as_it_was_written(self, journal: JournalStore) -> None:
        """Every field comes back, facts too, and what SQL text cannot hold is replaced."""
        entry = entry_of(
            replay_name="incident-42", facts={"targets": {"device-vendor": ["a", "b\x00"]}}
        )
        journal.record([entry, entry_of(1, error="NUL: \x00, half: \ud800")])
        first, second = journal.of_event("e1")
        assert entry == first
        assert "NUL: \ufffd, half: ?" == second.error

    def test_recording_twice_changes_nothing(self, journal: JournalStore) -> None:
        """The recorder may die between the store's commit and the ledger's forgetting."""
        journal.record([entry_of(0), entry_of(1)])
        journal.record([entry_of(1), entry_of(2), entry_of(0, error="other")])
        assert [entry_of(0), entry_of(1), entry_of(2)] == journal.of_event("e1")
        journal.record([])
        assert 3 == journal.count()

    def test_a_batch_of_a_thousand_is_one_writing(self, journal: JournalStore) -> None:
        """As many as the recorder brings at once."""
        journal.record([entry_of(number, event_id=f"e{number}") for number in range(1_000)])
        assert 1_000 == journal.count()

    def test_an_events_story_is_in_order(self, journal: JournalStore) -> None:
        """Whatever order they came in; of one millisecond, by their number; of one bus alone."""
        first = entry_of(0, step=Step.ACCEPTED, target="", id="1700000000000-0000000002")
        second = entry_of(0, id="1700000000000-0000000010")
        other = entry_of(0, bus="returns")
        journal.record([entry_of(5), other, second, first, entry_of(1, event_id="e2")])
        assert [first, second, entry_of(5)] == journal.of_event("e1", "default")
        assert [first, second, entry_of(5), other] == journal.of_event("e1")
        assert [] == journal.of_event("none")

    def test_events_are_found_by_the_beginning_of_their_id(self, journal: JournalStore) -> None:
        """Each once for each bus, sorted; an id that is wholly another is not among them."""
        journal.record([entry_of(0, event_id="e1"), entry_of(1, event_id="e1")])
        journal.record([entry_of(2, event_id="e10"), entry_of(3, event_id="E1")])
        journal.record([entry_of(4, event_id="e1", bus="lab"), entry_of(5, event_id="d1")])
        found = [("e1", "default"), ("e1", "lab"), ("e10", "default")]
        assert found == list(journal.find_events("e1", limit=10))
        assert found[:1] == list(journal.find_events("e", limit=1))
        assert [] == list(journal.find_events("", limit=10))

    def test_pages_go_from_the_newest(self, journal: JournalStore) -> None:
        """By key, so that what comes meanwhile shifts none."""
        journal.record([entry_of(number) for number in range(5)])
        first = journal.page(limit=2)
        assert [entry_of(4), entry_of(3)] == first
        journal.record([entry_of(9)])
        last = first[-1]
        place = JournalCursor(last.at, last.bus, last.id)
        assert [entry_of(2), entry_of(1)] == journal.page(limit=2, after=place)

    def test_each_filter_counts(self, journal: JournalStore) -> None:
        """And all together."""
        wanted = entry_of(5, target="notifications", outcome="done", bus="returns")
        journal.record([entry_of(0), wanted, entry_of(9, event_id="e2", step=Step.LOST)])
        at = wanted.at
        for filters in (
            JournalFilter(bus="returns"),
            JournalFilter(target="notifications"),
            JournalFilter(outcome="done"),
            JournalFilter(since=at - 0.001, until=at + 0.001),
            JournalFilter(event_id="e1", step=Step.ATTEMPT, target="notifications", since=at),
        ):
            assert [wanted] == journal.page(filters)
            assert 1 == journal.count(filters)
        assert ["e2"] == [entry.event_id for entry in journal.page(JournalFilter(step=Step.LOST))]

    def test_what_is_too_old_is_forgotten(self, journal: JournalStore) -> None:
        """By time."""
        journal.record([entry_of(number) for number in range(10)])
        assert 4 == journal.prune(entry_of(4).at, 0)
        assert [entry_of(number) for number in range(4, 10)] == journal.of_event("e1")
        assert 0 == journal.prune(entry_of(4).at, 0)

    def test_what_is_too_much_is_forgotten(self, journal: JournalStore) -> None:
        """By rows, the oldest first, so many in one call."""
        journal.record([entry_of(number) for number in range(10)])
        assert 0 == journal.prune(0.0, 10)
        assert 3 == journal.prune(0.0, 3, at_most=3)
        assert 4 == journal.prune(0.0, 3, at_most=10)
        assert [entry_of(7), entry_of(8), entry_of(9)] == journal.of_event("e1")

    def test_much_is_forgotten_in_short_steps(self, journal: JournalStore) -> None:
        """More than one transaction deletes."""
        journal.record([entry_of(number) for number in range(6_000)])
        assert 5_900 == journal.prune(0.0, 100)
        assert 100 == journal.count()
        assert 0 == journal.prune(0.0, 100)
