"""The ledger in memory keeps every promise of the contract, as the one in Redis does."""

import threading
import time
from collections.abc import Callable

import pytest

from eventflow.delivery import Acceptance, Finish, MemoryLedger, Outcome, Verdict
from eventflow.journal import JournalState
from tests.contracts.calls import CallContract, TakeContract
from tests.contracts.journal import MOST, JournalContract
from tests.contracts.ledger import TARGET, VENDOR, LedgerContract, claim, register
from tests.contracts.limits import BreakerContract, PoisonContract, RateContract
from tests.contracts.restrictions import RestrictionContract
from tests.contracts.sights import SightContract, StoryContract
from tests.contracts.steering import BalanceContract, PauseContract


@pytest.fixture
def ledger() -> MemoryLedger:
    """An empty ledger."""
    return MemoryLedger()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Return a function that waits until a condition holds, and fails when it does not in time."""

    def wait(condition: Callable[[], bool], timeout: float = 30.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.001)

    return wait


class TestMemoryLedger(LedgerContract):
    """The contract, in memory."""

    def test_time_is_what_its_clock_says(self) -> None:
        """With a clock of its own, a retry is due when that clock says so."""
        now = 1000.0
        ledger = MemoryLedger(clock=lambda: now)
        [identity] = register(ledger, "e1", TARGET)
        claim(ledger, identity)
        ledger.finish(VENDOR, [Finish(identity, 1, Outcome.RETRY, delay=900)])
        assert ledger.move([VENDOR], 10).nearest == 900
        now += 900
        assert ledger.move([VENDOR], 10).by_target == {TARGET: [identity]}

    def test_an_id_is_forgotten_after_its_window(self) -> None:
        """What was delivered long ago may be published again."""
        now = 1000.0
        ledger = MemoryLedger(window=60, clock=lambda: now)
        register(ledger, "e1")
        assert ledger.accept([("e1", b"{}", "lane")]) == [Acceptance.DUPLICATE]
        now += 60
        assert ledger.accept([("e1", b"{}", "lane")]) == [Acceptance.NEW]

    def test_it_takes_no_more_than_it_may(self) -> None:
        """As many events as may wait are accepted, and no more."""
        ledger = MemoryLedger(most=2)
        answers = ledger.accept([(f"e{number}", b"{}", "lane") for number in range(3)])
        assert answers == [Acceptance.NEW, Acceptance.NEW, Acceptance.FULL]

    def test_one_of_many_threads_gets_a_delivery(self, ledger: MemoryLedger) -> None:
        """A claim is one step: of many threads that claim at once, one may run."""
        [identity] = register(ledger, "e1", TARGET)
        verdicts: list[Verdict] = []
        threads = [
            threading.Thread(target=lambda: verdicts.append(claim(ledger, identity)[0].verdict))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(verdicts) == sorted([Verdict.RUN] + [Verdict.LEASED] * 15)


class TestMemoryJournal(JournalContract):
    """The journal, in memory."""

    @pytest.fixture
    def ledger(self) -> MemoryLedger:
        """An empty ledger with a journal."""
        return MemoryLedger(journal_most=MOST)

    def test_without_a_journal_nothing_is_kept(self) -> None:
        """It can be switched off, and then drops nothing either."""
        ledger = MemoryLedger()
        register(ledger, "e1", TARGET)
        assert JournalState() == ledger.journal_state()


class TestMemoryBreaker(BreakerContract):
    """Circuit breakers, in memory."""


class TestMemoryRate(RateContract):
    """Rates, in memory."""


class TestMemoryPoison(PoisonContract):
    """Poison, in memory."""


class TestMemoryRestrictions(RestrictionContract):
    """Replays, in memory."""


class TestMemorySights(SightContract):
    """What it shows of one event, in memory."""


class TestMemoryPause(PauseContract):
    """Pauses, in memory."""


class TestMemoryBalance(BalanceContract):
    """Balances, in memory."""


class TestMemoryStory(StoryContract):
    """One event's journal, in memory."""

    @pytest.fixture
    def ledger(self) -> MemoryLedger:
        """An empty ledger with a journal."""
        return MemoryLedger(journal_most=10_000)


class TestMemoryCalls(CallContract):
    """Messages, in memory."""


class TestMemoryTakes(TakeContract):
    """Lists, in memory."""
