"""A file of events is read as a whole, and every faulty line is said."""

import json
from pathlib import Path

import pytest

from eventflow.cli.event_files import read_events
from eventflow.errors import EventError

_EVENT = {"source": "shop", "detail-type": "Sold", "detail": {"price": 5}}


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


def test_limits_are_the_callers(tmp_path: Path) -> None:
    """An event beyond the limits that are asked for is a faulty line."""
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps({**_EVENT, "detail": {"text": "x" * 2000}}))

    assert len(read_events(file)) == 1
    with pytest.raises(EventError, match=r"events.jsonl:1: the event has [\d,]+ bytes"):
        read_events(file, max_bytes=1024)
