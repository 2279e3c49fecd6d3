"""What every ledger must do; a backend's test class inherits it and gives the fixture `ledger`."""

import itertools
import json
import uuid
from collections.abc import Callable

import pytest

from eventflow.delivery import Acceptance, Finish, Ledger, Outcome, Planned, Progress, Verdict
from eventflow.records import DeadLetter, Reason
from eventflow.rules import Target
from eventflow.rules.targets import RetryPolicy

TARGET = "device-vendor"
VENDOR = Target(name=TARGET, task="vendor.call")
OTHER = Target(name="notifications", task="notifications.send")
LEASE = 30.0
WaitUntil = Callable[[Callable[[], bool]], None]


def body_of(event_id: str) -> bytes:
    """Return a small event's JSON."""
    return json.dumps({"id": event_id, "source": "s", "detail-type": "T", "detail": {}}).encode()


def letter_of(event_id: str, *, target: str = TARGET, redrives: int = 0) -> DeadLetter:
    """Return a dead letter of one event's delivery."""
    return DeadLetter(
        id=f"{event_id}:{target}",
        target=target,
        reason=Reason.MAX_ATTEMPTS,
        event=json.loads(body_of(event_id)),
        rules=("r",),
        redrives=redrives,
    )


def register(ledger: Ledger, event_id: str, *targets: str, shaped: str | None = None) -> list[str]:
    """Accept and route one event to *targets*; return its deliveries' ids."""
    ledger.accept([(event_id, body_of(event_id), "lane")])
    ledger.begin_route(1, lease=LEASE)
    planned = [Planned(target, ("r",), shaped) for target in targets]
    assert ledger.finish_route(event_id, "T", planned, [])
    return [f"{event_id}:{target}" for target in targets]


def claim(ledger: Ledger, *ids: str, lease: float = LEASE, most: int = 5, age: float = 3600.0):
    """Claim deliveries of the usual target, each time as another process."""
    policy = RetryPolicy(max_attempts=most, max_age=age)
    target = VENDOR.model_copy(update={"retry": policy})
    return ledger.claim(target, list(ids), lease=lease, owner=str(uuid.uuid4()))


