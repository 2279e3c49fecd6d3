"""What every ledger must write down; a test class gives `ledger`, whose journal holds 50 entries."""

from collections.abc import Callable
from typing import Any

from eventflow.delivery import Draw, Finish, Ledger, Outcome, Planned
from eventflow.journal import JournalCall, JournalEntry, JournalState, Step
from eventflow.records import DeadLetter, Reason
from eventflow.rules import Target
from eventflow.rules.targets import CircuitBreaker, RetryPolicy
from tests.contracts.ledger import LEASE, OTHER, TARGET, VENDOR, body_of, letter_of, register

MOST = 50
WaitUntil = Callable[[Callable[[], bool]], None]


def steps_of(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Return each entry's step, id, target and facts, and forget the entries."""
    entries = ledger.journal_entries(1_000)
    ledger.journal_recorded([entry.id for entry in entries])
    return [(entry.step, entry.event_id, entry.target, dict(entry.facts)) for entry in entries]


def one(ledger: Ledger) -> JournalEntry:
    """Return the only entry there is, and forget it."""
    [entry] = ledger.journal_entries(1_000)
    ledger.journal_recorded([entry.id])
    return entry


def claim(ledger: Ledger, identity: str, target: Target = VENDOR, lease: float = LEASE) -> None:
    """Claim a delivery for nobody in particular."""
    ledger.claim(target, [identity], lease=lease)


class JournalContract:
    """The journal's promises."""

    def test_a_delivery_without_trouble_is_three_entries(self, ledger: Ledger) -> None:
        """Accepted, matched, attempted: in order, with times, and no more."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE, duration=0.25)])
        first, second, third = ledger.journal_entries(10)
        assert (Step.ACCEPTED, "e1", "", {"lane": "lane"}) == (
            first.step,
            first.event_id,
            first.target,
            first.facts,
        )
        assert (Step.MATCHED, "", {"targets": {TARGET: ["r"]}}) == (
            second.step,
            second.target,
            second.facts,
        )
        assert (Step.ATTEMPT, "e1", TARGET, 1, "done", 0.25, 0.0, {}) == (
            third.step,
            third.event_id,
            third.target,
            third.attempt,
            third.outcome,
            third.duration,
            third.due_at,
            third.facts,
        )
        assert "default" == third.bus
        assert first.id < second.id < third.id
        assert first.at <= second.at <= third.at

    def test_an_event_that_nobody_wants_says_so(self, ledger: Ledger) -> None:
        """It matched, and there is no target."""
        register(ledger, "e1")
        assert (Step.MATCHED, "e1", "", {"targets": {}}) == steps_of(ledger)[-1]

    def test_a_second_publishing_is_a_duplicate(self, ledger: Ledger) -> None:
        """Before and after it is routed."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        ledger.accept([("e1", body_of("e1"), "lane")])
        ledger.finish_route("e1", "T", [], [])
        ledger.accept([("e1", body_of("e1"), "lane")])
        steps = [step for step, *_ in steps_of(ledger)]
        assert [Step.ACCEPTED, Step.DUPLICATE, Step.MATCHED, Step.DUPLICATE] == steps

    def test_an_event_of_a_replay_has_its_own_id(self, ledger: Ledger) -> None:
        """And the replay's name, in the entries of its deliveries too."""
        [identity] = register(ledger, "e1@replay:incident-42", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)])
        found = {(each.event_id, each.replay_name) for each in ledger.journal_entries(10)}
        assert {("e1", "incident-42")} == found

    def test_a_retry_says_when_and_why(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """The error, cut to what is worth its room, and when it is due; then, that it is due."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        steps_of(ledger)
        finish = Finish(
            identity, 1, Outcome.RETRY, delay=0.01, error_type="HTTPError", error="é" * 300
        )
        ledger.finish(VENDOR, [finish])
        entry = one(ledger)
        assert (1, "retry", "HTTPError") == (entry.attempt, entry.outcome, entry.error_type)
        assert entry.error
        assert set(entry.error) == {"é"}
        assert len(entry.error) <= 200
        assert abs(entry.due_at - entry.at - 0.01) < 0.002
        wait_until(lambda: bool(ledger.move([VENDOR], 10).by_target))
        assert [(Step.QUEUED, "e1", TARGET, {"why": "due"})] == steps_of(ledger)

    def test_a_death_has_its_reason(self, ledger: Ledger) -> None:
        """And a redrive after it how many there were."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        steps_of(ledger)
        letter = letter_of("e1")
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DEAD, letter=letter, error="no")])
        entry = one(ledger)
        assert ("dead", "no", {"reason": "max_attempts"}) == (
            entry.outcome,
            entry.error,
            entry.facts,
        )
        assert ledger.revive(letter)
        assert not ledger.revive(letter)
        assert [(Step.REDRIVEN, "e1", TARGET, {"redrives": 1})] == steps_of(ledger)

    def test_what_is_given_back_untried_is_told(self, ledger: Ledger) -> None:
        """An attempt that does not count."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        steps_of(ledger)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.RELEASE)])
        assert "release" == one(ledger).outcome

    def test_an_outcome_that_is_passed_over_leaves_nothing(self, ledger: Ledger) -> None:
        """As when another has finished it meanwhile."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)])
        steps_of(ledger)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)])
        assert [] == steps_of(ledger)

    def test_what_cannot_be_delivered_is_unroutable(self, ledger: Ledger) -> None:
        """A whole event matched nothing; an input's fault is one target's, the others get theirs."""
        ledger.accept([("e1", b"garbage", "lane"), ("e2", body_of("e2"), "lane")])
        steps_of(ledger)
        whole = DeadLetter(
            id="e1:eventflow.route", reason=Reason.UNDECODABLE, error="no JSON", error_type="E"
        )
        ledger.finish_route("e1", "", [], [whole])
        entry = one(ledger)
        assert (Step.UNROUTABLE, "e1", "", {"reason": "undecodable"}, "E", "no JSON") == (
            entry.step,
            entry.event_id,
            entry.target,
            entry.facts,
            entry.error_type,
            entry.error,
        )
        fault = letter_of("e2").model_copy(update={"reason": Reason.INPUT})
        ledger.finish_route("e2", "T", [Planned("notifications", ("s",), None)], [fault])
        assert [
            (Step.MATCHED, "e2", "", {"targets": {"notifications": ["s"], TARGET: ["r"]}}),
            (Step.UNROUTABLE, "e2", TARGET, {"reason": "input"}),
        ] == steps_of(ledger)

    def test_what_is_held_back_says_by_what(self, ledger: Ledger) -> None:
        """Once, when it is parked, and once when it may run; its neighbours wait for their turn."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(3)]
        ledger.open_breaker(TARGET, seconds=None, reason="by hand")
        steps_of(ledger)
        claim(ledger, ids[0])
        claim(ledger, ids[0])
        ledger.park(TARGET, ids[1:])
        assert [
            (Step.PARKED, "e0", TARGET, {"by": "breaker"}),
            (Step.PARKED, "e1", TARGET, {"by": "turn"}),
            (Step.PARKED, "e2", TARGET, {"by": "turn"}),
        ] == steps_of(ledger)
        ledger.close_breaker(TARGET)
        ledger.move([VENDOR], 10)
        freed = steps_of(ledger)
        assert {(Step.QUEUED, f"e{number}", TARGET) for number in range(3)} == {
            entry[:3] for entry in freed
        }
        assert [{"why": "free"}] * 3 == [entry[3] for entry in freed]

    def test_a_retry_of_a_held_target_is_parked(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """What is due while its breaker is open waits for its turn; else it is just due."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.open_breaker(TARGET, seconds=None, reason="by hand")
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.RETRY, delay=0.001)])
        steps_of(ledger)
        wait_until(lambda: bool(ledger.move([VENDOR], 10)) and ledger.journal_state().waiting > 0)
        assert [(Step.PARKED, "e1", TARGET, {"by": "turn"})] == steps_of(ledger)

    def test_a_retry_of_a_paused_target_is_parked(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """By the pause, as what is claimed meanwhile is."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(2)]
        claim(ledger, ids[0])
        ledger.finish(VENDOR, [Finish(ids[0], 1, Outcome.RETRY, delay=0.001)])
        ledger.pause(TARGET, reason="works", by="ada")
        steps_of(ledger)
        wait_until(lambda: bool(ledger.move([VENDOR], 10)) and ledger.journal_state().waiting > 0)
        claim(ledger, ids[1])
        assert [
            (Step.PARKED, "e0", TARGET, {"by": "paused"}),
            (Step.PARKED, "e1", TARGET, {"by": "paused"}),
        ] == steps_of(ledger)

    def test_what_a_call_did_to_the_breaker_is_told(self, ledger: Ledger) -> None:
        """With the attempt that did it."""
        breaker = CircuitBreaker(failure_rate=0.5, min_calls=1)
        target = VENDOR.model_copy(update={"circuit_breaker": breaker})
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity, target)
        steps_of(ledger)
        ledger.finish(target, [Finish(identity, 1, Outcome.RETRY, delay=9, succeeded=False)])
        assert [(Step.ATTEMPT, "e1", TARGET, {"breaker": "opened"})] == steps_of(ledger)

    def test_what_never_came_back_is_lost(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """A lease that ended, found by a mover or by the next claim."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(2)]
        claim(ledger, ids[0], lease=0.001)
        claim(ledger, ids[1], lease=0.001)
        steps_of(ledger)

        def claimed_again() -> bool:
            claim(ledger, ids[0])
            return ledger.journal_state().waiting > 0

        wait_until(claimed_again)
        wait_until(lambda: bool(ledger.move([VENDOR], 10).lost))
        assert [
            (Step.LOST, "e0", TARGET, {"why": "lease"}),
            (Step.LOST, "e1", TARGET, {"why": "lease"}),
        ] == steps_of(ledger)

    def test_a_worker_that_ended_is_told(self, ledger: Ledger) -> None:
        """With how it ended, and when what it had is due."""
        [identity] = register(ledger, "e1", TARGET)
        ledger.claim(VENDOR, [identity], lease=LEASE, owner="w1/1")
        steps_of(ledger)
        ledger.lost(TARGET, owner="w1", delay=60.0, error="signal 9 (SIGKILL)")
        entry = one(ledger)
        assert (Step.LOST, "signal 9 (SIGKILL)", {"why": "worker"}) == (
            entry.step,
            entry.error,
            entry.facts,
        )
        assert abs(entry.due_at - entry.at - 60) < 0.01

    def test_what_an_ended_worker_has_told_is_written_down(self, ledger: Ledger) -> None:
        """A success that it told is an attempt like any other; then what ran is lost with it."""
        first, second = (register(ledger, name, TARGET)[0] for name in ("e1", "e2"))
        draw = Draw(most=5, look=50, answers=True, patience=LEASE)
        ledger.take(VENDOR, [], draw, lease=LEASE, owner="worker")
        steps_of(ledger)
        success = Finish(first, 1, Outcome.DONE, succeeded=True, duration=0.25)
        with ledger.outcomes(VENDOR, owner="worker") as outcomes:
            outcomes.tell(success, second)
            ledger.lost(TARGET, owner="worker", delay=60.0, error="killed")
            done, lost = ledger.journal_entries(10)
        assert (Step.ATTEMPT, "e1", 1, "done", 0.25) == (
            done.step,
            done.event_id,
            done.attempt,
            done.outcome,
            done.duration,
        )
        assert (Step.LOST, "e2") == (lost.step, lost.event_id)

    def test_a_router_that_ended_is_told(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """The event is routed again."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        ledger.begin_route(1, lease=0.001)
        steps_of(ledger)
        wait_until(lambda: bool(ledger.recover_routes(10)))
        assert [(Step.LOST, "e1", "", {"why": "router"})] == steps_of(ledger)

    def test_a_message_that_is_sent_again_is_told(self, ledger: Ledger) -> None:
        """An event's and a delivery's; a dead letter's is none of them."""
        register(ledger, "e1", TARGET)
        ledger.accept([("e2", body_of("e2"), "lane")])
        ledger.bury([letter_of("e3")])
        steps_of(ledger)
        for name in ("eventflow.route", TARGET, "eventflow.dead-letters"):
            assert ledger.requeue(name, 0.0, empty=True, limit=10)
        assert [
            (Step.QUEUED, "e2", "", {"why": "sent again"}),
            (Step.QUEUED, "e1", TARGET, {"why": "sent again"}),
        ] == steps_of(ledger)

    def test_beyond_its_bound_entries_are_counted(self, ledger: Ledger) -> None:
        """What is written stays, what is not is counted, and with room it goes on."""
        events = [(f"e{number}", b"{}", "lane") for number in range(MOST + 7)]
        ledger.accept(events)
        state = ledger.journal_state()
        assert (MOST, 7) == (state.waiting, state.dropped)
        told = [ledger.call_recorder(patience=60.0).dropped for _ in range(2)]
        assert [7, 0] == told, "each is told once"
        assert f"e{MOST - 1}" == steps_of(ledger)[-1][1]
        register(ledger, "other")
        assert JournalState(2, 7) == JournalState(
            ledger.journal_state().waiting, ledger.journal_state().dropped
        )

    def test_entries_are_handed_out_until_they_are_recorded(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """The oldest first, and the same ones again to who asks before; then they are gone."""
        ledger.accept([(f"e{number}", b"{}", "lane") for number in range(5)])
        first = ledger.journal_entries(3)
        assert ["e0", "e1", "e2"] == [entry.event_id for entry in first]
        assert first == ledger.journal_entries(3)
        wait_until(lambda: ledger.journal_state().oldest_age > 0)
        ledger.journal_recorded([entry.id for entry in first])
        ledger.journal_recorded([entry.id for entry in first])
        assert ["e3", "e4"] == [entry.event_id for entry in ledger.journal_entries(10)]
        steps_of(ledger)
        ledger.journal_recorded([])
        assert JournalState() == ledger.journal_state()

    def test_the_recorder_is_called_once_at_a_time(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """While entries wait; and again when it did not answer."""

        def call(patience: float = 60.0) -> JournalCall:
            return ledger.call_recorder(patience=patience).call

        assert JournalCall.NO == call(), "nothing waits"
        ledger.accept([("e1", b"{}", "lane")])
        assert JournalCall.YES == call(patience=0.01)
        wait_until(lambda: call() is JournalCall.AGAIN)
        assert JournalCall.NO == call(), "a message is under way"
        ledger.recorder_answered()
        assert JournalCall.YES == call()

    def test_rates_hold_back_without_a_second_entry(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """A retry that a limited target may take at once is due, not parked and freed."""
        target = OTHER.model_copy(update={"max_in_flight": 5, "retry": RetryPolicy(max_attempts=5)})
        [identity] = register(ledger, "e1", target.name)
        claim(ledger, identity, target)
        ledger.finish(target, [Finish(identity, 1, Outcome.RETRY, delay=0.001)])
        steps_of(ledger)
        wait_until(lambda: bool(ledger.move([target], 10).by_target))
        assert [(Step.QUEUED, "e1", target.name, {"why": "due"})] == steps_of(ledger)
