"""`eventflow deadletters redrive` as a plan, and `groups`: what is said, asked, noted and exited with."""

import json
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, update

from eventflow.cli.deadletters_store import Sending
from eventflow.cli.main import Talk, cli
from eventflow.errors import TransportError
from eventflow.records import DeadLetter, Reason
from eventflow.redrive import Fate, Standing
from eventflow.store import DeadLetterFilter, DeadLetterStore, State, StoredDeadLetter, open_engine
from eventflow.store.audit import AuditEntry, AuditStore
from eventflow.store.engine import writing
from eventflow.store.tables import DEAD_LETTERS
from tests.contracts.store import letter_of, message_letter

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC).timestamp()
UNLOCK = 'Traceback:\n  File "/srv/app/workers/doors.py", line 17, in unlock\n'


class Vendor:
    """Takes what is sent, and lets it fare as the test says.

    Attributes:
        fate: Where each delivery stands.
        sent: The ids that were sent, in order.
        is_alone: Whether nothing runs here.
        is_away: Whether the broker does not answer.
    """

    def __init__(self) -> None:
        self.fate = Standing(Fate.SUCCEEDED)
        self.sent: list[str] = []
        self.is_alone = False
        self.is_away = False

    def redrive(self, letters: Sequence[DeadLetter]) -> list[str]:
        """Take letters."""
        if self.is_away:
            raise TransportError("the broker does not answer")
        self.sent += [letter.id for letter in letters]
        return [letter.id for letter in letters]

    def look(self, letters: Sequence[StoredDeadLetter]) -> dict[str, Standing]:
        """Tell where they stand."""
        return {stored.id: self.fate for stored in letters}

    def obstacle(self, bus: str, target: str) -> str:
        """Tell that there is none."""
        return ""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A store that the commands use, too, with three letters of one fault and one of another."""
    monkeypatch.setenv("EVENTFLOW_DATABASE_URL", f"sqlite:///{tmp_path}/eventflow.db")
    monkeypatch.setenv("EVENTFLOW_ACTOR", "maria")
    for module in ("deadletters_groups", "times"):
        monkeypatch.setattr(f"eventflow.cli.{module}.system_clock", lambda: NOW)
    engine = open_engine(f"sqlite:///{tmp_path}/eventflow.db")
    doors = [
        letter_of(f"e{n}", error=f"door {n} is shut", traceback=UNLOCK, died_at=NOW - 60.0005 - n)
        for n in range(3)
    ]
    other = letter_of("x", target="audit", reason=Reason.REFUSED, died_at=NOW - 7200)
    DeadLetterStore(engine).record([*doors, other])
    return engine


@pytest.fixture
def store(engine: Engine) -> DeadLetterStore:
    """The store of the letters."""
    return DeadLetterStore(engine)


@pytest.fixture
def vendor(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """What the commands send with."""
    vendor = Vendor()

    @contextmanager
    def sending(_store: DeadLetterStore) -> Iterator[Sending]:
        yield Sending(vendor, vendor, vendor.is_alone)

    monkeypatch.setattr("eventflow.cli.deadletters_redrive.sending", sending)
    monkeypatch.setattr("eventflow.cli.deadletters_follow.sending", sending)
    return vendor


def run(*arguments: str, answer: str | None = None) -> Result:
    """Run `eventflow deadletters …` in this process."""
    return CliRunner().invoke(cli, ["deadletters", *arguments], input=answer, obj=Talk())


def audit_of(engine: Engine) -> list[AuditEntry]:
    """Return the audit, the oldest line first."""
    return list(reversed(AuditStore(engine).list()))


def go_on(result: Result) -> list[str]:
    """Return the arguments of the command that goes on."""
    words = shlex.split(result.stderr.partition("Once that is mended: ")[2])
    assert ["eventflow", "deadletters"] == words[:2]
    return words[2:]


class TestGroups:
    """`deadletters groups`."""

    @pytest.mark.usefixtures("engine")
    def test_a_table_largest_first(self) -> None:
        """Target, count, error, place, when seen, and a letter to look at."""
        result = run("groups")
        head, first, second = result.stdout.splitlines()
        assert ["group", "target", "count", "error", "place", "first", "seen"] == head.split()[:7]
        for text in (
            " device-vendor      3  HTTPError: door ",
            "workers/doors.py:17 unlock",
            "2026-11-23 19:58:57Z (1m ago)",
            " e2:device-vendor",
        ):
            assert text in first
        assert " -  " in second
        assert ("", 0) == (result.stderr, result.exit_code)

    @pytest.mark.usefixtures("engine")
    def test_json_filters_and_pages(self) -> None:
        """Times are RFC 3339; a page goes on after the last group."""
        [one] = json.loads(run("groups", "--target", "audit", "--json").stdout)
        assert ("audit", "refused", "HTTPError", "", 1, "2026-11-23T18:00:00.000Z", "x:audit") == (
            one["target"],
            one["reason"],
            one["error_type"],
            one["place"],
            one["count"],
            one["first_seen"],
            one["sample_id"],
        )
        first = run("groups", "--limit", "1", "--json")
        after = json.loads(first.stdout)[0]["group_id"]
        assert f"--after {after}" in first.stderr
        rest = run("groups", "--after", after, "--json")
        assert [one] == json.loads(rest.stdout)
        assert "No dead letter matches." in run("groups", "--state", "redriven").stderr

    @pytest.mark.usefixtures("engine")
    def test_its_id_chooses_letters(self) -> None:
        """For `list` as for `redrive` and `purge`."""
        group = json.loads(run("groups", "--json").stdout)[0]["group_id"]
        found = json.loads(run("list", "--group", group, "--json").stdout)
        assert {"e0", "e1", "e2"} == {item["event_id"] for item in found}
        assert {group} == {item["group_id"] for item in found}
        assert f"group       {group}" in run("show", "e1").stdout

    def test_older_letters_are_grouped_with_progress(self, engine: Engine) -> None:
        """What an older eventflow has recorded may be much, and is said; the next time nothing is."""
        with writing(engine) as connection:
            connection.execute(update(DEAD_LETTERS).values(group_id="", place=""))
        assert "grouped: 4 of 4 (100 %)" in run("groups").stderr
        assert "" == run("groups").stderr


class TestPlan:
    """`deadletters redrive` by filter."""

    def test_what_would_be_done_is_said(self, vendor: Vendor, store: DeadLetterStore) -> None:
        """Counts, failures, canary and pace; a sample; and nothing is done or noted."""
        store.record([message_letter()])
        before = store.list()
        result = run("redrive", "--all", "--dry-run", "--rate", "5/s", "--wait", "30s")
        group = store.get("e0").group_id
        pace = (
            "2 first, as a canary; the rest at 5/s, until more than 10% fail or nothing has an "
            "outcome for 30s."
        )
        assert result.stderr.splitlines() == [
            "5 dead letters match:",
            "       3  device-vendor  max_attempts",
            "       1  (no target)  undecodable",
            "       1  audit  refused",
            "by these failures:",
            f"       3  {group}  HTTPError: door 2 is shut  at workers/doors.py:17 unlock",
            f"       1  {store.get('x').group_id}  HTTPError: HTTP 503 from the vendor",
            "1 of them cannot be sent: no target is known.",
            pace,
        ]
        assert 6 == len(result.stdout.splitlines())
        assert ([], 0, before) == (vendor.sent, result.exit_code, store.list())

    @pytest.mark.usefixtures("vendor")
    def test_a_run_is_noted_at_its_start_and_end(self, engine: Engine) -> None:
        """Who, which, how many, and how it went."""
        result = run("redrive", "--target", "device-vendor", "--error", "shut", "--yes")
        assert "3 redriven: 3 delivered.\n" in result.stderr
        start, end = audit_of(engine)
        which = "--target=device-vendor --error=shut"
        assert ("maria", "deadletters redrive", "device-vendor", 3) == (
            start.who,
            start.what,
            start.target,
            start.count,
        )
        assert {"step": "start", "which": which} == start.facts
        fates = {"succeeded": 3, "died": 0, "failing": 0, "open": 0, "stopped": ""}
        assert (3, {"step": "end", "which": which, **fates}) == (end.count, end.facts)

    def test_it_says_how_to_go_on(self, vendor: Vendor, store: DeadLetterStore) -> None:
        """Exit code 1, and a command that means what remains, and nothing that dies from now on."""
        vendor.fate = Standing(Fate.DIED, error="OSError: no")
        stopped = run("redrive", "--target", "device-vendor", "--yes")
        assert 1 == stopped.exit_code
        assert "1 redriven: 1 died again.\n" in stopped.stderr
        assert "Stopped device-vendor: the canary failed: 1 of the last 1" in stopped.stderr
        assert "2 remain." in stopped.stderr
        store.record([letter_of("late", died_at=NOW)])
        vendor.fate = Standing(Fate.SUCCEEDED)
        done = run(*go_on(stopped), "--yes")
        assert ("2 redriven: 2 delivered.\n" in done.stderr, 0) == (True, done.exit_code)
        assert {"e0:device-vendor", "e1:device-vendor", "e2:device-vendor"} == set(vendor.sent)

    @pytest.mark.parametrize(
        "options",
        [
            ["--all"],
            ["--all", "--limit", "3"],
            ["--rule", "audit-all", "--since", "1h"],
            ["e0", "e1", "--canary", "1"],
            ["--id", "e0", "--id", "e1", "--canary", "1"],
        ],
        ids=" ".join,
    )
    def test_however_they_were_chosen(
        self, vendor: Vendor, store: DeadLetterStore, options: list[str]
    ) -> None:
        """The command to go on is one that works, and takes no letter beyond those."""
        meant = json.loads(run("redrive", *options, "--dry-run", "--json").stdout)["count"]
        vendor.fate = Standing(Fate.DIED)
        stopped = run("redrive", *options, "--yes")
        vendor.fate = Standing(Fate.SUCCEEDED)
        first = len(vendor.sent)
        done = run(*go_on(stopped), "--yes")
        assert (1, 0) == (stopped.exit_code, done.exit_code), done.stderr
        assert (meant, meant) == (len(vendor.sent), len(set(vendor.sent)))
        assert 0 < first < meant

    def test_json_is_what_became_of_it(self, vendor: Vendor) -> None:
        """One object; the talk stays on stderr."""
        vendor.fate = Standing(Fate.FAILING, 2, "OSError: slow")
        result = run("redrive", "--target", "device-vendor", "--yes", "--json")
        document = json.loads(result.stdout)
        assert (3, 1, 0, 0, 1, 0, 2) == tuple(
            document[name]
            for name in ("planned", "sent", "succeeded", "died", "failing", "open", "remaining")
        )
        assert "most by OSError: slow" in document["stopped"]["device-vendor"]
        assert document["go_on"].startswith("eventflow deadletters redrive --target=device-vendor ")

    def test_nothing_to_send_is_json_too(self, vendor: Vendor) -> None:
        """Zeros, and no command to go on."""
        document = json.loads(run("redrive", "--target", "none", "--yes", "--json").stdout)
        assert (0, 0, None) == (document["planned"], document["sent"], document["go_on"])

    def test_an_error_is_reported_and_noted(self, vendor: Vendor, engine: Engine) -> None:
        """What was done until then, and that it is safe to call it again."""
        vendor.is_away = True
        result = run("redrive", "--all", "--yes")
        assert isinstance(result.exception, TransportError)
        assert "Call it again when that is mended: nothing is sent twice." in result.stderr
        *_, end = audit_of(engine)
        assert (0, "the broker does not answer") == (end.count, end.facts["stopped"])

    def test_ctrl_c_is_reported_and_noted(self, vendor: Vendor, engine: Engine) -> None:
        """What was done until then."""

        def interrupt(letters: Sequence[StoredDeadLetter]) -> dict[str, Standing]:
            raise KeyboardInterrupt

        vendor.look = interrupt  # type: ignore[method-assign]
        result = run("redrive", "--all", "--yes")
        assert 0 != result.exit_code
        assert "1 redriven" in result.stderr
        assert "Cut off. Call it again when that is mended" in result.stderr
        *_, end = audit_of(engine)
        assert (1, "interrupted") == (end.count, end.facts["stopped"])

    def test_where_nothing_runs_nobody_waits(
        self, vendor: Vendor, store: DeadLetterStore, engine: Engine
    ) -> None:
        """The embedded server that it started itself has no workers: all is sent, as it is."""
        vendor.is_alone = True
        vendor.fate = Standing(Fate.OPEN)
        result = run("redrive", "--all", "--yes")
        assert ("4 redriven.\n" in result.stderr, 0) == (True, result.exit_code)
        assert 0 == store.count(DeadLetterFilter(state=State.DEAD)).total
        assert [4] == [entry.count for entry in audit_of(engine)]

    @pytest.mark.parametrize(
        "wrong",
        [["--rate", "0/s"], ["--rate", "many"], ["--max-failures", "101"], ["--wait", "soon"]],
        ids=" ".join,
    )
    def test_what_cannot_be_is_wrong_use(self, vendor: Vendor, wrong: list[str]) -> None:
        """Said before anything is done."""
        assert (2, []) == (run("redrive", "--all", "--yes", *wrong).exit_code, vendor.sent)


class TestGuard:
    """Letters that were redriven too often."""

    @pytest.fixture(autouse=True)
    def often(self, store: DeadLetterStore) -> None:
        """One was, three times."""
        store.record([letter_of("e0", traceback=UNLOCK, redrives=3, died_at=NOW)])

    def test_a_plan_passes_them_over(self, vendor: Vendor) -> None:
        """It says so, and what would take them along."""
        result = run("redrive", "--target", "device-vendor", "--yes")
        assert "1 dead letter more stay: redriven too often already" in result.stderr
        assert {"e1:device-vendor", "e2:device-vendor"} == set(vendor.sent)
        assert 0 == result.exit_code

    def test_where_nothing_else_fits_that_is_said(self, vendor: Vendor) -> None:
        """It is no success to be told of, and no failure."""
        result = run("redrive", "--event", "e0", "--yes")
        assert "No dead letter matches.\n1 dead letter more stay" in result.stderr
        assert ([], 0) == (vendor.sent, result.exit_code)

    def test_by_id_it_is_refused(self, vendor: Vendor) -> None:
        """It was asked for and does not go: exit code 1."""
        result = run("redrive", "e0", "e1")
        assert "refused   it was redriven 3 times and died each time" in result.stdout
        assert (["e1:device-vendor"], 1) == (vendor.sent, result.exit_code)

    def test_force_takes_them_along(self, vendor: Vendor) -> None:
        """By filter and by id."""
        run("redrive", "--target", "device-vendor", "--yes", "--force")
        assert 3 == len(vendor.sent)

    def test_force_by_id(self, vendor: Vendor) -> None:
        """By id as well."""
        assert 0 == run("redrive", "e0", "--force").exit_code
        assert ["e0:device-vendor"] == vendor.sent

    def test_the_number_is_a_setting(self, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
        """Four are allowed where it says four."""
        monkeypatch.setenv("EVENTFLOW_MAX_REDRIVES", "4")
        run("redrive", "--target", "device-vendor", "--yes")
        assert 3 == len(vendor.sent)


def test_by_id_it_is_noted_once(vendor: Vendor, engine: Engine) -> None:
    """One line, with the ids that were written; nothing sent is nothing noted."""
    run("redrive", "e1", "e2")
    [entry] = audit_of(engine)
    assert (2, "device-vendor", {"which": "e1 e2"}) == (entry.count, entry.target, entry.facts)
    run("redrive", "e1")
    assert 1 == len(audit_of(engine))


def test_a_purge_is_noted(engine: Engine) -> None:
    """Who deleted which, and how many; a question that is answered with no deletes nothing."""
    run("purge", "--target", "audit", answer="n\n")
    assert [] == audit_of(engine)
    run("purge", "--target", "audit", "--yes")
    [entry] = audit_of(engine)
    assert ("maria", "deadletters purge", "audit", 1) == (
        entry.who,
        entry.what,
        entry.target,
        entry.count,
    )
    assert {"which": "--target=audit --state=dead"} == entry.facts
