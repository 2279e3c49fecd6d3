"""The demo's events: a made-up day."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eventflow.cli.demo_day import UNKNOWN_DOORS, UNREACHABLE_PEOPLE, break_schema, make_day
from eventflow.schemas.loader import load_repository
from eventflow.schemas.validation import Action, SchemaCheck

_ROOT = Path(__file__).resolve().parents[3]
_DATE = datetime(2026, 11, 23, 19, 56, tzinfo=UTC)


@pytest.mark.parametrize("count", [0, 1, 40, 200, 1000])
def test_day_has_as_many_events_as_asked(count: int) -> None:
    """Exactly so many events, each with an id of its own, in the order of the day."""
    day = make_day(count, seed=1, date=_DATE)

    assert count == len({event.id for event in day})
    assert sorted(event.time for event in day) == [event.time for event in day]
    assert {_DATE.date()} >= {event.time.date() for event in day}


def test_same_seed_is_the_same_day() -> None:
    """A seed makes the day again, another seed another one."""
    assert make_day(50, seed=1, date=_DATE) == make_day(50, seed=1, date=_DATE)
    assert make_day(50, seed=1, date=_DATE) != make_day(50, seed=2, date=_DATE)


@pytest.mark.parametrize("seed", range(5))
def test_small_day_has_something_that_fails(seed: int) -> None:
    """Forty events hold an unknown door and an unreachable person already."""
    text = json.dumps([event.data for event in make_day(40, seed=seed, date=_DATE)])

    assert UNKNOWN_DOORS[0] in text
    assert UNREACHABLE_PEOPLE[0] in text


def test_only_the_careless_producer_breaks_a_schema() -> None:
    """Every event of the day fits its schema; the one that is to be stopped has three faults."""
    check = SchemaCheck(load_repository(_ROOT / "schemas"))
    results = [
        check.check(event.source, event.type, None, event.bus, event.data)
        for event in [*make_day(300, seed=1, date=_DATE), break_schema(_DATE)]
    ]

    assert {Action.PASS} == {result.action for result in results[:-1]}
    assert all(result.schema is not None for result in results)
    assert (Action.REFUSE, 3) == (results[-1].action, len(results[-1].faults))
