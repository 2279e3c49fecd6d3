"""The plan of a redrive: what would go first, then, and not at all."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from eventflow.records import Reason
from eventflow.redrive import Plan, make_plan
from eventflow.redrive.plan import MOST_CANARIES, default_canary
from eventflow.store import DeadLetterFilter, DeadLetterStore, open_engine
from eventflow.store.groups import FailureGroups
from tests.contracts.store import DIED, letter_of, message_letter, redrive


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An empty store."""
    return open_engine(f"sqlite:///{tmp_path}/eventflow.db")


@pytest.fixture
def store(engine: Engine) -> DeadLetterStore:
    """Five letters of one target, the newest last, one of another, and a message."""
    store = DeadLetterStore(engine)
    store.record([letter_of(f"e{number}", died_at=DIED + number) for number in range(5)])
    store.record([letter_of("x", target="audit", reason=Reason.REFUSED, error="other")])
    store.record([message_letter()])
    return store


def plan_of(engine: Engine, filters: DeadLetterFilter | None = None, **options: int | None) -> Plan:
    """Return the plan for a filter, or for all."""
    meant = filters or DeadLetterFilter()
    return make_plan(DeadLetterStore(engine), FailureGroups(engine), meant, **options)


@pytest.mark.parametrize(
    ("number", "expected"), [(0, 0), (1, 1), (100, 1), (101, 2), (950, 10), (1_000_000, 10)]
)
def test_one_of_a_hundred_goes_first(number: int, expected: int) -> None:
    """At least one, and no more than ten."""
    assert (expected, 10) == (default_canary(number), MOST_CANARIES)


def test_each_target_has_its_part(engine: Engine, store: DeadLetterStore) -> None:
    """Counted by reason and by failure, the largest first; what has no target has none."""
    plan = plan_of(engine)
    assert (6, 1, 0, DIED + 4) == (plan.count, plan.homeless, plan.guarded, plan.until)
    first, second = plan.parts
    assert ("device-vendor", 5, 1, {Reason.MAX_ATTEMPTS: 5}) == (
        first.target,
        first.count,
        first.canary,
        first.reasons,
    )
    assert ("audit", {Reason.REFUSED: 1}) == (second.target, second.reasons)
    assert [5] == [group.count for group in first.groups]
    assert "e4:device-vendor" == plan.sample[0].id


def test_only_what_fits_is_meant(engine: Engine, store: DeadLetterStore) -> None:
    """A filter is kept, and only the dead count."""
    redrive(store, "e4:device-vendor")
    plan = plan_of(engine, DeadLetterFilter(target="device-vendor"))
    assert (4, 0, DIED + 3) == (plan.count, plan.homeless, plan.until)


def test_what_dies_from_now_on_is_not_meant(engine: Engine, store: DeadLetterStore) -> None:
    """A letter that comes back while the plan runs is none of it."""
    [part] = plan_of(engine, DeadLetterFilter(target="device-vendor")).parts
    store.record([letter_of("e9", died_at=DIED + 5)])
    assert 5 == store.count(part.filters).total


def test_what_was_redriven_too_often_is_not_meant(engine: Engine, store: DeadLetterStore) -> None:
    """It is counted apart; without a guard it goes."""
    store.record([letter_of("e0", redrives=3, died_at=DIED + 50)])
    guarded = plan_of(engine, most_redrives=3)
    assert (5, 1) == (guarded.count, guarded.guarded)
    assert (6, 0) == (plan_of(engine, most_redrives=4).count, 0)
    assert (6, 0) == (plan_of(engine).count, plan_of(engine).guarded)


def test_a_limit_means_the_newest(engine: Engine, store: DeadLetterStore) -> None:
    """Whatever their target."""
    store.record([letter_of("y", target="audit", died_at=DIED + 3.5)])
    plan = plan_of(engine, limit=3)
    assert {"device-vendor": 2, "audit": 1} == {part.target: part.count for part in plan.parts}
    assert 7 == plan_of(engine, limit=100).count


def test_a_canary_is_what_one_says(engine: Engine, store: DeadLetterStore) -> None:
    """Of each target, and no more than there are; none is a number."""
    assert [3, 1] == [part.canary for part in plan_of(engine, canary=3).parts]
    assert [0, 0] == [part.canary for part in plan_of(engine, canary=0).parts]


def test_a_plan_changes_nothing(engine: Engine, store: DeadLetterStore) -> None:
    """Making one leaves every letter as it was."""
    before = store.list()
    plan_of(engine)
    assert before == store.list()
