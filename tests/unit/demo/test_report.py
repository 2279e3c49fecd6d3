"""The demo's last words: the account, what is wrong with it, and one dead letter."""

from pathlib import Path

import pytest

from eventflow.cli.demo_account import Account, TargetAccount
from eventflow.cli.demo_report import Report
from eventflow.records import Reason
from eventflow.store import DeadLetterSummary, State

_LETTER = DeadLetterSummary(
    id="e1:door",
    bus="default",
    target="door",
    reason=Reason.REFUSED,
    rules=("open",),
    event_id="e1",
    event_type="CourierArrived",
    source="courier.app",
    error_type="Refuse",
    error="404 Not Found\x1b[2J",
    attempts=1,
    accepted_at=1.0,
    first_attempt_at=2.0,
    first_died_at=3.0,
    died_at=3.0,
    state=State.DEAD,
    redrives=0,
    redriven_at=0.0,
    group_id="",
    place="",
)


def _report(
    account: Account, letter: DeadLetterSummary | None = _LETTER, **changes: object
) -> Report:
    values = {
        "account": account,
        "letter": letter,
        "calls": 9,
        "failed": 4,
        "seconds": 17.04,
        "flower": "http://127.0.0.1:5555",
        "data_dir": Path("my data/demo"),
        **changes,
    }
    return Report(**values)  # type: ignore[arg-type]


_GOOD = Account(2, 0, {"door": TargetAccount(2, 1, 1, 0, 12.3, 45.6)})


def test_balanced_account_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Each target's line, the verdict, the dead letter and how to send it again, and Flower."""
    _report(_GOOD, kept=True).print()

    said = capsys.readouterr().out
    assert "The account of 2 events, taken outside, 17.0 s after" in said
    assert "door           2          1        1     0      12      46" in said
    assert "Balanced: each of 2 deliveries was delivered, refused or dead-lettered" in said
    assert (
        "A dead letter: a CourierArrived for door was refused:\n  404 Not Found\\x1b[2J\n" in said
    )
    command = "EVENTFLOW_DATA_DIR='my data/demo' eventflow deadletters redrive e1:door"
    assert f"Send it again:   {command}\n" in said
    assert "Its whole story: EVENTFLOW_DATA_DIR='my data/demo' eventflow trace e1\n" in said
    assert said.endswith("Flower: http://127.0.0.1:5555\n")


def test_faults_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing, came twice or came unasked is named, ten of each at most."""
    missing = tuple(f"e{number}:door" for number in range(12))
    account = Account(2, 1, {}, missing=missing, twice=("e1:audit",), unexpected=("x:y",))
    _report(account, None, unwatched=("slack",)).print()

    said = capsys.readouterr().out
    assert "NOT BALANCED, missing: e0:door, " in said
    assert "e9:door and 2 more\n" in said
    assert "NOT BALANCED, came twice: e1:audit\n" in said
    assert "NOT BALANCED, came unasked: x:y\n" in said
    assert "Events that matched no rule: 1." in said
    assert "since it cannot see them: slack." in said
    assert "A dead letter" not in said


def test_json() -> None:
    """The account as JSON, with the dead letter and its command."""
    document = _report(_GOOD).to_json()

    assert document["balanced"] is True
    assert (document["calls"], document["failed_calls"], document["seconds"]) == (9, 4, 17.0)
    assert document["dead_letter"] == {
        "id": "e1:door",
        "target": "door",
        "reason": "refused",
        "error": "404 Not Found\x1b[2J",
        "redrive": "EVENTFLOW_DATA_DIR='my data/demo' eventflow deadletters redrive e1:door",
    }
    assert _report(_GOOD, None).to_json()["dead_letter"] is None


def test_what_was_stopped_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A producer that broke a schema is told of, with what publish() said to it."""
    report = _report(_GOOD, stopped={"e9": "does not fit:\n  data.door: is \x1bmissing"})
    report.print()

    said = capsys.readouterr().out
    assert "A producer broke a schema and was stopped, before anything left" in said
    assert "  does not fit:\n    data.door: is \\x1bmissing\n" in said
    assert [{"id": "e9", "message": "does not fit:\n  data.door: is \x1bmissing"}] == (
        report.to_json()["stopped"]
    )
