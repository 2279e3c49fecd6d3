"""What every ledger shows of one event; a backend's test class inherits it."""

from eventflow.delivery import Finish, Ledger, Outcome
from eventflow.delivery.sights import Place
from eventflow.events import ledger_id
from eventflow.journal import Step
from eventflow.rules import Target
from tests.contracts.ledger import (
    LEASE,
    OTHER,
    TARGET,
    VENDOR,
    WaitUntil,
    body_of,
    claim,
    letter_of,
    register,
)

BOTH = (TARGET, OTHER.name)
LIMITED = Target(name=TARGET, task="vendor.call", max_in_flight=1)


class SightContract:
    """The promises of `Ledger.look`, `in_flight` and `bodies`."""

    def test_what_is_unknown_is_not_there(self, ledger: Ledger) -> None:
        """An event that was never published, of no target and of some."""
        assert ledger.look("e1", []) is None
        assert ledger.look("e1", BOTH) is None
        assert ledger.in_flight(BOTH, 10) == []
        assert list(ledger.bodies(["e1"])) == []

    def test_an_event_on_its_way_to_a_router(self, ledger: Ledger) -> None:
        """It is queued, then with a router, and nothing is delivered yet."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        sight = ledger.look("e1", BOTH)
        assert sight is not None
        assert (sight.event_id, sight.is_routed, sight.attempts) == ("e1", False, 0)
        assert (sight.place, sight.body, sight.deliveries) == (Place.QUEUED, body_of("e1"), ())
        assert sight.accepted_at > 0
        ledger.begin_route(1, lease=LEASE)
        routing = ledger.look("e1", BOTH)
        assert routing is not None
        assert (routing.place, routing.attempts) == (Place.RUNNING, 1)

    def test_each_delivery_is_somewhere(self, ledger: Ledger) -> None:
        """Queued since when, leased until when, waiting until when with the error of before."""
        register(ledger, "e1", *BOTH)
        sight = ledger.look("e1", ["none", *BOTH])
        assert sight is not None
        assert (sight.is_routed, sight.place, sight.left) == (True, Place.NOWHERE, 2)
        one, other = sight.deliveries
        assert [one.target, other.target] == list(BOTH)
        assert (one.delivery_id, one.place, one.rules) == (f"e1:{TARGET}", Place.QUEUED, ("r",))
        assert (one.attempts, one.first_attempt_at) == (0, 0.0)
        assert one.accepted_at == sight.accepted_at <= one.at
        claim(ledger, f"e1:{TARGET}", lease=100.0)
        [running, _] = look(ledger, "e1")
        assert (running.place, running.attempts) == (Place.RUNNING, 1)
        assert running.at - running.first_attempt_at >= 99.9
        finish = Finish(f"e1:{TARGET}", 1, Outcome.RETRY, delay=500, error_type="E", error="no")
        ledger.finish(VENDOR, [finish])
        [waiting, _] = look(ledger, "e1")
        assert (waiting.place, waiting.error_type, waiting.error) == (Place.WAITING, "E", "no")
        assert waiting.at - waiting.first_attempt_at >= 499.9

    def test_what_is_held_back_is_parked(self, ledger: Ledger) -> None:
        """By the target's limit, with no attempt spent."""
        register(ledger, "e1", TARGET)
        register(ledger, "e2", TARGET)
        ledger.claim(LIMITED, [f"e1:{TARGET}", f"e2:{TARGET}"], lease=LEASE)
        [parked] = look(ledger, "e2")
        assert (parked.place, parked.attempts) == (Place.PARKED, 0)
        assert parked.at == parked.accepted_at

    def test_what_is_finished_is_remembered_alone(self, ledger: Ledger) -> None:
        """Of an event that is delivered, the ledger knows that it was there."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)])
        sight = ledger.look("e1", BOTH)
        assert sight is not None
        assert (sight.is_routed, sight.left, sight.body, sight.deliveries) == (True, 0, b"", ())

    def test_a_replay_is_an_event_of_its_own(self, ledger: Ledger) -> None:
        """It is looked up by the ledger's id, which names the replay."""
        identity = ledger_id("e1", "again")
        register(ledger, identity, TARGET)
        assert ledger.look("e1", BOTH) is None
        [delivery] = look(ledger, identity)
        assert delivery.delivery_id == f"e1@replay:again:{TARGET}"

    def test_a_redrive_is_seen(self, ledger: Ledger) -> None:
        """A delivery that was sent again says how often."""
        assert ledger.revive(letter_of("e1"))
        [delivery] = look(ledger, "e1")
        assert (delivery.place, delivery.redrives, delivery.attempts) == (Place.QUEUED, 1, 0)

    def test_what_is_in_flight_is_listed(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """Wherever it is, once each, and no more than were asked for; what is finished is not."""
        [done] = register(ledger, "e0", TARGET)
        claim(ledger, done)
        ledger.finish(VENDOR, [Finish(done, 1, Outcome.DONE)])
        register(ledger, "e1", *BOTH)
        register(ledger, "e2", TARGET)
        register(ledger, "e3", TARGET)
        claim(ledger, f"e2:{TARGET}", f"e3:{TARGET}")
        ledger.finish(VENDOR, [Finish(f"e3:{TARGET}", 1, Outcome.RETRY, delay=500)])
        ledger.accept([("e4", body_of("e4"), "lane"), ("e5", body_of("e5"), "lane")])
        ledger.begin_route(1, lease=LEASE)
        assert sorted(ledger.in_flight(BOTH, 10)) == ["e1", "e2", "e3", "e4", "e5"]
        assert len(ledger.in_flight(BOTH, 3)) == 3
        assert ledger.in_flight(["none"], 1) == ["e5"]
        assert dict(ledger.bodies(["e0", "e1", "e5"])) == {
            "e1": body_of("e1"),
            "e5": body_of("e5"),
        }


class StoryContract:
    """The promise of `Ledger.journal_of`; its ledger has a journal."""

    def test_one_events_entries_are_found(self, ledger: Ledger) -> None:
        """Those of the event and of its deliveries, in order; not those of one that begins alike."""
        ids = ["e1", "e1:b", "e1.", "e11", "e"]
        for event_id in ids:
            register(ledger, event_id, TARGET)
        claim(ledger, f"e1:{TARGET}", f"e1:b:{TARGET}")
        finishes = [Finish(f"{one}:{TARGET}", 1, Outcome.DONE) for one in ("e1", "e1:b")]
        ledger.finish(VENDOR, finishes)
        steps = [Step.ACCEPTED, Step.MATCHED, Step.ATTEMPT]
        for event_id in ids:
            entries = ledger.journal_of(event_id, 0.0, 1000)
            assert {event_id} == {entry.event_id for entry in entries}
            expected = steps if event_id in {"e1", "e1:b"} else steps[:2]
            assert [entry.step for entry in entries] == expected
            assert [entry.id for entry in entries] == sorted(entry.id for entry in entries)

    def test_a_beginning_finds_all_that_begin_so(self, ledger: Ledger) -> None:
        """Whatever follows: neither another case nor what looks like a pattern."""
        for event_id in ("e.1", "e.2", "e32", "E.1", "e"):
            register(ledger, event_id, TARGET)
        found = {entry.event_id for entry in ledger.journal_of("e.", 0.0, 1000, begins=True)}
        assert found == {"e.1", "e.2"}

    def test_its_replays_are_part_of_it(self, ledger: Ledger) -> None:
        """Under the event's own id, each entry says which replay it is of."""
        register(ledger, "e1", TARGET)
        register(ledger, ledger_id("e1", "again"), TARGET)
        register(ledger, ledger_id("e2", "again"), TARGET)
        entries = ledger.journal_of("e1", 0.0, 1000)
        assert [entry.replay_name for entry in entries] == ["", "", "again", "again"]

    def test_no_more_is_looked_at_than_was_said(self, ledger: Ledger) -> None:
        """Nor what is older than said, or what is in the store."""
        ledger.accept([(f"e{number}", b"{}", "lane") for number in range(50)])
        assert len(ledger.journal_of("e49", 0.0, 50)) == 1
        assert ledger.journal_of("e49", 0.0, 49) == []
        [entry] = ledger.journal_of("e7", 0.0, 1000)
        assert ledger.journal_of("e7", entry.at - 1, 1000) == [entry]
        assert ledger.journal_of("e7", entry.at + 1, 1000) == []
        ledger.journal_recorded([entry.id])
        assert ledger.journal_of("e7", 0.0, 1000) == []


def look(ledger: Ledger, event_id: str):
    """Return the deliveries of an event that the ledger knows."""
    sight = ledger.look(event_id, BOTH)
    assert sight is not None
    return sight.deliveries
