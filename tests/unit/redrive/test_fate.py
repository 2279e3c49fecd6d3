"""What became of what was sent: from the ledger's memory and the store, at every point of the way."""

from pathlib import Path

import pytest

from eventflow.delivery import Finish, Ledger, Outcome
from eventflow.records import DeadLetter
from eventflow.redrive import Fate, LedgerCourse, Standing
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.store import DeadLetterFilter, DeadLetterStore, StoredDeadLetter, open_engine
from eventflow.testing.parts import MemoryLedgers
from tests.contracts.store import letter_of

VENDOR = Target(name="device-vendor", task="vendor.call")
UNLOCK = "e1:device-vendor"
NOW = 5_000.0


@pytest.fixture
def ledgers() -> MemoryLedgers:
    """Ledgers in memory."""
    return MemoryLedgers(load_settings(), lambda: NOW)


@pytest.fixture
def ledger(ledgers: MemoryLedgers) -> Ledger:
    """The default bus's."""
    return ledgers.of("default")


@pytest.fixture
def store(tmp_path: Path) -> DeadLetterStore:
    """A store with one dead letter."""
    store = DeadLetterStore(open_engine(f"sqlite:///{tmp_path}/eventflow.db"))
    store.record([letter_of()])
    return store


@pytest.fixture
def course(ledgers: MemoryLedgers, store: DeadLetterStore) -> LedgerCourse:
    """What is tested."""
    return LedgerCourse(ledgers, store)


@pytest.fixture
def stored(ledger: Ledger, store: DeadLetterStore) -> StoredDeadLetter:
    """The letter as it was before it was redriven, which it is now."""
    stored = store.get(UNLOCK)
    assert ledger.revive(stored.letter)
    store.mark_redriven([stored], NOW)
    return stored


def finish(ledger: Ledger, outcome: Outcome, letter: DeadLetter | None = None) -> None:
    """Claim the delivery and finish it."""
    [claim] = ledger.claim(VENDOR, [UNLOCK], lease=30, owner="w")
    end = Finish(
        UNLOCK, claim.attempt, outcome, delay=60, letter=letter, error_type="E", error="no"
    )
    assert [True] == ledger.finish(VENDOR, [end]).recorded


def second_death(died_at: float = NOW + 1) -> DeadLetter:
    """Return the letter of its next death."""
    return letter_of(error_type="E", error="no", redrives=1, died_at=died_at)


def test_what_waits_for_a_worker_is_open(
    ledger: Ledger, course: LedgerCourse, stored: StoredDeadLetter
) -> None:
    """Queued, and at its first attempt."""
    assert {UNLOCK: Standing(Fate.OPEN)} == course.look([stored])
    ledger.claim(VENDOR, [UNLOCK], lease=30, owner="w")
    assert {UNLOCK: Standing(Fate.OPEN)} == course.look([stored])


def test_what_has_failed_is_failing(
    ledger: Ledger, course: LedgerCourse, stored: StoredDeadLetter
) -> None:
    """With its failures and its error."""
    finish(ledger, Outcome.RETRY)
    assert {UNLOCK: Standing(Fate.FAILING, 1, "E: no")} == course.look([stored])


def test_what_is_done_has_succeeded(
    ledger: Ledger, course: LedgerCourse, stored: StoredDeadLetter, store: DeadLetterStore
) -> None:
    """Also when its letter was purged since."""
    finish(ledger, Outcome.DONE)
    assert {UNLOCK: Standing(Fate.SUCCEEDED)} == course.look([stored])
    store.purge(DeadLetterFilter())
    assert {UNLOCK: Standing(Fate.SUCCEEDED)} == course.look([stored])


def test_a_death_is_seen_at_every_point_of_its_way(
    ledger: Ledger, course: LedgerCourse, stored: StoredDeadLetter, store: DeadLetterStore
) -> None:
    """In the ledger before it is recorded, in both, and in the store alone."""
    finish(ledger, Outcome.DEAD, second_death())
    dead = {UNLOCK: Standing(Fate.DIED, error="E: no")}
    assert dead == course.look([stored])
    store.record([second_death()])
    assert dead == course.look([stored])
    ledger.recorded(ledger.letters([UNLOCK]))
    assert [] == ledger.letters([UNLOCK])
    assert dead == course.look([stored])


def test_a_death_by_a_slow_clock_is_one(
    ledger: Ledger, course: LedgerCourse, stored: StoredDeadLetter, store: DeadLetterStore
) -> None:
    """The count of redrives tells it from the first."""
    store.record([second_death(died_at=1.0)])
    finish(ledger, Outcome.DONE)
    assert Fate.DIED is course.look([stored])[UNLOCK].fate


def test_the_first_death_is_no_second(
    ledger: Ledger, course: LedgerCourse, stored: StoredDeadLetter
) -> None:
    """A recorder that was cut off leaves it in the ledger: that is the old one."""
    ledger.bury([letter_of()])
    finish(ledger, Outcome.DONE)
    assert {UNLOCK: Standing(Fate.SUCCEEDED)} == course.look([stored])


def test_nothing_asked_is_nothing_told(course: LedgerCourse) -> None:
    """No letters, no question."""
    assert {} == course.look([])


def test_an_open_breaker_is_an_obstacle(ledger: Ledger, course: LedgerCourse) -> None:
    """With its reason; a closed one is none."""
    assert "" == course.obstacle("default", "device-vendor")
    ledger.open_breaker("device-vendor", seconds=60, reason="vendor's window")
    assert "the circuit breaker of device-vendor is open (vendor's window)" == (
        course.obstacle("default", "device-vendor")
    )


def test_a_pause_is_an_obstacle(ledger: Ledger, course: LedgerCourse) -> None:
    """With who and why."""
    ledger.pause("device-vendor", reason="audit", by="maria")
    assert "device-vendor is paused (by maria: audit)" == course.obstacle(
        "default", "device-vendor"
    )
