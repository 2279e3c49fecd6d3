"""What every ledger must do for those who steer: pauses, and balances that are exact."""

from collections.abc import Callable

import pytest

from eventflow.delivery import Balance, Finish, Ledger, Outcome, Planned, Verdict
from eventflow.rules import Target
from eventflow.rules.targets import CircuitBreaker, RetryPolicy
from eventflow.units import parse_rate
from tests.contracts.ledger import LEASE, TARGET, VENDOR, body_of, letter_of, register

ROUTE = "eventflow.route"
WaitUntil = Callable[[Callable[[], bool]], None]


def verdict(ledger: Ledger, target: Target, identity: str) -> tuple[Verdict, str]:
    """Claim one delivery; return what was said and, where it was parked, by what."""
    [claim] = ledger.claim(target, [identity], lease=LEASE)
    return claim.verdict, claim.parked_by


def balance(ledger: Ledger, target: str = TARGET) -> Balance:
    """Return one target's balance."""
    return ledger.balances([target])[target]


class PauseContract:
    """The promises of a ledger on targets that a person pauses."""

    def test_a_paused_target_parks_and_spends_nothing(self, ledger: Ledger) -> None:
        """What is claimed is parked, however many there are, and no attempt is counted."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(2)]
        assert ledger.pause(TARGET, reason="vendor moves", by="ana@desk")
        assert [verdict(ledger, VENDOR, identity) for identity in ids] == [
            (Verdict.PARKED, "paused")
        ] * 2
        assert ledger.describe(ids) == [("T", 0), ("T", 0)]
        status = ledger.status([TARGET])[TARGET]
        assert (status.parked, status.paused) == (2, True)

    def test_a_pause_is_told(self, ledger: Ledger) -> None:
        """Who, why and since when; a second pause changes nothing of it."""
        assert ledger.pauses([TARGET]) == {}
        ledger.pause(TARGET, reason="vendor moves", by="ana@desk")
        told = ledger.pauses([TARGET, "notifications"])
        assert not ledger.pause(TARGET, reason="other", by="ben")
        assert told == ledger.pauses([TARGET])
        assert (told[TARGET].reason, told[TARGET].by) == ("vendor moves", "ana@desk")
        assert told[TARGET].since > 0

    def test_a_mover_leaves_a_paused_target_alone(self, ledger: Ledger) -> None:
        """Nothing of it is queued, and nothing asks for another look."""
        [identity] = register(ledger, "e1", TARGET)
        ledger.pause(TARGET, reason="", by="")
        verdict(ledger, VENDOR, identity)
        moved = ledger.move([VENDOR], 10)
        assert (moved.by_target, moved.nearest) == ({}, None)

    def test_what_falls_due_in_a_pause_is_parked(self, ledger: Ledger) -> None:
        """A retry whose time comes waits for the end of the pause, in its place."""
        [identity] = register(ledger, "e1", TARGET)
        verdict(ledger, VENDOR, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.RETRY, delay=0)])
        ledger.pause(TARGET, reason="", by="")
        assert ledger.move([VENDOR], 10).by_target == {}
        status = ledger.status([TARGET])[TARGET]
        assert (status.waiting, status.parked) == (0, 1)

    def test_a_resumed_target_goes_on_in_order(self, ledger: Ledger) -> None:
        """What came first goes first, at once, and what comes later gets in line."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(3)]
        ledger.pause(TARGET, reason="", by="")
        for identity in reversed(ids):
            verdict(ledger, VENDOR, identity)
        assert ledger.resume(TARGET)
        assert not ledger.resume(TARGET)
        assert ledger.pauses([TARGET]) == {}
        assert not ledger.status([TARGET])[TARGET].paused
        assert ledger.move([VENDOR], 10).by_target == {TARGET: ids}
        assert verdict(ledger, VENDOR, ids[0]) == (Verdict.RUN, "")

    def test_what_comes_in_a_pause_keeps_its_order(self, ledger: Ledger) -> None:
        """Events that were accepted together or later, and are registered in the pause, stay in line."""
        names = ["b", "a", "c"]
        ledger.pause(TARGET, reason="", by="")
        ids = [register(ledger, name, TARGET)[0] for name in names]
        together = [f"d{number}" for number in range(3)]
        ledger.accept([(name, body_of(name), "lane") for name in together])
        for work in ledger.begin_route(3, lease=LEASE):
            ledger.finish_route(work.event_id, "T", [Planned(TARGET, ("r",), None)], [])
        ids += [f"{name}:{TARGET}" for name in together]
        ledger.park(TARGET, ids)
        ledger.resume(TARGET)
        assert ledger.move([VENDOR], 10).by_target == {TARGET: ids}

    def test_a_resumed_target_keeps_its_rate(self, ledger: Ledger) -> None:
        """The end of a pause is no flood: a limit lets through what it always does."""
        slow = VENDOR.model_copy(update={"rate_limit": parse_rate("40/h")})
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(3)]
        ledger.pause(TARGET, reason="", by="")
        ledger.park(TARGET, ids)
        ledger.resume(TARGET)
        assert ledger.move([slow], 10).by_target == {TARGET: ids[:1]}

    def test_a_pause_is_no_age(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """After a pause longer than its age a delivery runs: time stood still, twice over."""
        target = VENDOR.model_copy(update={"retry": RetryPolicy(max_age=0.3)})
        [identity] = register(ledger, "e1", TARGET)
        for number in range(2):
            ledger.pause(TARGET, reason="", by="")
            verdict(ledger, target, identity)
            [mark] = register(ledger, f"mark{number}", "notifications")
            wait_until(lambda: ledger.stale(["notifications"])["notifications"][0] > 0.2)
            ledger.claim(Target(name="notifications", task="t"), [mark], lease=LEASE)
            assert ledger.move([target], 10).by_target == {}
            ledger.resume(TARGET)
            assert ledger.move([target], 10).by_target == {TARGET: [identity]}
        [claim] = ledger.claim(target, [identity], lease=LEASE)
        assert claim.verdict is Verdict.RUN
        assert claim.now - claim.accepted_at > 0.4
        assert claim.paused > 0.4

    def test_age_goes_on_after_a_pause(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """A pause that was over before a delivery was registered does not make it younger."""
        target = VENDOR.model_copy(update={"retry": RetryPolicy(max_age=0.05)})
        ledger.pause(TARGET, reason="", by="")
        [mark] = register(ledger, "mark", "notifications")
        wait_until(lambda: ledger.stale(["notifications"])["notifications"][0] > 0.2)
        ledger.resume(TARGET)
        [identity] = register(ledger, "e1", TARGET)
        wait_until(lambda: ledger.stale([TARGET])[TARGET][0] > 0.06)
        assert verdict(ledger, target, identity)[0] is Verdict.MAX_AGE
        assert mark

    def test_what_was_parked_ages_again(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """Once resumed, what another limit holds back goes to its last rites when it is too old."""
        target = VENDOR.model_copy(update={"retry": RetryPolicy(max_age=0.1)})
        [identity] = register(ledger, "e1", TARGET)
        ledger.open_breaker(TARGET, seconds=None, reason="")
        ledger.pause(TARGET, reason="", by="")
        verdict(ledger, target, identity)
        ledger.resume(TARGET)
        wait_until(lambda: ledger.move([target], 10).by_target == {TARGET: [identity]})
        assert verdict(ledger, target, identity)[0] is Verdict.MAX_AGE

    def test_a_breaker_and_a_pause_are_two_things(self, ledger: Ledger) -> None:
        """The end of one leaves the other as it was."""
        guarded = VENDOR.model_copy(update={"circuit_breaker": CircuitBreaker()})
        [identity] = register(ledger, "e1", TARGET)
        ledger.open_breaker(TARGET, seconds=None, reason="")
        ledger.pause(TARGET, reason="", by="")
        ledger.close_breaker(TARGET)
        assert verdict(ledger, guarded, identity) == (Verdict.PARKED, "paused")
        ledger.open_breaker(TARGET, seconds=None, reason="")
        ledger.resume(TARGET)
        assert ledger.move([guarded], 10).by_target == {}

    def test_other_targets_are_not_paused(self, ledger: Ledger) -> None:
        """A pause holds its own target alone."""
        ledger.pause("notifications", reason="", by="")
        [identity] = register(ledger, "e1", TARGET)
        assert verdict(ledger, VENDOR, identity)[0] is Verdict.RUN


class BalanceContract:
    """The promises of a ledger on what is registered and where it is."""

    def test_a_balance_counts_every_place(self, ledger: Ledger) -> None:
        """One delivery in each place, and nothing missing."""
        ids = [register(ledger, f"e{number}", TARGET)[0] for number in range(6)]
        for identity in ids[:4]:
            verdict(ledger, VENDOR, identity)
        ledger.finish(
            VENDOR,
            [
                Finish(ids[0], 1, Outcome.DONE),
                Finish(ids[1], 1, Outcome.RETRY, delay=60),
                Finish(ids[2], 1, Outcome.DEAD, letter=letter_of("e2")),
            ],
        )
        ledger.park(TARGET, ids[4:5])
        assert balance(ledger) == Balance(TARGET, 6, 1, 1, 1, 1, 1, 1)
        assert balance(ledger).difference == 0

    def test_a_target_without_anything_balances(self, ledger: Ledger) -> None:
        """Nothing registered is nothing missing; no targets are none."""
        assert balance(ledger) == Balance(TARGET, 0, 0, 0, 0, 0, 0, 0)
        assert ledger.balances([]) == {}

    def test_a_redrive_is_registered_again(self, ledger: Ledger) -> None:
        """A dead letter that is sent again is one more that was registered."""
        [identity] = register(ledger, "e1", TARGET)
        verdict(ledger, VENDOR, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DEAD, letter=letter_of("e1"))])
        ledger.revive(letter_of("e1"))
        ledger.revive(letter_of("e1"))
        assert balance(ledger) == Balance(TARGET, 2, 0, 1, 1, 0, 0, 0)

    def test_a_dead_letter_at_birth_is_registered(self, ledger: Ledger) -> None:
        """What could not be delivered at all counts on both sides."""
        ledger.accept([("e1", body_of("e1"), "lane")])
        ledger.finish_route("e1", "T", [Planned("x", ("r",), None)], [letter_of("e1")])
        assert balance(ledger) == Balance(TARGET, 1, 0, 1, 0, 0, 0, 0)
        assert balance(ledger, "x").difference == 0

    @pytest.mark.parametrize("letters", [0, 1])
    def test_events_balance(self, ledger: Ledger, letters: int) -> None:
        """Accepted is routed, in a router's hands, or on the way to one; a duplicate is none."""
        for event_id in ("e1", "e2", "e3", "e1"):
            ledger.accept([(event_id, body_of(event_id), "lane")])
        ledger.begin_route(2, lease=LEASE)
        unroutable = [letter_of("e1", target="")] * letters
        ledger.finish_route("e1", "T", [], unroutable)
        ledger.finish_route("e1", "T", [], unroutable)
        told = balance(ledger, ROUTE)
        assert (told.delivered, told.running, told.queued, told.dead) == (1, 1, 1, letters)
        assert told.difference == 0

    def test_dead_letters_balance(self, ledger: Ledger) -> None:
        """Each is recorded or waits for the recorder; one that is written once more is still one."""
        [identity] = register(ledger, "e1", TARGET)
        verdict(ledger, VENDOR, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.DEAD, letter=letter_of("e1"))])
        ledger.accept([("e2", body_of("e2"), "lane")])
        ledger.finish_route("e2", "T", [], [letter_of("e2")])
        ledger.bury([letter_of("e3"), letter_of("e3")])
        kept = ledger.letters([identity])
        ledger.recorded(kept)
        ledger.recorded(kept)
        told = balance(ledger, "eventflow.dead-letters")
        assert (told.registered, told.delivered, told.queued, told.difference) == (3, 1, 2, 0)

    def test_what_is_late_is_in_one_place(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """The outcome of an ended lease finds its delivery parked, and takes it from there."""
        [identity] = register(ledger, "e1", TARGET)
        ledger.claim(VENDOR, [identity], lease=0.05)
        wait_until(lambda: ledger.move([VENDOR], 10).lost == [identity])
        ledger.pause(TARGET, reason="", by="")
        assert verdict(ledger, VENDOR, identity) == (Verdict.PARKED, "paused")
        late = [Finish(identity, 1, Outcome.RETRY, delay=60)]
        assert ledger.finish(VENDOR, late).recorded == [True]
        assert balance(ledger) == Balance(TARGET, 1, 0, 0, 0, 0, 1, 0)
