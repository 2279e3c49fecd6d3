"""What every database must do as a store; a backend's test class gives the fixture `store`."""

from dataclasses import replace
from typing import Any

import pytest

from eventflow.errors import StoreError
from eventflow.records import DeadLetter, Reason
from eventflow.store import (
    DeadLetterFilter,
    DeadLetterStore,
    State,
    StoredDeadLetter,
    redrive_refusal,
)

ACCEPTED = 1_000.0
DIED = 2_000.0


def letter_of(
    event_id: str = "e1",
    *,
    target: str = "device-vendor",
    kind: str = "CourierArrived",
    **changes: Any,  # the record's own fields
) -> DeadLetter:
    """Return a dead letter of one event's delivery."""
    values: dict[str, Any] = {
        "id": f"{event_id}:{target}",
        "target": target,
        "rules": ("unlock-garage-on-arrival", "audit-all"),
        "reason": Reason.MAX_ATTEMPTS,
        "error": "HTTP 503 from the vendor",
        "error_type": "HTTPError",
        "traceback": "Traceback …",
        "attempts": 20,
        "event": {
            "id": event_id,
            "source": "courier.app",
            "detail-type": kind,
            "detail": {"door": {"id": 7}},
        },
        "input": '{"message": "Your package"}',
        "accepted_at": ACCEPTED,
        "first_attempt_at": ACCEPTED + 1,
        "died_at": DIED,
    }
    return DeadLetter(**(values | changes))


def message_letter() -> DeadLetter:
    """Return the dead letter of a message that could not be read."""
    return DeadLetter(
        id="message:0123",
        reason=Reason.UNDECODABLE,
        error="not JSON",
        message={"queue": "device-vendor", "headers": {}, "body_base64": "AAE="},
        died_at=DIED,
    )


def dead(letter: DeadLetter, **changes: Any) -> DeadLetter:
    """Return a copy of *letter* with some fields otherwise."""
    return letter.model_copy(update=changes)


def redrive(store: DeadLetterStore, identity: str, at: float = DIED + 10) -> StoredDeadLetter:
    """Take one letter through both steps; return it as it was before."""
    [stored] = store.begin_redrive(DeadLetterFilter(ids=(identity,)))
    assert {identity} == store.mark_redriven([stored], at)
    return stored


def ids_of(store: DeadLetterStore, **filters: Any) -> list[str]:
    """Return the ids that fit, in the listing's order."""
    return [item.id for item in store.list(DeadLetterFilter(**filters))]


