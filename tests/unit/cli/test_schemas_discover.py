"""`eventflow schemas discover`: events in, drafts out, and what is no event passed over."""

import json
import threading
from pathlib import Path

import pytest

from eventflow.cli.event_stream import EventStream
from eventflow.cli.main import main

EVENT = {"source": "shop", "type": "Sold", "time": "2026-11-25T01:00:00Z", "data": {"n": 1}}


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run the command in a fresh folder; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["schemas", "discover", *arguments])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


def lines(*documents: object) -> None:
    Path("events.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in documents))


def test_nothing_is_written_unasked(run):
    """A new draft is shown as a difference, and only that."""
    lines(EVENT)
    code, out, err = run("events.jsonl")
    assert (code, err) == (0, "Nothing was written; --write does it.\n")
    assert out.splitlines()[:5] == [
        "SCHEMA         EVENTS  FOUND",
        "shop/Sold/1.0       1  a new draft",
        "",
        "--- /dev/null",
        "+++ schemas/shop/Sold/1.0.json",
    ]
    assert not Path("schemas").exists()


def test_draft_is_written_and_grows(run):
    """With --write the draft is a file of the repository, which the next run reads and adds to."""
    lines(EVENT, {"event": {**EVENT, "data": {"n": 2, "m": "x"}}})
    assert run("events.jsonl", "--write")[2] == "1 draft written into schemas\n"
    draft = json.loads(Path("schemas/shop/Sold/1.0.json").read_text())
    assert (draft["x-eventflow"], draft["required"]) == ({"status": "draft"}, ["n"])
    lines({**EVENT, "data": {"n": 1.5}})
    code, out, _ = run("events.jsonl", "--json", "--write")
    assert (code, json.loads(out)[0]["found"]) == (0, "grown")
    draft = json.loads(Path("schemas/shop/Sold/1.0.json").read_text())
    assert draft["x-eventflow-discovered"]["events"] == 3
    assert draft["properties"]["n"] == {"type": "number"}


def test_active_schema_is_compared(run):
    """An active schema stays byte for byte, and which events do not fit is told."""
    file = Path("schemas/shop/Sold/1.0.json")
    file.parent.mkdir(parents=True)
    file.write_text('{"type": "object", "properties": {"n": {"type": "string"}}}')
    before = file.read_bytes()
    lines(EVENT, EVENT)
    code, out, err = run("events.jsonl", "--write")
    assert (code, file.read_bytes()) == (0, before)
    assert out.splitlines()[1:] == [
        "shop/Sold/1.0       2  2 do not fit; the schema stays as it is",
        "shop/Sold/1.0: data.n: must be a string; it is an integer (2 events)",
    ]
    assert err == "0 drafts written into schemas\n"


def test_what_is_no_event(run):
    """Lines that are no events are passed over and told; a file without any is an error."""
    Path("events.jsonl").write_text(f"nonsense\n{{}}\n\n{json.dumps(EVENT)}\n")
    code, out, err = run("events.jsonl", "--json")
    assert (code, json.loads(out)[0]["events"]) == (0, 1)
    assert err.splitlines()[0].startswith("passed over: events.jsonl:1: not JSON: ")
    assert err.splitlines()[1].startswith("passed over: events.jsonl:2: ")
    Path("events.jsonl").write_text("nonsense\n")
    code, _, err = run("events.jsonl")
    assert code == 1
    assert err.endswith("Error: events.jsonl has no event: it takes one JSON object per line\n")


def test_file_that_is_not_there(run):
    """It is one line, not a traceback."""
    code, _, err = run("nowhere.jsonl")
    assert code == 1
    assert err.startswith("Error: nowhere.jsonl cannot be read: No such file or directory\n")


def test_duration_that_is_none(run):
    """It is wrong use, and says what a duration is."""
    lines(EVENT)
    code, _, err = run("events.jsonl", "--follow", "soon")
    assert code == 2
    assert "soon" in err


def test_file_is_followed(tmp_path):
    """A file is read on as it grows, half lines included, until there are events enough."""
    file = tmp_path / "events.jsonl"
    text = json.dumps(EVENT) + "\n"
    file.write_text(text + text[:20])
    stream = EventStream(file, follow=60, limit=3)
    events = stream.read()
    assert next(events).type == "Sold"

    def grow() -> None:
        with file.open("a") as writing:
            writing.write(text[20:] + text + text)

    thread = threading.Thread(target=grow)
    thread.start()
    assert len(list(events)) == 2
    thread.join()
    assert stream.problems == []
