"""What every ledger must do to spare a target: breaker, rate, limit in flight, poison."""

import time
from collections.abc import Callable

from eventflow.delivery import (
    BreakerChange,
    BreakerState,
    Finish,
    Ledger,
    Outcome,
    Verdict,
)
from eventflow.rules import Target
from eventflow.rules.targets import CircuitBreaker, RetryPolicy
from eventflow.units import parse_rate
from tests.contracts.ledger import LEASE, TARGET, VENDOR, letter_of, register

WaitUntil = Callable[[Callable[[], bool]], None]
SHORT = 0.000_001  # seconds: over by the next call
BREAKER = CircuitBreaker(failure_rate=0.5, min_calls=4, window=60, open_for=60)


def vendor(**policy: object) -> Target:
    """Return the usual target with some policy."""
    return VENDOR.model_copy(update=policy)


def guarded(**policy: object) -> Target:
    """Return the usual target with a circuit breaker."""
    return vendor(circuit_breaker=BREAKER.model_copy(update=policy))


def run(
    ledger: Ledger, target: Target, identity: str, *, well: bool, delay: float = 3600
) -> BreakerChange:
    """Claim a delivery, and record that the call went well or failed."""
    [claim] = ledger.claim(target, [identity], lease=LEASE)
    assert claim.verdict is Verdict.RUN
    outcome = Outcome.DONE if well else Outcome.RETRY
    finish = Finish(
        identity,
        claim.attempt,
        outcome,
        delay=delay,
        error_type="" if well else "OSError",
        error="" if well else "down",
        succeeded=well,
    )
    return ledger.finish(target, [finish]).breaker


def registered(ledger: Ledger, count: int, prefix: str = "e") -> list[str]:
    """Register so many deliveries."""
    return [register(ledger, f"{prefix}{number}", TARGET)[0] for number in range(count)]


def verdict(ledger: Ledger, target: Target, identity: str) -> tuple[Verdict, str]:
    """Claim one delivery; return the verdict and what parked it."""
    [claim] = ledger.claim(target, [identity], lease=LEASE)
    return claim.verdict, claim.parked_by


def tripped(ledger: Ledger, target: Target, *, delay: float = 3600) -> None:
    """Have two of four calls fail; they are tried again after so many seconds."""
    ids = registered(ledger, 4, "trip")
    changes = [
        run(ledger, target, identity, well=number < 2, delay=delay)
        for number, identity in enumerate(ids)
    ]
    assert changes == [BreakerChange.NONE] * 3 + [BreakerChange.OPENED]