class LedgerContract:
    """The promises of `eventflow.delivery.ledger.Ledger`."""

    def test_an_event_is_accepted_once(self, ledger: Ledger) -> None:
        """An id that is known and not yet routed is pending; once routed, a duplicate."""
        first = ledger.accept([("e1", body_of("e1"), "lane"), ("e2", body_of("e2"), "lane")])
        assert first == [Acceptance.NEW, Acceptance.NEW]
        assert ledger.accept([("e1", body_of("other"), "lane")]) == [Acceptance.PENDING]
        ledger.finish_route("e1", "T", [], [])
        assert ledger.accept([("e1", body_of("e1"), "lane")]) == [Acceptance.DUPLICATE]

    def test_a_router_is_called_once(self, ledger: Ledger) -> None:
        """While a message is on its way no other is due; once it is taken, the next event's is."""
        assert ledger.accept([("e1", body_of("e1"), "lane")]).is_call_due
        assert not ledger.accept([("e2", body_of("e2"), "lane")]).is_call_due
        assert not ledger.accept([("e1", body_of("e1"), "lane")]).is_call_due, "it is pending"
        taken = ledger.take_routes(9, lease=LEASE, answers=True, patience=60)
        assert (["e1", "e2"], 0) == ([work.event_id for work in taken.works], taken.left)
        assert ledger.accept([("e3", body_of("e3"), "lane")]).is_call_due

    def test_a_call_may_be_lost(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """A message that nobody takes is due again with the next event, after a while."""
        assert ledger.accept([("e0", body_of("e0"), "lane")]).is_call_due
        numbers = itertools.count(1)
        wait_until(lambda: ledger.accept([(f"e{next(numbers)}", b"{}", "lane")]).is_call_due)

    def test_who_is_not_taken_calls_nobody(self, ledger: Ledger) -> None:
        """An event that was routed long ago, published again, is no reason to call a router."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        ledger.take_routes(1, lease=LEASE, answers=True, patience=60)
        ledger.finish_route("e1", "T", [], [])
        assert not ledger.accept([("e1", body_of("e1"), "lane")]).is_call_due
        assert not ledger.accept([]).is_call_due

    def test_the_first_body_of_an_id_is_kept(self, ledger: Ledger) -> None:
        """Publishing an id again does not change the event."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        ledger.accept([("e1", b"{}", "lane")])
        assert body_of("e1") == ledger.begin_route(1, lease=LEASE)[0].body

    def test_routing_counts_its_attempts(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """An event that ends its router is handed out again, with a rising count."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        assert ledger.begin_route(1, lease=0.05)[0].attempts == 1
        assert ledger.begin_route(1, lease=0.05) == [], "a router has it"
        wait_until(lambda: ledger.recover_routes(10) == ["e1"])
        assert ledger.begin_route(1, lease=LEASE)[0].attempts == 2
        assert ledger.recover_routes(10) == []

    def test_what_ended_its_router_is_handed_out_alone(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """The second time it takes no others along, and the others come next."""
        ledger.accept([("e1", body_of("e1"), "a")])
        ledger.begin_route(1, lease=0.05)
        wait_until(lambda: ledger.recover_routes(10) == ["e1"])
        ledger.accept([("e2", body_of("e2"), "a"), ("e3", body_of("e3"), "b")])
        given = [[work.event_id for work in ledger.begin_route(5, lease=LEASE)] for _ in range(3)]
        assert given == [["e1"], ["e3", "e2"], []]

    def test_lanes_are_routed_in_turn(self, ledger: Ledger) -> None:
        """A flood in one lane does not keep the others waiting; in a lane, first come goes first."""
        ledger.accept([(f"flood-{number}", b"{}", "flood") for number in range(100)])
        ledger.accept([("other-1", b"{}", "other"), ("other-2", b"{}", "other")])
        ledger.accept([("third", b"{}", "third")])
        works = ledger.begin_route(6, lease=LEASE)
        assert [work.event_id for work in works] == [
            "flood-0",
            "other-1",
            "third",
            "flood-1",
            "other-2",
            "flood-2",
        ]
        assert [work.lane for work in works][:3] == ["flood", "other", "third"]
        assert len(ledger.begin_route(1000, lease=LEASE)) == 97
        assert ledger.begin_route(1, lease=LEASE) == []

    def test_an_event_is_routed_once(self, ledger: Ledger) -> None:
        """The second router to finish registers nothing, and the next gets no work."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        assert ledger.finish_route("e1", "T", [Planned(TARGET, ("r",), None)], [])
        assert not ledger.finish_route("e1", "T", [Planned("other", ("r",), None)], [])
        assert ledger.begin_route(2, lease=LEASE) == []
        assert ledger.status(["other"])["other"].queued == 0

    def test_a_claim_runs_with_all_that_is_known(self, ledger: Ledger) -> None:
        """A claim carries the event, the shaped input, the rules and the number of the attempt."""
        [identity] = register(ledger, "e1", TARGET, shaped='{"who":"Ana"}')
        [answer] = claim(ledger, identity)
        assert (Verdict.RUN, 1, body_of("e1"), '{"who":"Ana"}', ("r",)) == (
            answer.verdict,
            answer.attempt,
            answer.body,
            answer.input,
            answer.rules,
        )
        assert answer.now >= answer.accepted_at > 0
        assert answer.first_attempt_at == answer.now

    def test_no_input_is_not_an_empty_one(self, ledger: Ledger) -> None:
        """A rule that shapes nothing gives None."""
        [identity] = register(ledger, "e1", TARGET)
        assert claim(ledger, identity)[0].input is None

    def test_a_leased_delivery_is_not_claimed_again(self, ledger: Ledger) -> None:
        """While one worker has it, another is told so."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        assert claim(ledger, identity)[0].verdict == Verdict.LEASED

    def test_a_finished_delivery_is_gone(self, ledger: Ledger) -> None:
        """A delivery that has succeeded is not handed out again."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        assert ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)]).recorded == [True]
        assert claim(ledger, identity)[0].verdict == Verdict.GONE
        assert ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)]).recorded == [False]
        assert ledger.status([TARGET])[TARGET].delivered == 1

    def test_each_of_a_list_is_on_its_own(self, ledger: Ledger) -> None:
        """One list can hold a success, a retry and a death."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(3)]
        assert [answer.verdict for answer in claim(ledger, *ids)] == [Verdict.RUN] * 3
        finishes = [
            Finish(ids[0], 1, Outcome.DONE),
            Finish(ids[1], 1, Outcome.RETRY, delay=60, error_type="E", error="no"),
            Finish(ids[2], 1, Outcome.DEAD, letter=letter_of("e2")),
        ]
        assert ledger.finish(VENDOR, finishes).recorded == [True] * 3
        status = ledger.status([TARGET])[TARGET]
        assert (
            status.queued,
            status.running,
            status.waiting,
            status.parked,
            status.delivered,
            status.retried,
            status.dead,
        ) == (0, 0, 1, 0, 1, 1, 1)

    def test_a_retry_waits_until_it_is_due(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """A delivery that waits is not claimed early; the mover queues it when its time comes."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        retry = Finish(identity, 1, Outcome.RETRY, delay=0.3, error_type="OSError", error="down")
        ledger.finish(VENDOR, [retry])
        assert claim(ledger, identity)[0].verdict == Verdict.WAITING
        [state] = ledger.waiting(TARGET, 10)
        assert (identity, 1, "OSError", "down") == (
            state.delivery_id,
            state.attempts,
            state.error_type,
            state.error,
        )
        moved = ledger.move([VENDOR], 10)
        assert moved.by_target == {}
        assert moved.nearest is not None
        assert 0 < moved.nearest <= 0.3
        wait_until(lambda: ledger.move([VENDOR], 10).by_target == {TARGET: [identity]})
        [answer] = claim(ledger, identity)
        assert (
            answer.verdict,
            answer.attempt,
            answer.error_type,
            answer.error,
        ) == (Verdict.RUN, 2, "OSError", "down")

    def test_a_claim_knows_the_step_before(self, ledger: Ledger) -> None:
        """The first attempt finds its routing, the next one the last that told where it is."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        ledger.begin_route(1, lease=LEASE)
        planned = [Planned(TARGET, ("r",), None, "routing"), Planned("other", ("r",), "1")]
        ledger.finish_route("e1", "T", planned, [letter_of("e1", target="third")])
        identity = f"e1:{TARGET}"
        for attempt, (trace, found) in enumerate(
            [("first", "routing"), ("", "first"), ("third", "first")], start=1
        ):
            [answer] = claim(ledger, identity)
            assert found == answer.trace
            ledger.finish(VENDOR, [Finish(identity, attempt, Outcome.RETRY, trace=trace)])
            ledger.move([VENDOR], 10)
        other = Target(name="other", task="t")
        [answer] = ledger.claim(other, ["e1:other"], lease=LEASE)
        assert ("", "1") == (answer.trace, answer.input)

    def test_a_retry_of_zero_seconds_is_due_at_once(self, ledger: Ledger) -> None:
        """Zero is a delay."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.RETRY, delay=0)])
        assert {TARGET: [identity]} == ledger.move([VENDOR], 10).by_target

    def test_a_lost_workers_delivery_is_moved(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """When a lease ends without an outcome, the delivery is queued again and counted."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity, lease=0.05)
        wait_until(lambda: ledger.move([VENDOR], 10).by_target == {TARGET: [identity]})
        assert claim(ledger, identity)[0].attempt == 2

    def test_a_spent_budget_is_told_and_not_run(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """A delivery whose attempts are spent is claimed for its last rites, by one worker."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity, lease=0.05, most=1)
        wait_until(lambda: ledger.move([VENDOR], 10).by_target == {TARGET: [identity]})
        [answer] = claim(ledger, identity, most=1)
        assert (answer.verdict, answer.attempt) == (Verdict.MAX_ATTEMPTS, 1)
        assert claim(ledger, identity, most=1)[0].verdict == Verdict.LEASED

    def test_zero_attempts_allow_none(self, ledger: Ledger) -> None:
        """Zero is a number of attempts."""
        [identity] = register(ledger, "e1", TARGET)
        assert claim(ledger, identity, most=0)[0].verdict == Verdict.MAX_ATTEMPTS

    def test_age_ends_a_delivery(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """A delivery older than its target allows is not run."""
        [identity] = register(ledger, "e1", TARGET)
        wait_until(lambda: ledger.stale([TARGET])[TARGET][0] > 0.05)
        assert claim(ledger, identity, age=0.05)[0].verdict == Verdict.MAX_AGE

    def test_a_late_failure_changes_nothing(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """The outcome of an attempt that was overtaken by the next is passed over."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity, lease=0.05)
        wait_until(lambda: ledger.move([VENDOR], 10).by_target == {TARGET: [identity]})
        claim(ledger, identity)
        late = [
            Finish(identity, 1, Outcome.RETRY, delay=0),
            Finish(identity, 1, Outcome.DEAD, letter=letter_of("e1")),
        ]
        assert ledger.finish(VENDOR, late).recorded == [False, False]
        assert ledger.status([TARGET])[TARGET].running == 1

    def test_a_late_success_counts(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """What has succeeded is done, even after its lease: nobody does it once more."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity, lease=0.05)
        wait_until(lambda: ledger.move([VENDOR], 10).by_target == {TARGET: [identity]})
        assert ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)]).recorded == [True]
        assert claim(ledger, identity)[0].verdict == Verdict.GONE

    def test_release_gives_back_untried(self, ledger: Ledger) -> None:
        """A delivery that is given back is queued, and its attempt is not counted."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.RELEASE)])
        assert (
            (answer := claim(ledger, identity)[0]).verdict,
            answer.attempt,
        ) == (Verdict.RUN, 1)

    def test_the_body_is_kept_until_the_last_delivery(self, ledger: Ledger) -> None:
        """An event's content is there for each of its targets, however late."""
        ids = register(ledger, "e1", TARGET, "notifications")
        claim(ledger, ids[0])
        ledger.finish(VENDOR, [Finish(ids[0], 1, Outcome.DONE)])
        [answer] = ledger.claim(OTHER, [ids[1]], lease=LEASE)
        assert body_of("e1") == answer.body

    def test_a_dead_letter_waits_for_the_recorder(self, ledger: Ledger) -> None:
        """A dead letter is kept until it is recorded, and not longer."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DEAD, letter=letter_of("e1"))])
        kept = ledger.letters([identity, "never-heard-of"])
        assert [identity] == [letter_id for letter_id, _ in kept]
        assert letter_of("e1") == DeadLetter.from_json(kept[0][1])
        assert 1 == ledger.recorded(kept)
        assert ledger.letters([identity]) == []
        assert 0 == ledger.recorded(kept)

    def test_dead_letters_that_came_just_now_are_written_along(self, ledger: Ledger) -> None:
        """With those that are named, the newest first, each once, and so many at most."""
        for number in range(4):
            ledger.bury([DeadLetter(id=f"message:{number}", reason=Reason.UNDECODABLE)])
        named = ["message:1", "never-heard-of"]
        found = [
            [letter_id for letter_id, _ in ledger.letters(names, also=also)]
            for names, also in ((named, 0), (named, 2), (named, 10), (named[1:], 10), ([], 10))
        ]
        assert [
            ["message:1"],
            ["message:1", "message:3", "message:2"],
            ["message:1", "message:3", "message:2", "message:0"],
            [],
            [],
        ] == found

    def test_routing_can_bury(self, ledger: Ledger) -> None:
        """What cannot be delivered at all is a dead letter in the same step as the rest."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        ledger.finish_route(
            "e1", "T", [Planned(TARGET, ("r",), None)], [letter_of("e1", target="x")]
        )
        assert [letter_id for letter_id, _ in ledger.letters(["e1:x"])] == [("e1:x")]
        assert claim(ledger, f"e1:{TARGET}")[0].verdict == Verdict.RUN
        assert ledger.status(["x"])["x"].dead == 1

    def test_bury_keeps_what_is_no_delivery(self, ledger: Ledger) -> None:
        """A message that nobody can read waits for the recorder as well."""
        letter = DeadLetter(id="message:1", reason=Reason.UNDECODABLE, message={"queue": "q"})
        ledger.bury([letter])
        assert letter == DeadLetter.from_json(ledger.letters(["message:1"])[0][1])

    def test_a_redrive_starts_a_fresh_budget(self, ledger: Ledger) -> None:
        """A revived delivery runs as attempt one, with its event and rules."""
        assert ledger.revive(letter_of("e1"))
        [answer] = claim(ledger, f"e1:{TARGET}")
        assert (
            answer.verdict,
            answer.attempt,
            answer.rules,
            answer.redrives,
        ) == (Verdict.RUN, 1, ("r",), 1)
        assert json.loads(body_of("e1")) == json.loads(answer.body)

    def test_a_redrive_is_safe_to_repeat(self, ledger: Ledger) -> None:
        """The same redrive revives once, in flight or after its success; the next one does again."""
        identity = f"e1:{TARGET}"
        assert ledger.revive(letter_of("e1"))
        assert not ledger.revive(letter_of("e1"))
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)])
        assert not ledger.revive(letter_of("e1"))
        assert ledger.revive(letter_of("e1", redrives=1))

    def test_a_redrive_leaves_the_events_other_deliveries(self, ledger: Ledger) -> None:
        """Reviving one target's delivery while another's is in flight disturbs neither."""
        ids = register(ledger, "e1", TARGET, "notifications")
        claim(ledger, ids[0])
        ledger.finish(VENDOR, [Finish(ids[0], 1, Outcome.DEAD, letter=letter_of("e1"))])
        assert ledger.revive(letter_of("e1"))
        claim(ledger, ids[0])
        ledger.finish(VENDOR, [Finish(ids[0], 1, Outcome.DONE)])
        [answer] = ledger.claim(OTHER, [ids[1]], lease=LEASE)
        assert body_of("e1") == answer.body

    def test_what_is_queued_too_long_is_found(self, ledger: Ledger) -> None:
        """With an empty queue, what is queued has lost its message; one mover gets to send it."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(3)]
        assert ids == ledger.requeue(TARGET, 0, empty=True, limit=10)
        assert ledger.requeue(TARGET, 60, empty=True, limit=10) == []

    def test_what_claims_have_passed_is_found(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """With a queue that is never empty, what is far behind the claims has lost its message."""
        [lost] = register(ledger, "e1", TARGET)
        wait_until(lambda: ledger.stale([TARGET])[TARGET][0] > 0.1)
        [later] = register(ledger, "e2", TARGET)
        assert ledger.requeue(TARGET, 0.05, empty=False, limit=10) == []
        claim(ledger, later)
        age, lag = ledger.stale([TARGET])[TARGET]
        assert age > 0.1
        assert lag > 0.05
        assert [lost] == ledger.requeue(TARGET, 0.05, empty=False, limit=10)

    def test_nothing_queued_is_not_stale(self, ledger: Ledger) -> None:
        """Only names with something queued are told."""
        assert ledger.stale([TARGET, "eventflow.route"]) == {}
        ledger.accept([("e1", body_of("e1"), "lane")])
        assert {"eventflow.route"} == set(ledger.stale([TARGET, "eventflow.route"]))

    def test_targets_are_announced(self, ledger: Ledger) -> None:
        """What a router announces, a worker reads; a new definition replaces the old."""
        ledger.announce({})
        assert ledger.targets() == {}
        ledger.announce({TARGET: '{"name":"a"}'})
        ledger.announce({TARGET: '{"name":"b"}', "other": "{}"})
        assert ledger.targets() == {TARGET: '{"name":"b"}', "other": "{}"}

    def test_deliveries_are_described(self, ledger: Ledger) -> None:
        """A message is labelled by its deliveries' types and attempts; the gone have none."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        assert ledger.describe([identity, "gone:x"]) == [("T", 1), ("", 0)]

    def test_progress_of_deliveries_is_told(self, ledger: Ledger) -> None:
        """Attempts, and how the last one failed, while in flight; nothing of what is through."""
        fresh, running, failed, done = (
            register(ledger, event_id, TARGET)[0] for event_id in ("e1", "e2", "e3", "e4")
        )
        claim(ledger, running, failed, done)
        retry = Finish(failed, 1, Outcome.RETRY, delay=60, error_type="E", error="no")
        ledger.finish(VENDOR, [retry, Finish(done, 1, Outcome.DONE)])
        assert [
            Progress(0, 0, "", ""),
            Progress(1, 0, "", ""),
            Progress(1, 1, "E", "no"),
            None,
            None,
        ] == ledger.progress([fresh, running, failed, done, "never:x"])
        assert [] == ledger.progress([])

    @pytest.mark.parametrize("event_id", ["a:b", "with space", "ünïcode", "a" * 200])
    def test_ids_may_be_anything_printable(self, ledger: Ledger, event_id: str) -> None:
        """An event's id, as its publisher chose it, is safe in keys and deliveries."""
        [identity] = register(ledger, event_id, TARGET)
        assert claim(ledger, identity)[0].verdict == Verdict.RUN
        assert ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DONE)]).recorded == [True]

    def test_a_lost_worker_is_told(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """An attempt without an outcome is named as the last error, by its number."""
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.RETRY, error_type="OSError", error="a")])
        assert ledger.move([VENDOR], 10).lost == []
        claim(ledger, identity, lease=0.05)
        wait_until(lambda: ledger.move([VENDOR], 10).lost == [identity])
        [answer] = claim(ledger, identity, most=2)
        assert answer.verdict == Verdict.MAX_ATTEMPTS
        assert (answer.error_type, answer.error) == (
            "WorkerLost",
            "attempt 2 ended with its worker",
        )
