"""What every ledger must do so that one message brings many: calls, lists that are taken, outcomes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from eventflow.delivery import (
    CALL_AGAIN,
    BreakerChange,
    Draw,
    Finish,
    Ledger,
    Outcome,
    Planned,
    Routing,
    Taken,
    Verdict,
)
from eventflow.rules import ARCHIVE, Target
from eventflow.rules.targets import RetryPolicy
from eventflow.units import parse_rate
from tests.contracts.ledger import LEASE, TARGET, VENDOR, body_of, letter_of
from tests.contracts.limits import guarded, registered, tripped, vendor

WaitUntil = Callable[[Callable[[], bool]], None]
ROUTE = "eventflow.route"
PATIENCE = 60.0
FIVE = Draw(most=5, look=50, answers=True, patience=PATIENCE)


def take(
    ledger: Ledger,
    *named: str,
    draw: Draw = FIVE,
    target: Target = VENDOR,
    owner: str = "one",
    lease: float = LEASE,
) -> Taken:
    """Take what is named and more, as a worker."""
    return ledger.take(target, named, draw, lease=lease, owner=owner)


def ids_of(taken: Taken, verdict: Verdict = Verdict.RUN) -> list[str]:
    """Return what was claimed so."""
    return [claim.delivery_id for claim in taken.claims if claim.verdict is verdict]


def done(identity: str, attempt: int = 1) -> Finish:
    """Return the outcome of a success."""
    return Finish(identity, attempt, Outcome.DONE, succeeded=True)


def attempts(ledger: Ledger, ids: Sequence[str]) -> list[int]:
    """Return the attempts that were counted."""
    return [progress.attempts if progress else -1 for progress in ledger.progress(ids)]


def moved_lost(ledger: Ledger, ids: Sequence[str], wait_until: WaitUntil) -> list[str]:
    """Wait until a mover has found these; return those of them that were lost."""
    found: list[str] = []
    lost: list[str] = []

    def all_are_found() -> bool:
        moved = ledger.move([VENDOR], 10)
        found.extend(moved.by_target.get(TARGET, []))
        lost.extend(moved.lost)
        return sorted(found) == ids

    wait_until(all_are_found)
    return lost


def accepted(ledger: Ledger, count: int) -> list[str]:
    """Accept so many events."""
    ids = [f"e{number}" for number in range(count)]
    ledger.accept([(identity, body_of(identity), "lane") for identity in ids])
    return ids


class CallContract:
    """The promises of a ledger on messages: one is sent while none is on its way."""

    def test_events_are_registered_together(self, ledger: Ledger) -> None:
        """Each of a list is done with all its deliveries; one that was routed before adds nothing."""
        first, second, third = accepted(ledger, 3)
        assert ledger.finish_route(second, "T", [], [])
        both = [Planned(TARGET, ("r",), None), Planned("other", ("r",), "1")]
        letter = letter_of(third, target="third")
        routed = ledger.finish_routes(
            [
                Routing(first, "T", both),
                Routing(second, "T", both),
                Routing(third, "T", both[:1], [letter]),
            ]
        )
        assert [True, False, True] == routed.recorded
        assert {TARGET, "other"} == routed.called
        assert [f"e0:{TARGET}", f"e2:{TARGET}"] == ledger.queued(TARGET, 10)
        assert ["e0:other"] == ledger.queued("other", 10)
        balances = ledger.balances([ROUTE, TARGET, "other", "third"])
        assert [0] * 4 == [one.difference for one in balances.values()]
        assert (3, 2, 1, 1) == tuple(one.registered for one in balances.values())
        assert [letter.id] == [identity for identity, _ in ledger.letters([letter.id])]

    def test_a_queue_is_called_once(self, ledger: Ledger) -> None:
        """While a message is on its way no other is sent; once it is taken, the next is."""
        events = accepted(ledger, 4)

        def called(event_id: str) -> bool:
            planned = [Planned(TARGET, ("r",), None)]
            return TARGET in ledger.finish_routes([Routing(event_id, "T", planned)]).called

        assert [True, False] == [called(event_id) for event_id in events[:2]]
        assert 2 == len(take(ledger).claims)
        assert [True, False] == [called(event_id) for event_id in events[2:]]

    def test_a_lost_call_is_made_again(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """A message that nobody has taken for so long counts as lost; nothing queued needs none."""
        assert not ledger.call(TARGET, patience=0)
        registered(ledger, 1)
        assert not ledger.call(TARGET, patience=CALL_AGAIN), "routing it has called"
        wait_until(lambda: ledger.call(TARGET, patience=0.05))
        assert not ledger.call(TARGET, patience=0.05)
        assert ledger.call(TARGET, patience=0)

    def test_a_call_that_is_taken_by_who_stops_is_on_its_way_no_more(self, ledger: Ledger) -> None:
        """Though nothing is queued at that moment: what is queued next has a message of its own."""
        first, second, third = accepted(ledger, 3)
        planned = [Planned(TARGET, ("r",), None)]
        assert {TARGET} == ledger.finish_routes([Routing(first, "T", planned)]).called
        assert 1 == len(take(ledger, draw=replace(FIVE, answers=False)).claims)
        assert not ledger.call(TARGET, patience=PATIENCE), "one is on its way, and stays so"
        assert not ledger.finish_routes([Routing(second, "T", planned)]).called
        assert 1 == len(take(ledger, draw=replace(FIVE, answers=False)).claims)
        assert not ledger.call(TARGET, patience=0), "nothing is queued"
        assert {TARGET} == ledger.finish_routes([Routing(third, "T", planned)]).called

    def test_archives_have_a_message_each(self, ledger: Ledger) -> None:
        """Their task writes what its message names."""
        planned = [Planned(ARCHIVE, ("a",), None)]
        for event_id in accepted(ledger, 2):
            assert {ARCHIVE} == ledger.finish_routes([Routing(event_id, "T", planned)]).called

    def test_routers_are_called_while_there_is_enough(self, ledger: Ledger) -> None:
        """Who leaves as much as it takes calls one more, once; the last one calls none."""
        accepted(ledger, 5)
        takes = [
            ledger.take_routes(2, lease=LEASE, answers=number == 0, patience=PATIENCE)
            for number in range(4)
        ]
        assert [2, 2, 1, 0] == [len(taken.works) for taken in takes]
        assert [3, 1, 0, 0] == [taken.left for taken in takes]
        assert [True, False, False, False] == [taken.is_called for taken in takes]
        assert not ledger.call(ROUTE, patience=PATIENCE), "nothing is left"

    def test_workers_are_called_while_there_is_enough(self, ledger: Ledger) -> None:
        """So all free processes of a target get to work, each called by the one before."""
        registered(ledger, 12)
        takes = [take(ledger, owner="one")]
        takes.append(take(ledger, owner="two"))
        takes.append(take(ledger, owner="three", draw=replace(FIVE, answers=False)))
        assert [5, 5, 2] == [len(taken.claims) for taken in takes]
        assert [7, 2, 0] == [taken.left for taken in takes]
        assert [True, False, False] == [taken.is_called for taken in takes]


class TakeContract:
    """The promises of a ledger on lists of deliveries: taken together, begun one by one."""

    def test_what_is_named_comes_first(self, ledger: Ledger) -> None:
        """Then what is queued, the oldest first; the rest stays queued."""
        ids = registered(ledger, 8)
        taken = take(ledger, ids[6], ids[3])
        assert [ids[6], ids[3], *ids[:3]] == ids_of(taken)
        assert 3 == taken.left == len(ledger.queued(TARGET, 10))

    def test_what_waits_is_left_to_a_mover(self, ledger: Ledger) -> None:
        """An older message that names it does not bring it, though it is due."""
        [identity] = registered(ledger, 1)
        take(ledger)
        retry = Finish(identity, 1, Outcome.RETRY, delay=0, error_type="E", error="no")
        ledger.finish(VENDOR, [retry])
        assert [identity] == ids_of(take(ledger, identity), Verdict.WAITING)
        assert {TARGET: [identity]} == ledger.move([VENDOR], 10).by_target
        assert [identity] == ids_of(take(ledger, identity))

    def test_nothing_is_drawn_unasked(self, ledger: Ledger) -> None:
        """Without a look at the queue, what is named is all."""
        ids = registered(ledger, 3)
        taken = take(ledger, ids[1], draw=replace(FIVE, look=0))
        assert [ids[1]] == ids_of(taken)
        assert 2 == taken.left

    def test_only_the_first_is_begun(self, ledger: Ledger) -> None:
        """The others are leased, and no attempt of theirs is counted before they begin."""
        ids = registered(ledger, 3)
        claims = take(ledger).claims
        assert [1, 1, 1] == [claim.attempt for claim in claims]
        assert [1, 0, 0] == attempts(ledger, ids)
        assert [Verdict.LEASED] * 3 == [
            claim.verdict for claim in ledger.claim(VENDOR, ids, lease=LEASE, owner="two")
        ]
        with ledger.outcomes(VENDOR, owner="one") as outcomes:
            outcomes.tell(done(ids[0]), ids[1])
            assert [True] == outcomes.settle().recorded
            assert [-1, 1, 0] == attempts(ledger, ids)

    def test_all_are_begun_where_they_run_at_once(self, ledger: Ledger) -> None:
        """Each attempt is counted, and each crash would be."""
        ids = registered(ledger, 3)
        claims = take(ledger, draw=replace(FIVE, begins_all=True)).claims
        assert [1, 1, 1] == [claim.attempt for claim in claims] == attempts(ledger, ids)
        assert ids == sorted(ledger.lost(TARGET, owner="one", delay=60, error="killed"))

    def test_a_message_can_be_answered_alone(self, ledger: Ledger) -> None:
        """Nothing is taken, and the next that is queued has a message sent."""
        registered(ledger, 3)
        taken = take(ledger, draw=Draw(most=0, look=0, answers=True, patience=PATIENCE))
        assert ([], 3, False) == (taken.claims, taken.left, taken.is_called)
        assert ledger.call(TARGET, patience=PATIENCE)

    def test_outcomes_are_told_in_one_go(self, ledger: Ledger) -> None:
        """Successes, a failure and a death, each on its own; the answers come together."""
        ids = registered(ledger, 4)
        take(ledger)
        finishes = [
            done(ids[0]),
            Finish(ids[1], 1, Outcome.RETRY, delay=60, error_type="E", error="no"),
            Finish(ids[2], 1, Outcome.DEAD, letter=letter_of("e2")),
        ]
        with ledger.outcomes(VENDOR, owner="one") as outcomes:
            outcomes.tell(finishes[0], ids[1])
            assert [True] * 2 == outcomes.settle(finishes[1], ids[2]).recorded
            assert [True] == outcomes.settle(finishes[2], ids[3]).recorded
            outcomes.tell(done(ids[3]), "")
            assert [True, False] == outcomes.settle(done(ids[3])).recorded
            assert [] == outcomes.settle().recorded
        status = ledger.status([TARGET])[TARGET]
        assert (0, 1, 2, 1) == (status.running, status.waiting, status.delivered, status.dead)

    def test_outcomes_open_a_breaker(self, ledger: Ledger) -> None:
        """Who waits for the answer learns of it."""
        target = guarded(min_calls=1)
        [identity] = registered(ledger, 1)
        take(ledger, target=target)
        failed = Finish(identity, 1, Outcome.RETRY, delay=60, succeeded=False)
        with ledger.outcomes(target, owner="one") as outcomes:
            assert BreakerChange.OPENED is outcomes.settle(failed).breaker

    def test_an_outcome_begins_what_it_is_of(self, ledger: Ledger) -> None:
        """Where the word that a delivery begins was lost, the word of its end says both."""
        ids = registered(ledger, 2)
        take(ledger)
        retry = Finish(ids[1], 1, Outcome.RETRY, delay=0, error_type="E", error="no")
        assert [True] == ledger.finish(VENDOR, [retry]).recorded
        ledger.move([VENDOR], 10)
        [claim] = ledger.claim(VENDOR, ids[1:], lease=LEASE, owner="two")
        assert (Verdict.RUN, 2, "E") == (claim.verdict, claim.attempt, claim.error_type)

    def test_what_is_given_back_is_untried(self, ledger: Ledger) -> None:
        """Begun or reserved, a release leaves no attempt behind."""
        ids = registered(ledger, 3)
        take(ledger)
        releases = [Finish(identity, 1, Outcome.RELEASE) for identity in ids]
        assert [True] * 3 == ledger.finish(VENDOR, releases).recorded
        assert [0, 0, 0] == attempts(ledger, ids)
        assert sorted(ids) == sorted(ids_of(take(ledger, owner="two")))

    def test_what_is_given_back_late_is_another_s(self, ledger: Ledger) -> None:
        """A release that comes twice, the second time late, takes nothing from whoever has it now."""
        ids = registered(ledger, 3)
        releases = [
            Finish(one.delivery_id, 1, Outcome.RELEASE, leased_until=one.now + LEASE)
            for one in take(ledger, owner="one").claims
        ]
        assert [True] * 3 == ledger.finish(VENDOR, releases).recorded
        assert ids == sorted(ids_of(take(ledger, owner="two")))
        assert [False] * 3 == ledger.finish(VENDOR, releases).recorded
        assert [] == ledger.queued(TARGET, 10)
        assert [1, 0, 0] == attempts(ledger, ids)

    def test_an_ended_owner_is_charged_for_what_it_had_begun(self, ledger: Ledger) -> None:
        """What it had only reserved is queued at once, for anybody, and has no crash."""
        ids = registered(ledger, 3)
        take(ledger, owner="one:1")
        assert [ids[0]] == ledger.lost(TARGET, owner="one", delay=60, error="killed")
        assert ids[1:] == ledger.queued(TARGET, 10)
        claims = take(ledger, *ids[1:], owner="two").claims
        assert [(Verdict.RUN, 1)] * 2 == [(claim.verdict, claim.attempt) for claim in claims]

    def test_what_was_told_is_done_though_its_owner_has_ended(self, ledger: Ledger) -> None:
        """Nothing that has succeeded is repeated, and the crash is that of the one that had begun."""
        ids = registered(ledger, 4)
        take(ledger, owner="one:1")
        with ledger.outcomes(VENDOR, owner="one:1") as outcomes:
            outcomes.tell(done(ids[0]), ids[1])
            outcomes.tell(done(ids[1]), ids[2])
            assert [ids[2]] == ledger.lost(TARGET, owner="one", delay=60, error="killed")
        assert ids[3:] == ledger.queued(TARGET, 10)
        assert [-1, -1, 1, 0] == attempts(ledger, ids)
        status = ledger.status([TARGET])[TARGET]
        assert (0, 1, 2) == (status.running, status.waiting, status.delivered)

    def test_what_was_told_is_done_though_its_lease_has_ended(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """A mover finds only what had begun, and what was reserved."""
        ids = registered(ledger, 3)
        take(ledger, lease=0.05)
        with ledger.outcomes(VENDOR, owner="one") as outcomes:
            outcomes.tell(done(ids[0]), ids[1])
            assert ids[1:2] == moved_lost(ledger, ids[1:], wait_until)
        assert [-1, 1, 0] == attempts(ledger, ids)

    def test_what_was_told_late_is_done(self, ledger: Ledger) -> None:
        """A word that comes after its delivery was taken from its owner keeps it from being repeated."""
        ids = registered(ledger, 2)
        take(ledger, owner="one")
        assert ids[:1] == ledger.lost(TARGET, owner="one", delay=0, error="killed")
        with ledger.outcomes(VENDOR, owner="one") as outcomes:
            outcomes.tell(done(ids[0]), ids[1])
            claims = ledger.claim(VENDOR, ids, lease=LEASE, owner="two")
        assert [Verdict.GONE, Verdict.RUN] == [claim.verdict for claim in claims]
        assert 1 == ledger.status([TARGET])[TARGET].delivered

    def test_an_ended_lease_counts_for_what_was_begun(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """A mover finds all of an ended worker's list, and one crash among them."""
        ids = registered(ledger, 3)
        take(ledger, lease=0.05)
        assert ids[:1] == moved_lost(ledger, ids, wait_until)
        assert [1, 0, 0] == attempts(ledger, ids)

    def test_a_claim_finds_an_ended_reservation(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """Whoever claims it next need not wait for a mover; the one who had it can begin it no more."""
        target = vendor(retry=RetryPolicy(max_crashes=1))
        ids = registered(ledger, 2)
        take(ledger, lease=0.05)

        def second() -> Verdict:
            return ledger.claim(target, ids[1:], lease=LEASE, owner="two")[0].verdict

        wait_until(lambda: second() is Verdict.RUN)
        with ledger.outcomes(VENDOR, owner="one") as outcomes:
            outcomes.tell(done(ids[0]), ids[1])
            outcomes.settle()
        assert [1] == attempts(ledger, ids[1:])

    def test_what_has_ended_a_worker_is_not_begun_beside_others(self, ledger: Ledger) -> None:
        """Where all that is taken runs at once, it is answered as one that is to be made apart."""
        ids = registered(ledger, 3)
        ledger.claim(VENDOR, ids[:2], lease=LEASE, owner="gone")
        ledger.lost(TARGET, owner="gone", delay=0, error="killed")
        ledger.move([VENDOR], 10)
        draw = replace(FIVE, begins_all=True)
        for named in (ids[:1], []):
            taken = take(ledger, *named, draw=draw)
            apart = [one.delivery_id for one in taken.claims if one.verdict is Verdict.APART]
            assert sorted(ids[:2]) == sorted(set(apart))
        assert 2 == len(ledger.queued(TARGET, 10))

    def test_more_are_looked_at_where_the_first_may_not_run(self, ledger: Ledger) -> None:
        """What may not run at the head of the queue is answered, and who asked for one gets the next."""
        [first] = registered(ledger, 1)
        ledger.claim(VENDOR, [first], lease=LEASE, owner="gone")
        ledger.lost(TARGET, owner="gone", delay=0, error="killed")
        ledger.move([VENDOR], 10)
        later = registered(ledger, 3, "later")
        taken = take(ledger, draw=replace(FIVE, most=1, begins_all=True))
        assert [first] == ids_of(taken, Verdict.APART)
        assert later[:1] == ids_of(taken)
        assert 3 == taken.left

    def test_what_has_ended_a_worker_is_taken_alone(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """It takes nobody along, waits for those before it, and is not passed over."""
        ids = registered(ledger, 2)
        ledger.claim(VENDOR, ids[:1], lease=LEASE, owner="one")
        ledger.lost(TARGET, owner="one", delay=0, error="killed")
        ledger.move([VENDOR], 10)
        registered(ledger, 2, "later")
        lists = [ids_of(take(ledger, owner=owner)) for owner in ("a", "b", "c")]
        assert [[ids[1]], [ids[0]], [f"later{n}:{TARGET}" for n in range(2)]] == lists

    def test_a_lost_answer_is_given_again(self, ledger: Ledger) -> None:
        """Asked once more, the owner gets what it had drawn, and no attempt is counted twice."""
        ids = registered(ledger, 3)
        take(ledger)
        again = take(ledger, draw=replace(FIVE, answers=False, repeats=True))
        assert sorted(ids) == sorted(ids_of(again))
        assert 1 == sum(attempts(ledger, ids))
        assert {1} == {claim.attempt for claim in again.claims}

    @pytest.mark.parametrize("begins_all", [False, True])
    def test_a_lost_answer_to_what_is_named_is_given_once(
        self, ledger: Ledger, begins_all: bool
    ) -> None:
        """What a message names and its owner had begun is in the next answer one time, and runs so."""
        ids = registered(ledger, 3)
        draw = replace(FIVE, begins_all=begins_all)
        take(ledger, *ids[:2], draw=draw)
        again = take(ledger, *ids[:2], draw=replace(draw, repeats=True))
        assert sorted(ids) == sorted(claim.delivery_id for claim in again.claims)
        assert sorted(ids) == sorted(ids_of(again))
        assert (3 if begins_all else 1) == sum(attempts(ledger, ids))

    def test_what_is_named_twice_is_claimed_once(self, ledger: Ledger) -> None:
        """Whoever wrote such a message: its list has each delivery one time."""
        ids = registered(ledger, 2)
        taken = take(ledger, ids[0], ids[1], ids[0])
        assert ids == ids_of(taken)
        assert ids == [claim.delivery_id for claim in taken.claims]

    def test_a_target_with_limits_gives_one(self, ledger: Ledger) -> None:
        """What its limits hold back is parked on the way."""
        for target in (vendor(rate_limit=parse_rate("1/h")), vendor(max_in_flight=1)):
            prefix = "rate" if target.rate_limit else "flight"
            ids = registered(ledger, 3, prefix)
            taken = take(ledger, target=target, draw=replace(FIVE, most=1))
            assert ids[:1] == ids_of(taken)
            rest = take(ledger, target=target, owner="two", draw=replace(FIVE, most=1))
            assert ids[1:] == ids_of(rest, Verdict.PARKED)
            ledger.finish(target, [done(ids[0])])
            ledger.close_breaker(TARGET)
            for identity in ids[1:]:
                ledger.finish(target, [Finish(identity, 0, Outcome.DONE)])

    def test_a_target_that_is_held_back_parks_all(self, ledger: Ledger) -> None:
        """While its breaker is open, one look parks a whole list, and spends nothing."""
        target = guarded(min_calls=4)
        tripped(ledger, target)
        ids = registered(ledger, 4)
        taken = take(ledger, target=target)
        assert ids == ids_of(taken, Verdict.PARKED)
        assert 0 == taken.left
        assert not taken.is_called
        assert [0] * 4 == attempts(ledger, ids)
