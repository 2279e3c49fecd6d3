"""The demo's events: a made-up day, and a file of somebody's own."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eventflow.cli.demo_day import UNKNOWN_DOORS, UNREACHABLE_PEOPLE, make_day, read_events
from eventflow.errors import EventError

_DATE = datetime(2026, 11, 23, 19, 56, tzinfo=UTC)
_EVENT = {"source": "shop", "detail-type": "Sold", "detail": {"price": 5}}


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


def test_file_with_either_names(tmp_path: Path) -> None:
    """EventBridge's names and eventflow's are read alike, empty lines passed over."""
    file = tmp_path / "events.jsonl"
    ours = {"source": "shop", "type": "Sold", "data": {"price": 5}}
    aws = {**_EVENT, "version": "0", "id": "1", "account": "123", "region": "eu", "resources": []}
    file.write_text(f"{json.dumps(aws)}\n\n{json.dumps(ours)}\n")

    events = read_events(file)
    assert [(e.source, e.type, e.data) for e in events] == [("shop", "Sold", {"price": 5})] * 2
    assert events[0].id == "1"


def test_each_faulty_line_is_named(tmp_path: Path) -> None:
    """All faulty lines are said at once, with file, line and field."""
    file = tmp_path / "events.jsonl"
    lines = [
        json.dumps(_EVENT),
        "{",
        "[]",
        json.dumps({**_EVENT, "time": "yesterday"}),
        json.dumps({**_EVENT, "detail": {"price": float("nan")}}),
    ]
    file.write_text("\n".join(lines))

    with pytest.raises(EventError) as caught:
        read_events(file)
    said = str(caught.value).splitlines()
    assert f"{file} has 4 faulty lines:" == said[0]
    assert said[1].startswith(f"  {file}:2: not JSON: ")
    assert f"  {file}:3: an event is a JSON object, not an array" == said[2]
    assert said[3].startswith(f"  {file}:4: time: 'yesterday' is no RFC 3339 time")
    assert f"  {file}:5: data.price: is nan, which JSON does not have" == said[4]


def test_many_faulty_lines_are_cut(tmp_path: Path) -> None:
    """Twenty faults are shown, the rest counted."""
    file = tmp_path / "events.jsonl"
    file.write_text("{\n" * 25)

    with pytest.raises(EventError, match="and 5 more"):
        read_events(file)


def test_file_without_events(tmp_path: Path) -> None:
    """An empty file and one that is not there are each said."""
    file = tmp_path / "events.jsonl"
    with pytest.raises(EventError, match="cannot be read: No such file"):
        read_events(file)
    file.write_text("\n")
    with pytest.raises(EventError, match="has no event: it takes one JSON object per line"):
        read_events(file)
