"""`eventflow archive`: what it prints of archives and events, and what it refuses."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eventflow.cli.main import cli
from eventflow.errors import StoreError
from eventflow.store import ArchiveStore, open_engine
from tests.contracts.archive import DAY, KEY, START, event_of

RULES = """
archives:
  everything: {pattern: {source: [{exists: true}]}, retention: 90d, owner: platform-team}
  audit: {pattern: {source: [courier.app]}, retention: forever}
  empty: {bus: other, pattern: {source: [x]}, retention: 1d, enabled: false}
"""
EXACT = datetime.fromtimestamp(START, UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArchiveStore:
    """An archive with three events, that the commands see too, and rules."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "archives.yaml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENTFLOW_DATABASE_URL", f"sqlite:///{tmp_path}/eventflow.db")
    for module in ("archive", "times"):
        monkeypatch.setattr(f"eventflow.cli.{module}.system_clock", lambda: START + 2 * DAY)
    store = ArchiveStore(open_engine(f"sqlite:///{tmp_path}/eventflow.db"))
    store.write(
        [
            event_of("abc1", archives=("audit", "everything"), kept_until=float("inf")),
            event_of("abc2", accepted_at=START + DAY, kind="ParcelLeft"),
            event_of("d3", accepted_at=START + DAY + 1, archives=("gone",)),
        ]
    )
    return store


def run(*arguments: str, code: int = 0) -> Result:
    """Run `eventflow archive ARGUMENTS`."""
    result = CliRunner().invoke(cli, ["archive", *arguments])
    assert code == result.exit_code, result.output
    return result


def test_archives_are_listed_with_what_they_hold(store: ArchiveStore) -> None:
    """Those of the rules, also where they hold nothing, and those that only the store knows."""
    lines = {line["archive"]: line for line in json.loads(run("list", "--json").stdout)}
    assert {"everything", "audit", "empty", "gone"} == set(lines)
    everything = lines["everything"]
    assert (2, 90 * DAY, "enabled", "platform-team") == (
        everything["events"],
        everything["retention"],
        everything["state"],
        everything["owner"],
    )
    assert EXACT.isoformat()[:19] == everything["oldest"][:19]
    assert (0, None, "disabled") == tuple(lines["empty"][k] for k in ("events", "oldest", "state"))
    assert (None, "not in the rules") == (lines["gone"]["retention"], lines["gone"]["state"])
    table = run("list", "--bus", "default").stdout
    assert f"{EXACT:%Y-%m-%d %H:%M:%S}Z (2d ago)" in table
    assert "empty" not in table


@pytest.mark.usefixtures("store")
def test_archives_are_listed_in_pages() -> None:
    """One page goes on where the one before ended."""
    first = run("list", "--json", "--limit", "3")
    assert ["audit", "everything", "gone"] == [each["archive"] for each in json.loads(first.stdout)]
    assert "3 of 4 shown; more: the same command with --after default/gone\n" == first.stderr
    rest = run("list", "--json", "--after", "default/gone")
    assert ["empty"] == [each["archive"] for each in json.loads(rest.stdout)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["d3", "abc2", "abc1"]),
        (("--type", "ParcelLeft"), ["abc2"]),
        (("--type", "ParcelLeft", "--type", "CourierArrived"), ["d3", "abc2", "abc1"]),
        (("--source", "none"), []),
        (("--archive", "audit"), ["abc1"]),
        (("--bus", "other"), []),
        (("--since", "36h"), ["d3", "abc2"]),
        (("--until", "36h"), ["abc1"]),
    ],
    ids=str,
)
def test_events_are_listed_by_filters(
    store: ArchiveStore, options: tuple[str, ...], expected: list[str]
) -> None:
    """The newest first, as a table and as JSON."""
    shown = json.loads(run("events", *options, "--json").stdout)
    assert expected == [event["id"] for event in shown]
    table = run("events", *options)
    assert expected == [line.split()[0] for line in table.stdout.splitlines()[1:]]


def test_events_are_listed_in_pages(store: ArchiveStore) -> None:
    """Each page names the next; the last names none."""
    first = run("events", "--limit", "2", "--json")
    cursor = first.stderr.split("--after ")[1].strip()
    rest = run("events", "--limit", "2", "--json", "--after", cursor)
    assert ["abc1"] == [event["id"] for event in json.loads(rest.stdout)]
    assert "" == rest.stderr
    assert "is no cursor" in run("events", "--after", "nonsense", code=2).output


def test_an_event_is_shown_whole(store: ArchiveStore) -> None:
    """By its id or a beginning of it that no other has."""
    shown = json.loads(run("show", "d", "--json").stdout)
    assert ("d3", {"door": {"id": 7}, "filling": ""}) == (shown["id"], shown["event"]["data"])
    text = run("show", "abc1").stdout
    assert "kept until  forever" in text
    assert '"door": {' in text


@pytest.mark.parametrize(
    ("identity", "said"),
    [("none", "no archived event has the id 'none'"), ("abc", "abc1, abc2: write more of it")],
)
def test_an_event_that_is_not_one_is_said(store: ArchiveStore, identity: str, said: str) -> None:
    """Unknown, or several."""
    result = run("show", identity, code=1)
    assert isinstance(result.exception, StoreError)
    assert said in str(result.exception)


def test_looking_makes_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that has none, nothing is listed, and no file is made."""
    monkeypatch.chdir(tmp_path)
    assert [] == json.loads(run("list", "--json").stdout)
    assert [] == json.loads(run("events", "--json").stdout)
    run("show", "e1", code=1)
    assert [] == list(tmp_path.iterdir())


def test_a_new_key_is_printed_and_works(
    store: ArchiveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It differs each time; with it set, commands read what was archived with it."""
    keys = [run("key").stdout.strip() for _ in range(2)]
    assert keys[0] != keys[1]
    assert 32 == len(base64.urlsafe_b64decode(keys[0]))
    ArchiveStore(open_engine(f"sqlite:///{Path.cwd()}/eventflow.db"), [keys[0]]).write(
        [event_of("sealed")]
    )
    error = run("show", "sealed", code=1).exception
    assert "is encrypted: set EVENTFLOW_ARCHIVE_KEY" in str(error)
    monkeypatch.setenv("EVENTFLOW_ARCHIVE_KEY", f"{KEY},{keys[0]}")
    assert '"door"' in run("show", "sealed").stdout