class BreakerContract:
    """The promises of a ledger on circuit breakers."""

    def test_enough_failures_open_it(self, ledger: Ledger) -> None:
        """It opens with the call that reaches the rate, says why, and parks what comes."""
        target = guarded()
        assert ledger.breakers([TARGET])[TARGET].state is BreakerState.CLOSED
        tripped(ledger, target)
        status = ledger.breakers([TARGET])[TARGET]
        assert (status.state, status.calls, status.failed, status.error) == (
            BreakerState.OPEN,
            4,
            2,
            "OSError: down",
        )
        assert 59 < status.until - status.since < 61
        [identity] = register(ledger, "next", TARGET)
        assert verdict(ledger, target, identity) == (Verdict.PARKED, "breaker")
        assert ledger.status([TARGET])[TARGET].parked == 1

    def test_too_few_calls_do_not(self, ledger: Ledger) -> None:
        """Below the least number of calls even nothing but failures leaves it closed."""
        target = guarded()
        for identity in registered(ledger, 3):
            assert run(ledger, target, identity, well=False) is BreakerChange.NONE

    def test_a_low_rate_does_not(self, ledger: Ledger) -> None:
        """A share of failures below the rate leaves it closed."""
        target = guarded()
        for number, identity in enumerate(registered(ledger, 9)):
            assert run(ledger, target, identity, well=number % 3 != 2) is BreakerChange.NONE

    def test_old_calls_are_forgotten(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """Failures that the window has left behind count no more."""
        target = guarded(window=0.2)
        ids = registered(ledger, 6)
        for identity in ids[:3]:
            run(ledger, target, identity, well=False)
        since = time.monotonic()
        wait_until(lambda: time.monotonic() - since > 0.25)
        assert run(ledger, target, ids[3], well=False) is BreakerChange.NONE

    def test_calls_that_were_not_made_do_not_count(self, ledger: Ledger) -> None:
        """A delivery that died without a call says nothing of its target."""
        target = guarded(min_calls=1)
        [identity] = registered(ledger, 1)
        ledger.claim(target, [identity], lease=LEASE)
        dead = Finish(identity, 1, Outcome.DEAD, letter=letter_of("e0"), succeeded=None)
        assert ledger.finish(target, [dead]).breaker is BreakerChange.NONE

    def test_calls_that_were_not_made_do_not_calm_it(self, ledger: Ledger) -> None:
        """Deliveries that died without a call do not stand among the calls that went well."""
        target = guarded()
        for number, identity in enumerate(registered(ledger, 8)):
            ledger.claim(target, [identity], lease=LEASE)
            letter = letter_of(f"e{number}")
            ledger.finish(target, [Finish(identity, 1, Outcome.DEAD, letter=letter)])
        changes = [
            run(ledger, target, identity, well=False)
            for identity in registered(ledger, 4, "failing")
        ]
        assert changes == [BreakerChange.NONE] * 3 + [BreakerChange.OPENED]

    def test_no_attempt_is_spent_while_open(self, ledger: Ledger) -> None:
        """What is parked keeps its budget, is not moved, and is not claimed by a second message."""
        target = guarded()
        tripped(ledger, target)
        [identity] = register(ledger, "next", TARGET)
        for _ in range(3):
            assert verdict(ledger, target, identity)[0] is Verdict.PARKED
        assert ledger.describe([identity]) == [("T", 0)]
        assert ledger.move([target], 10).by_target == {}

    def test_a_retry_that_is_due_is_parked(self, ledger: Ledger) -> None:
        """The mover leaves an open target's queue alone: what is due is parked, not queued."""
        target = guarded()
        tripped(ledger, target, delay=0)
        assert ledger.status([TARGET])[TARGET].waiting == 2
        moved = ledger.move([target], 10)
        status = ledger.status([TARGET])[TARGET]
        assert (moved.by_target, status.waiting, status.parked) == ({}, 0, 2)
        assert moved.nearest is not None
        assert 50 < moved.nearest <= 60

    def test_one_probe_at_a_time(self, ledger: Ledger) -> None:
        """When its time is over one delivery is let through, and the next only after it."""
        target = guarded(open_for=SHORT)
        tripped(ledger, target)
        ids = registered(ledger, 2, "probe")
        assert verdict(ledger, target, ids[0])[0] is Verdict.RUN
        assert verdict(ledger, target, ids[1]) == (Verdict.PARKED, "breaker")
        assert ledger.breakers([TARGET])[TARGET].state is BreakerState.HALF_OPEN

    def test_a_flood_does_not_keep_the_probe_away(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """One of those that wait is let go, however much comes in, and no second one behind it."""
        target = guarded(open_for=SHORT)
        tripped(ledger, target)
        [waiting] = registered(ledger, 1, "waiting")
        assert ledger.park(TARGET, [waiting]) == 1
        registered(ledger, 3, "flood")
        wait_until(lambda: ledger.breakers([TARGET])[TARGET].state is BreakerState.HALF_OPEN)
        assert ledger.move([target], 10).by_target == {TARGET: [waiting]}
        assert ledger.move([target], 10).by_target == {}
        assert verdict(ledger, target, waiting)[0] is Verdict.RUN

    def test_a_probe_that_goes_well_closes_it(self, ledger: Ledger) -> None:
        """Then all that was parked is queued, oldest first."""
        target = guarded(open_for=SHORT)
        tripped(ledger, target)
        ids = registered(ledger, 3, "probe")
        [claim] = ledger.claim(target, ids[:1], lease=LEASE)
        assert ledger.park(TARGET, ids[1:]) == 2
        done = Finish(ids[0], claim.attempt, Outcome.DONE, succeeded=True)
        assert ledger.finish(target, [done]).breaker is BreakerChange.CLOSED
        assert ledger.breakers([TARGET])[TARGET].state is BreakerState.CLOSED
        moved = ledger.move([target], 10).by_target[TARGET]
        assert [identity for identity in moved if "probe" in identity] == ids[1:]

    def test_as_many_probes_as_are_asked_for(self, ledger: Ledger) -> None:
        """With three probes, three in a row must go well."""
        target = guarded(open_for=SHORT, probes=3)
        tripped(ledger, target)
        changes = [
            run(ledger, target, identity, well=True) for identity in registered(ledger, 3, "probe")
        ]
        assert changes == [BreakerChange.NONE, BreakerChange.NONE, BreakerChange.CLOSED]

    def test_a_probe_that_fails_opens_it_again(self, ledger: Ledger) -> None:
        """It stays open for its time once more."""
        short = guarded(open_for=SHORT)
        tripped(ledger, short)
        [first, second] = registered(ledger, 2, "probe")
        assert run(ledger, guarded(), first, well=False) is BreakerChange.REOPENED
        assert verdict(ledger, guarded(), second) == (Verdict.PARKED, "breaker")

    def test_a_probe_that_is_lost_is_replaced(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """A worker that dies with the probe does not keep the target closed off."""
        target = guarded(open_for=SHORT)
        tripped(ledger, target)
        ids = registered(ledger, 2, "probe")
        ledger.claim(target, ids[:1], lease=0.05)
        wait_until(lambda: ledger.move([target], 10).lost == ids[:1])
        assert run(ledger, target, ids[1], well=True) is BreakerChange.CLOSED

    def test_what_ends_late_changes_nothing(self, ledger: Ledger) -> None:
        """A call that began before it opened neither closes nor opens it."""
        target = guarded()
        [early] = registered(ledger, 1, "early")
        [claim] = ledger.claim(target, [early], lease=LEASE)
        tripped(ledger, target)
        late = Finish(early, claim.attempt, Outcome.DONE, succeeded=True)
        assert ledger.finish(target, [late]).breaker is BreakerChange.NONE
        assert ledger.breakers([TARGET])[TARGET].state is BreakerState.OPEN

    def test_a_person_opens_and_closes_it(self, ledger: Ledger) -> None:
        """By hand it opens with or without a policy, until it is closed by hand."""
        ledger.open_breaker(TARGET, seconds=None, reason="maintenance")
        status = ledger.breakers([TARGET])[TARGET]
        assert (status.state, status.until, status.reason) == (BreakerState.OPEN, 0, "maintenance")
        [identity] = registered(ledger, 1)
        assert verdict(ledger, VENDOR, identity) == (Verdict.PARKED, "breaker")
        assert ledger.move([VENDOR], 10).by_target == {}
        assert ledger.close_breaker(TARGET)
        assert not ledger.close_breaker(TARGET)
        assert ledger.move([VENDOR], 10).by_target == {TARGET: [identity]}
        assert verdict(ledger, VENDOR, identity)[0] is Verdict.RUN

    def test_a_person_opens_it_for_a_while(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """After its time it lets a probe through."""
        ledger.open_breaker(TARGET, seconds=0.05, reason="")
        [identity] = registered(ledger, 1)
        ledger.park(TARGET, [identity])
        wait_until(lambda: ledger.move([VENDOR], 10).by_target == {TARGET: [identity]})
        assert run(ledger, VENDOR, identity, well=True) is BreakerChange.CLOSED

    def test_age_ends_what_is_parked(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """A target that stays closed off does not keep what is older than its policy allows."""
        ledger.open_breaker(TARGET, seconds=None, reason="")
        target = vendor(retry=RetryPolicy(max_age=0.5))
        [identity] = registered(ledger, 1)
        assert verdict(ledger, target, identity)[0] is Verdict.PARKED
        wait_until(lambda: ledger.move([target], 10).by_target == {TARGET: [identity]})
        assert verdict(ledger, target, identity)[0] is Verdict.MAX_AGE

    def test_other_targets_go_on(self, ledger: Ledger) -> None:
        """An open breaker holds its own target alone."""
        tripped(ledger, guarded())
        [identity] = register(ledger, "e1", "notifications")
        other = Target(name="notifications", task="t", circuit_breaker=BREAKER)
        assert verdict(ledger, other, identity)[0] is Verdict.RUN


class RateContract:
    """The promises of a ledger on rates, and on how many may be in flight."""

    def test_a_rate_lets_only_so_many_run(self, ledger: Ledger) -> None:
        """At 40 an hour the first runs; the next is parked, and the rest gets in line behind it."""
        target = vendor(rate_limit=parse_rate("40/h"))
        verdicts = [verdict(ledger, target, identity) for identity in registered(ledger, 3)]
        assert verdicts == [
            (Verdict.RUN, ""),
            (Verdict.PARKED, "rate"),
            (Verdict.PARKED, "turn"),
        ]
        first = Finish("e0:device-vendor", 1, Outcome.DONE, succeeded=True)
        ledger.finish(target, [first])
        moved = ledger.move([target], 10)
        assert moved.by_target == {}
        assert moved.nearest is not None
        assert 80 < moved.nearest <= 90

    def test_a_rate_holds_over_time(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """However often it is asked for, a target gets its rate and no more than a tenth on top."""
        target = vendor(rate_limit=parse_rate("200/s"))
        ids = registered(ledger, 150)
        ledger.park(TARGET, ids)
        began = time.monotonic()
        ran: list[str] = []

        def take() -> bool:
            moved = ledger.move([target], 500).by_target.get(TARGET, [])
            ran.extend(
                identity
                for identity in moved
                if verdict(ledger, target, identity)[0] is Verdict.RUN
            )
            assert len(ran) <= 200 * (time.monotonic() - began) + 20 + 1
            return len(ran) == len(ids)

        wait_until(take)
        assert ran == ids, "first come, first served"

    def test_each_attempt_takes_a_token(self, ledger: Ledger) -> None:
        """A retry counts against the rate as a first attempt does."""
        target = vendor(rate_limit=parse_rate("40/h"))
        [identity] = registered(ledger, 1)
        run(ledger, target, identity, well=False, delay=0)
        assert ledger.move([target], 10).by_target == {}
        assert verdict(ledger, target, identity)[0] is Verdict.PARKED

    def test_a_rate_of_another_target_is_its_own(self, ledger: Ledger) -> None:
        """Two targets do not share tokens."""
        target = vendor(rate_limit=parse_rate("1/h"))
        run(ledger, target, registered(ledger, 1)[0], well=True)
        [identity] = register(ledger, "e9", "notifications")
        other = Target(name="notifications", task="t", rate_limit=parse_rate("1/h"))
        assert verdict(ledger, other, identity)[0] is Verdict.RUN

    def test_only_so_many_are_in_flight(self, ledger: Ledger) -> None:
        """The third waits until one of two has ended, and no attempt of it is counted."""
        target = vendor(max_in_flight=2)
        ids = registered(ledger, 3)
        verdicts = [verdict(ledger, target, identity) for identity in ids]
        assert verdicts == [(Verdict.RUN, ""), (Verdict.RUN, ""), (Verdict.PARKED, "in_flight")]
        assert ledger.describe(ids[2:]) == [("T", 0)]
        ledger.finish(target, [Finish(ids[0], 1, Outcome.DONE, succeeded=True)])
        assert ledger.move([target], 10).by_target == {TARGET: [ids[2]]}
        assert verdict(ledger, target, ids[2])[0] is Verdict.RUN

    def test_a_limit_that_is_lifted_lets_all_go(self, ledger: Ledger) -> None:
        """When the rules name a limit no more, what it parked is queued."""
        ids = registered(ledger, 3)
        ledger.park(TARGET, ids)
        assert ledger.move([VENDOR], 10).by_target == {TARGET: ids}

    def test_what_runs_or_waits_is_not_parked(self, ledger: Ledger) -> None:
        """Parking takes what is queued, and nothing else."""
        ids = registered(ledger, 3)
        run(ledger, VENDOR, ids[0], well=True)
        ledger.claim(VENDOR, ids[1:2], lease=LEASE)
        assert ledger.park(TARGET, ids) == 1
        status = ledger.status([TARGET])[TARGET]
        assert (status.queued, status.running, status.parked) == (0, 1, 1)


class PoisonContract:
    """The promises of a ledger on deliveries that end their workers."""

    def test_a_delivery_that_ends_its_worker_is_poison(
        self, ledger: Ledger, wait_until: WaitUntil
    ) -> None:
        """After so many lost leases it is claimed for its last rites, whatever its attempts."""
        target = vendor(retry=RetryPolicy(max_crashes=2))
        [identity] = registered(ledger, 1)
        for attempt in (1, 2):
            [claim] = ledger.claim(target, [identity], lease=0.05)
            assert (claim.verdict, claim.attempt) == (Verdict.RUN, attempt)
            wait_until(lambda: ledger.move([target], 10).lost == [identity])
        [claim] = ledger.claim(target, [identity], lease=LEASE)
        assert (claim.verdict, claim.attempt) == (Verdict.POISON, 2)
        assert claim.error == "attempt 2 ended with its worker"

    def test_a_claim_finds_a_lost_lease_itself(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """An ended lease counts too when a second message comes before the mover."""
        target = vendor(retry=RetryPolicy(max_crashes=1))
        [identity] = registered(ledger, 1)
        ledger.claim(target, [identity], lease=0.05)
        wait_until(lambda: verdict(ledger, target, identity)[0] is not Verdict.LEASED)
        assert ledger.status([TARGET])[TARGET].running == 1, "claimed for its last rites"

    def test_it_is_not_claimed_among_others(self, ledger: Ledger, wait_until: WaitUntil) -> None:
        """What has ended a worker does not take its neighbours along a second time."""
        [poison, neighbour] = registered(ledger, 2)
        ledger.claim(VENDOR, [poison], lease=0.05)
        wait_until(lambda: ledger.move([VENDOR], 10).lost == [poison])
        together = ledger.claim(VENDOR, [poison, neighbour], lease=LEASE, alone=False)
        assert [claim.verdict for claim in together] == [Verdict.APART, Verdict.RUN]
        assert verdict(ledger, VENDOR, poison)[0] is Verdict.RUN

    def test_a_lost_owner_gives_back_at_once(self, ledger: Ledger) -> None:
        """What an ended process had is due by policy, and what others have stays theirs."""
        ids = registered(ledger, 3)
        ledger.claim(VENDOR, ids[:1], lease=LEASE, owner="one")
        ledger.claim(VENDOR, ids[1:2], lease=LEASE, owner="two")
        lost = ledger.lost(TARGET, owner="one", delay=0, error="signal 11 (SIGSEGV)")
        assert lost == ids[:1]
        assert ledger.lost(TARGET, owner="one", delay=0, error="") == []
        assert ledger.move([VENDOR], 10).by_target == {TARGET: ids[:1]}
        [claim] = ledger.claim(VENDOR, ids[:1], lease=LEASE)
        assert (claim.attempt, claim.error_type, claim.error) == (
            2,
            "WorkerLost",
            "signal 11 (SIGSEGV)",
        )

    def test_an_owner_is_answered_again(self, ledger: Ledger) -> None:
        """A claim whose answer was lost is repeated, and counts once; another's is refused."""
        target = vendor(retry=RetryPolicy(max_attempts=2), rate_limit=parse_rate("1/h"))
        [identity] = registered(ledger, 1)
        claims = [
            ledger.claim(target, [identity], lease=LEASE, owner=owner)[0]
            for owner in ("one", "one", "two", "one")
        ]
        assert [(claim.verdict, claim.attempt) for claim in claims] == [
            (Verdict.RUN, 1),
            (Verdict.RUN, 1),
            (Verdict.LEASED, 0),
            (Verdict.RUN, 1),
        ]

    def test_last_rites_are_answered_again(self, ledger: Ledger) -> None:
        """What was to be buried is not run when it is claimed once more."""
        target = vendor(retry=RetryPolicy(max_attempts=0))
        [identity] = registered(ledger, 1)
        claims = [ledger.claim(target, [identity], lease=LEASE, owner="one")[0] for _ in range(2)]
        assert [claim.verdict for claim in claims] == [Verdict.MAX_ATTEMPTS] * 2

    def test_a_redrive_forgets_the_crashes(self, ledger: Ledger) -> None:
        """Poison that is redriven has a fresh budget of workers too."""
        target = vendor(retry=RetryPolicy(max_crashes=1))
        [identity] = registered(ledger, 1)
        ledger.claim(target, [identity], lease=LEASE, owner="one")
        ledger.lost(TARGET, owner="one", delay=0, error="killed")
        ledger.move([target], 10)
        [claim] = ledger.claim(target, [identity], lease=LEASE)
        assert claim.verdict is Verdict.POISON
        ledger.finish(target, [Finish(identity, 1, Outcome.DEAD, letter=letter_of("e0"))])
        assert ledger.revive(letter_of("e0"))
        assert verdict(ledger, target, identity)[0] is Verdict.RUN