class StoreContract:
    """The promises of `DeadLetterStore`."""

    def test_what_is_recorded_is_read_back_whole(self, store: DeadLetterStore) -> None:
        """Nothing of the ledger's record is lost, and the columns say the same."""
        letter = letter_of(redrives=3, worker="host")
        store.record([letter])
        stored = store.get(letter.id)
        assert letter == stored.letter
        assert (letter.id, "device-vendor", Reason.MAX_ATTEMPTS) == (
            stored.id,
            stored.target,
            stored.reason,
        )
        assert ("e1", "CourierArrived", "courier.app") == (
            stored.event_id,
            stored.event_type,
            stored.source,
        )
        assert ("unlock-garage-on-arrival", "audit-all") == stored.rules
        assert (20, "HTTPError", "HTTP 503 from the vendor") == (
            stored.attempts,
            stored.error_type,
            stored.error,
        )
        assert (ACCEPTED, ACCEPTED + 1, DIED, DIED) == (
            stored.accepted_at,
            stored.first_attempt_at,
            stored.first_died_at,
            stored.died_at,
        )
        assert (State.DEAD, 3, 0.0) == (stored.state, stored.redrives, stored.redriven_at)

    def test_a_list_has_the_same_without_what_is_carried(self, store: DeadLetterStore) -> None:
        """A summary in a listing equals the one that `get` gives, without the letter."""
        store.record([letter_of()])
        [summary] = store.list()
        stored = store.get(summary.id)
        assert {name: getattr(stored, name) for name in summary.__slots__} == {
            name: getattr(summary, name) for name in summary.__slots__
        }
        assert not hasattr(summary, "letter")

    def test_nothing_recorded_is_nothing(self, store: DeadLetterStore) -> None:
        """No letters are no fault, and leave an empty store."""
        store.record([])
        assert [] == store.list()
        assert (0, 0.0) == (store.count().total, store.count().newest)

    def test_the_same_letter_twice_is_one(self, store: DeadLetterStore) -> None:
        """A recorder that died after writing writes again, and nothing changes."""
        store.record([letter_of()])
        before = store.get("e1:device-vendor")
        store.record([letter_of(), letter_of()])
        assert before == store.get("e1:device-vendor")
        assert 1 == store.count().total

    def test_of_two_deaths_in_one_batch_the_newest_counts(self, store: DeadLetterStore) -> None:
        """Whatever their order in the batch."""
        second = letter_of(redrives=1, died_at=DIED + 50, error="the second")
        store.record([second, letter_of()])
        assert "the second" == store.get(second.id).error

    def test_a_second_death_updates(self, store: DeadLetterStore) -> None:
        """After a redrive the row is dead again with new times and error; redrives are kept."""
        store.record([letter_of()])
        redrive(store, "e1:device-vendor")
        store.record(
            [
                letter_of(
                    redrives=1,
                    died_at=DIED + 100,
                    accepted_at=DIED + 10,
                    attempts=4,
                    reason=Reason.REFUSED,
                    error="unknown door",
                )
            ]
        )
        stored = store.get("e1:device-vendor")
        assert (State.DEAD, 1, DIED + 10) == (stored.state, stored.redrives, stored.redriven_at)
        assert (DIED, DIED + 100) == (stored.first_died_at, stored.died_at)
        assert (4, Reason.REFUSED, "unknown door") == (stored.attempts, stored.reason, stored.error)
        assert "unknown door" == stored.letter.error
        assert ACCEPTED == stored.accepted_at
        assert 1 == store.count().total

    def test_an_old_message_does_not_undo_a_redrive(self, store: DeadLetterStore) -> None:
        """The first death, recorded again after the redrive, does not make it dead again."""
        store.record([letter_of()])
        redrive(store, "e1:device-vendor")
        store.record([letter_of()])
        assert State.REDRIVEN == store.get("e1:device-vendor").state

    def test_a_second_death_by_a_slow_clock_counts(self, store: DeadLetterStore) -> None:
        """The count of redrives tells deaths apart where two machines' clocks do not."""
        store.record([letter_of()])
        redrive(store, "e1:device-vendor")
        store.record([letter_of(redrives=1, died_at=DIED - 5)])
        assert State.DEAD == store.get("e1:device-vendor").state

    def test_a_death_after_the_ledger_was_lost_counts(self, store: DeadLetterStore) -> None:
        """A ledger that counts from zero again: the letter is dead, and the redrives are kept."""
        store.record([letter_of()])
        redrive(store, "e1:device-vendor")
        store.record([letter_of(redrives=0, died_at=DIED + 100)])
        stored = store.get("e1:device-vendor")
        assert (State.DEAD, 1) == (stored.state, stored.redrives)
        assert 1 == stored.letter.redrives

    def test_any_text_is_kept(self, store: DeadLetterStore) -> None:
        """NUL, half a surrogate pair, an immense type: one such letter keeps no other out."""
        event = {"id": "e2", "detail-type": "T" * 100_000, "source": 5, "detail": {"a": "\x00"}}
        odd = letter_of("e2", event=event, error="\x00 and \ud800")
        store.record([letter_of(), odd])
        assert "\ufffd and ?" == store.get(odd.id).error
        assert event == store.get(odd.id).letter.event
        assert "T" * 300 == store.get(odd.id).event_type

    def test_a_batch_larger_than_a_statement_is_written(self, store: DeadLetterStore) -> None:
        """Any number of letters may be given."""
        store.record([letter_of(f"e{number}") for number in range(333)])
        assert 333 == store.count().total

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"target": "audit"}, ["e3:audit"]),
            ({"reason": Reason.REFUSED}, ["e3:audit"]),
            ({"event_type": "ParcelLeft"}, ["e2:device-vendor"]),
            ({"source": "parcel.app"}, ["e3:audit"]),
            ({"event_id": "e2"}, ["e2:device-vendor"]),
            ({"rule": "audit-all"}, ["e2:device-vendor", "e1:device-vendor"]),
            ({"rule": "Audit-all"}, []),
            ({"rule": "audit"}, []),
            ({"error": "http 50"}, ["e2:device-vendor", "e1:device-vendor"]),
            ({"error": "50%"}, ["e3:audit"]),
            ({"error": "_"}, []),
            ({"since": DIED + 1}, ["e3:audit", "e2:device-vendor"]),
            ({"since": DIED + 1, "until": DIED + 1}, ["e2:device-vendor"]),
            ({"until": 0.0}, []),
            ({"since": 0.0}, ["e3:audit", "e2:device-vendor", "e1:device-vendor"]),
            ({"state": State.REDRIVEN}, ["e3:audit"]),
            ({"state": State.DEAD, "target": "audit"}, []),
            ({"ids": ("e1:device-vendor", "none")}, ["e1:device-vendor"]),
            ({"ids": ()}, []),
        ],
        ids=str,
    )
    def test_filters(
        self, store: DeadLetterStore, filters: dict[str, Any], expected: list[str]
    ) -> None:
        """Every filter finds what it says and nothing else, and they join by `and`."""
        other = letter_of("e3", target="audit", rules=("r",), reason=Reason.REFUSED)
        event = {**(other.event or {}), "source": "parcel.app"}
        store.record(
            [
                letter_of("e1"),
                letter_of("e2", kind="ParcelLeft", died_at=DIED + 1),
                dead(other, died_at=DIED + 2, error="full to 50%", event=event),
            ]
        )
        redrive(store, "e3:audit")
        assert expected == ids_of(store, **filters)
        assert len(expected) == store.count(DeadLetterFilter(**filters)).total

    def test_pages_follow_each_other(self, store: DeadLetterStore) -> None:
        """Going on after the last one meets each letter once, whatever is recorded meanwhile."""
        letters = [letter_of(f"e{number}", died_at=DIED + number // 3) for number in range(20)]
        store.record(letters)
        page, seen = store.list(limit=7), []
        while page:
            seen += [item.id for item in page]
            store.record([letter_of(f"new{len(seen)}", died_at=DIED + 1_000)])
            page = store.list(limit=7, after=page[-1].cursor)
        assert sorted(letter.id for letter in letters) == sorted(seen)
        assert [letter.id for letter in letters[-2:]] == sorted(seen[:2])

    def test_counts_by_target_and_reason(self, store: DeadLetterStore) -> None:
        """The largest group comes first, and the newest death is known."""
        store.record(
            [
                letter_of("e1", died_at=DIED + 7),
                letter_of("e2"),
                letter_of("e3", reason=Reason.REFUSED),
                letter_of("e1", target="audit", reason=Reason.REFUSED),
            ]
        )
        count = store.count()
        assert (4, DIED + 7) == (count.total, count.newest)
        assert {"device-vendor": 3, "audit": 1} == count.by_target
        assert {"max_attempts": 2, "refused": 2} == count.by_reason
        assert 1 == count.groups["audit", Reason.REFUSED]

    def test_a_beginning_is_enough_when_it_is_the_only_one(self, store: DeadLetterStore) -> None:
        """An id may be cut, except where several begin so; a whole id is always itself."""
        store.record([letter_of("e1"), letter_of("e11"), letter_of("f%")])
        assert "e11:device-vendor" == store.get("e11").id
        assert "e1:device-vendor" == store.get("e1:").id
        assert "f%:device-vendor" == store.identify("f%")
        with pytest.raises(
            StoreError,
            match=r"'e1' is the beginning of several dead letters' ids: "
            r"e1:device-vendor, e11:device-vendor: write more of it",
        ):
            store.get("e1")

    def test_a_whole_id_is_found_though_others_begin_so(self, store: DeadLetterStore) -> None:
        """The target `audit` is not shadowed by the target `audit-2`."""
        store.record([letter_of("e1", target="audit"), letter_of("e1", target="audit-2")])
        assert "e1:audit" == store.get("e1:audit").id

    @pytest.mark.parametrize("identity", ["none", "", "E1", "e1:device-vendor:", "e_"])
    def test_an_unknown_id_is_said(self, store: DeadLetterStore, identity: str) -> None:
        """What is not there is an error that repeats the id; wildcards and case do not match."""
        store.record([letter_of("e1")])
        with pytest.raises(StoreError, match=f"no dead letter has the id '{identity}'"):
            store.get(identity)

    def test_letters_are_read_with_all_that_they_carry(self, store: DeadLetterStore) -> None:
        """In any state, in pages, the newest death first."""
        store.record([letter_of(f"e{number}", died_at=10.0 + number) for number in range(3)])
        store.mark_redriven(store.begin_redrive(DeadLetterFilter(event_id="e1")), 20.0)
        first = store.read(limit=2)
        rest = store.read(limit=2, after=first[-1].cursor)
        assert ["e2", "e1", "e0"] == [stored.letter.event_id for stored in (*first, *rest)]
        assert [State.REDRIVEN] == [stored.state for stored in first[1:]]

    def test_events_are_found_by_the_beginning_of_their_id(self, store: DeadLetterStore) -> None:
        """Each once, sorted by its characters; neither by case nor by what looks like a pattern."""
        names = ("a-2", "a-1", "A-3", "a_4", "a%5", "ä6")
        store.record([letter_of(name) for name in names])
        store.record([letter_of("a-1", target="audit")])
        begins = [("a%5", "default"), ("a-1", "default"), ("a-2", "default"), ("a_4", "default")]
        assert begins == list(store.find_events("a", limit=10))
        assert begins[:2] == list(store.find_events("a", limit=2))
        assert begins[3:] == list(store.find_events("a_", limit=10))
        assert [] == list(store.find_events("", limit=10))

    def test_a_redrive_is_counted(self, store: DeadLetterStore) -> None:
        """Both steps make it redriven, with one more redrive and the time."""
        store.record([letter_of()])
        before = redrive(store, "e1:device-vendor", at=DIED + 10)
        stored = store.get("e1:device-vendor")
        assert (0, 0) == (before.redrives, before.letter.redrives)
        assert (State.REDRIVEN, 1, DIED + 10) == (stored.state, stored.redrives, stored.redriven_at)

    def test_only_the_dead_are_redriven(self, store: DeadLetterStore) -> None:
        """What was redriven is not handed out again, whatever state the filter names."""
        store.record([letter_of()])
        redrive(store, "e1:device-vendor")
        assert [] == store.begin_redrive()
        assert [] == store.begin_redrive(DeadLetterFilter(state=State.REDRIVEN))

    def test_killed_between_the_steps_nothing_is_lost(self, store: DeadLetterStore) -> None:
        """Without the second step it stays dead and is handed out again, the same."""
        store.record([letter_of()])
        assert store.begin_redrive() == store.begin_redrive()

    def test_a_second_mark_changes_nothing(self, store: DeadLetterStore) -> None:
        """Two people who redrive the same letter at once count one redrive."""
        store.record([letter_of()])
        [stored] = store.begin_redrive()
        store.mark_redriven([stored], DIED + 10)
        assert set() == store.mark_redriven([stored], DIED + 20)
        after = store.get(stored.id)
        assert (1, DIED + 10) == (after.redrives, after.redriven_at)

    def test_a_death_between_the_steps_stays_dead(self, store: DeadLetterStore) -> None:
        """It was sent, and died again before the mark: the mark must not hide the new death."""
        store.record([letter_of()])
        [stored] = store.begin_redrive()
        store.record([letter_of(redrives=1, died_at=DIED + 5)])
        assert set() == store.mark_redriven([stored], DIED + 10)
        assert State.DEAD == store.get(stored.id).state

    def test_pages_of_a_redrive_end(self, store: DeadLetterStore) -> None:
        """Letters that cannot go do not come again on the next page."""
        store.record([letter_of(f"e{number}") for number in range(5)])
        first = store.begin_redrive(limit=3)
        second = store.begin_redrive(limit=3, after=first[-1].cursor)
        assert (3, 2) == (len(first), len(second))
        assert 5 == len({stored.id for stored in (*first, *second)})

    def test_what_cannot_be_redriven_is_said(self, store: DeadLetterStore) -> None:
        """No event, no target, no input to hand over, or gone already; the rest can go."""
        unroutable = letter_of("e2", id="e2:eventflow.route", target="", reason=Reason.UNROUTABLE)
        undecodable = letter_of("e3", reason=Reason.UNDECODABLE)
        shapeless = letter_of("e4", reason=Reason.INPUT, input=None)
        misshapen = letter_of("e5", reason=Reason.INPUT)
        store.record([letter_of(), message_letter(), unroutable, undecodable, shapeless, misshapen])
        redrive(store, "e1:device-vendor")
        names = ("e1", "message", "e2", "e3", "e4", "e5")
        said = {name: redrive_refusal(store.get(name)) for name in names}
        assert {
            "e1": "it was redriven already, and has not died again since",
            "message": "it is a message that could not be read: there is no event to send",
            "e2": (
                "no target is known for its event: correct the fault and publish the event again, "
                "with a new id"
            ),
            "e3": "",
            "e4": (
                "the input that its rule asks for was never made: correct the fault and publish "
                "the event again, with a new id"
            ),
            "e5": "",
        } == said

    def test_purge_deletes_what_fits(self, store: DeadLetterStore) -> None:
        """It says how many, and leaves the rest."""
        store.record([letter_of("e1"), letter_of("e2"), letter_of("e1", target="audit")])
        filters = DeadLetterFilter(target="device-vendor")
        assert 2 == store.purge(filters)
        assert ["e1:audit"] == ids_of(store)
        assert 0 == store.purge(filters)

    def test_purge_of_more_than_agreed_deletes_none(self, store: DeadLetterStore) -> None:
        """What came after somebody was asked is not deleted unseen; zero is a number."""
        store.record([letter_of("e1"), letter_of("e2")])
        with pytest.raises(StoreError, match="1 more than the 1 agreed to fit by now, so none"):
            store.purge(DeadLetterFilter(), at_most=1)
        with pytest.raises(StoreError, match="2 more"):
            store.purge(DeadLetterFilter(), at_most=0)
        assert 2 == store.count().total
        assert 2 == store.purge(DeadLetterFilter(), at_most=2)

    def test_all_or_nothing(self, store: DeadLetterStore) -> None:
        """A letter that the database refuses takes its whole batch with it, and says so."""
        good = [letter_of(f"e{number}") for number in range(150)]
        huge = dead(letter_of("z"), attempts=2**63)
        with pytest.raises(StoreError, match="cannot write the store"):
            store.record([*good, huge])
        assert 0 == store.count().total

    def test_a_record_that_cannot_be_read_is_said(self, store: DeadLetterStore) -> None:
        """It names the letter, can be purged, and listing goes on."""
        from sqlalchemy import update

        from eventflow.store.engine import writing
        from eventflow.store.tables import DEAD_LETTERS

        store.record([letter_of()])
        with writing(store._engine) as connection:
            connection.execute(update(DEAD_LETTERS).values(record="{}"))
        with pytest.raises(StoreError, match="the dead letter e1:device-vendor cannot be read"):
            store.get("e1")
        assert 1 == len(store.list())
        assert 1 == store.purge(replace(DeadLetterFilter(), ids=(store.identify("e1"),)))

    def test_a_reason_of_a_newer_version_is_said(self, store: DeadLetterStore) -> None:
        """A reason that this version does not know is a clear error wherever it is met."""
        from sqlalchemy import update

        from eventflow.store.engine import writing
        from eventflow.store.tables import DEAD_LETTERS

        store.record([letter_of()])
        with writing(store._engine) as connection:
            connection.execute(update(DEAD_LETTERS).values(reason="bored"))
        for call in (store.list, store.count):
            with pytest.raises(StoreError, match="the reason 'bored', which this eventflow does"):
                call()
