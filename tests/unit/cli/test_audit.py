"""`eventflow audit`, and who acts: what is noted, listed, filtered and paged."""

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eventflow.cli.actor import record_audit, who
from eventflow.cli.main import Talk, cli
from eventflow.settings import Settings
from eventflow.store import open_engine
from eventflow.store.audit import AuditEntry, AuditStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditStore:
    """An empty store that the commands use, too; Maria acts."""
    monkeypatch.setenv("EVENTFLOW_DATABASE_URL", f"sqlite:///{tmp_path}/eventflow.db")
    monkeypatch.setenv("EVENTFLOW_ACTOR", "maria")
    return AuditStore(open_engine(f"sqlite:///{tmp_path}/eventflow.db"))


def run(*arguments: str) -> Result:
    """Run `eventflow audit` with arguments."""
    return CliRunner().invoke(cli, ["audit", *arguments], obj=Talk())


def test_the_setting_says_who_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline names itself, or the person that started it."""
    monkeypatch.setenv("EVENTFLOW_ACTOR", "pipeline 17, for maria")
    assert "pipeline 17, for maria" == who()


def test_behind_sudo_the_person_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not root who acts, but who became root."""
    monkeypatch.setenv("SUDO_USER", "jo")
    assert f"jo@{socket.gethostname()}" == who()


def test_else_who_is_logged_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system says so; the environment's LOGNAME, which anyone may set, does not."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "somebody-else")
    name, _, host = who().partition("@")
    assert socket.gethostname() == host
    assert name not in {"", "somebody-else"}


def test_a_user_without_an_entry_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's number of a user is in no list of users."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(_number: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert who().startswith("unknown@")


def test_what_was_done_is_noted(store: AuditStore) -> None:
    """Who, what, to which target, how many, and what else there is to say."""
    assert record_audit("targets pause", target="doors", count=2, facts={"reason": "window"})
    [entry] = store.list()
    assert ("maria", "targets pause", "doors", 2, {"reason": "window"}) == (
        entry.who,
        entry.what,
        entry.target,
        entry.count,
        entry.facts,
    )


def test_a_store_that_is_away_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A breaker is opened in an emergency: the missing line is said, and nothing raises."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("EVENTFLOW_DATABASE_URL", f"sqlite:///{tmp_path}/file/eventflow.db")
    assert not record_audit("targets open")
    assert "This is missing in the audit: cannot open the store" in capsys.readouterr().err


def test_the_retention_is_the_settings(store: AuditStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is older goes as something is written."""
    store.record(AuditEntry(who="jo", what="targets open", at=1.0))
    monkeypatch.setenv("EVENTFLOW_AUDIT_RETENTION", "0s")
    record_audit("targets close")
    assert 2 == len(store.list())
    monkeypatch.setenv("EVENTFLOW_AUDIT_RETENTION", "1d")
    record_audit("targets close")
    assert 2 == len(store.list())
    assert {"maria"} == {entry.who for entry in store.list()}
    assert 365 * 86400 == Settings.model_fields["audit_retention"].default


def test_listing_for_people(store: AuditStore) -> None:
    """A row for each, the newest first, its time relative and absolute."""
    record_audit("targets pause", target="doors", facts={"reason": "window"})
    record_audit("deadletters purge", count=1200)
    result = run("list")
    lines = result.stdout.splitlines()
    assert 0 == result.exit_code
    assert ["when", "who", "what", "target", "count", "facts"] == lines[0].split()
    assert "deadletters purge" in lines[1]
    assert "1,200" in lines[1]
    assert "Z (just now)" in lines[2]
    assert lines[2].endswith("reason window")


def test_listing_for_programs(store: AuditStore) -> None:
    """Times are RFC 3339, facts an object."""
    store.record(AuditEntry(who="jo", what="targets open", at=0.5, id="a", facts={"n": 1}))
    [document] = json.loads(run("list", "--json").stdout)
    assert {
        "id": "a",
        "at": "1970-01-01T00:00:00.500Z",
        "who": "jo",
        "what": "targets open",
        "target": "",
        "count": 0,
        "facts": {"n": 1},
    } == document


def test_filters_and_pages(store: AuditStore) -> None:
    """`--after` goes on where the page before ended, under the same filters."""
    for number in range(5):
        store.record(AuditEntry(who="jo", what="targets open", at=2e9 + number, id=f"n{number}"))
    record_audit("targets close")
    first = run("list", "--who", "jo", "--limit", "3", "--json")
    assert ["n4", "n3", "n2"] == [item["id"] for item in json.loads(first.stdout)]
    assert "3 shown; more: the same command with --after n2" in first.stderr
    rest = run("list", "--who", "jo", "--after", "n2", "--json")
    assert ["n1", "n0"] == [item["id"] for item in json.loads(rest.stdout)]
    assert "Nothing was noted." in run("list", "--what", "replay").stderr


def test_looking_makes_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever folder one happens to stand."""
    monkeypatch.setenv("EVENTFLOW_DATABASE_URL", f"sqlite:///{tmp_path}/none/eventflow.db")
    result = run("list")
    assert (0, "Nothing was noted.\n") == (result.exit_code, result.stderr)
    assert not (tmp_path / "none").exists()
