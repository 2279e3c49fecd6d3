"""`eventflow deadletters`: what it prints, asks, refuses, and does in which order."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eventflow.cli import deadletters as commands
from eventflow.cli.deadletters_store import Sending
from eventflow.cli.deadletters_view import _REASONS
from eventflow.cli.main import Talk, cli
from eventflow.errors import StoreError, TransportError
from eventflow.events import delivery_id
from eventflow.records import DeadLetter, Reason
from eventflow.redrive import Fate, Standing, batches_of, redrive_letters
from eventflow.store import (
    DeadLetterFilter,
    DeadLetterStore,
    State,
    StoredDeadLetter,
    open_engine,
)
from eventflow.store.failures import failure_of
from tests.contracts.store import letter_of, message_letter

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC).timestamp()
UNLOCK = "e1:device-vendor"


class Sender:
    """A `Redriver` that keeps the ledger's promise: each death is revived once.

    Attributes:
        revived: What it sent, in order: id and count of redrives.
        fail_after: How many it revives before it fails; None for no failure.
    """

    def __init__(self) -> None:
        self.revived: list[tuple[str, int]] = []
        self.fail_after: int | None = None

    def redrive(self, letters: Sequence[DeadLetter]) -> list[str]:
        """Revive letters; see the protocol."""
        now: list[str] = []
        for letter in letters:
            if (letter.id, letter.redrives) in self.revived:
                continue
            if self.fail_after is not None and len(self.revived) >= self.fail_after:
                raise TransportError("the broker does not answer")
            self.revived.append((letter.id, letter.redrives))
            now.append(letter.id)
        return now

    def look(self, letters: Sequence[StoredDeadLetter]) -> dict[str, Standing]:
        """Tell that all was delivered at once."""
        return {stored.id: Standing(Fate.SUCCEEDED) for stored in letters}

    def obstacle(self, bus: str, target: str) -> str:
        """Tell that every target gets what is sent."""
        return ""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeadLetterStore:
    """An empty store that the commands use, too; it is 20:00."""
    monkeypatch.setenv("EVENTFLOW_DATABASE_URL", f"sqlite:///{tmp_path}/eventflow.db")
    monkeypatch.setattr(commands, "system_clock", lambda: NOW)
    monkeypatch.setattr("eventflow.cli.times.system_clock", lambda: NOW)
    return DeadLetterStore(open_engine(f"sqlite:///{tmp_path}/eventflow.db"))


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> Sender:
    """What the commands send with."""
    sender = Sender()

    @contextmanager
    def sending(_store: DeadLetterStore) -> Iterator[Sending]:
        yield Sending(sender, sender)

    monkeypatch.setattr("eventflow.cli.deadletters_redrive.sending", sending)
    monkeypatch.setattr("eventflow.cli.deadletters_follow.sending", sending)
    return sender


@pytest.fixture
def three(store: DeadLetterStore) -> None:
    """Two dead letters of one target and one of another, an hour apart."""
    store.record(
        [
            letter_of("e1", died_at=NOW - 7200),
            letter_of("e2", died_at=NOW - 3600, kind="ParcelLeft"),
            letter_of("e3", target="audit", died_at=NOW - 60, reason=Reason.REFUSED),
        ]
    )


def run(*arguments: str, answer: str | None = None) -> Result:
    """Run `eventflow deadletters …` in this process."""
    return CliRunner().invoke(cli, ["deadletters", *arguments], input=answer, obj=Talk())


def ids_in(result: Result) -> list[str]:
    """Return the ids in a listing's JSON."""
    return [item["id"] for item in json.loads(result.stdout)]


@pytest.mark.usefixtures("three")
class TestList:
    """`deadletters list`."""

    def test_a_table_newest_first(self) -> None:
        """Data on stdout, nothing to say on stderr; the error is cut, the times are both."""
        result = run("list")
        heads, *lines = result.stdout.splitlines()
        assert ["id", "target", "type", "reason", "attempts", "error", "died"] == heads.split()
        assert ["e3:audit", "e2:device-vendor", UNLOCK] == [line.split()[0] for line in lines]
        assert re.fullmatch(
            r"e1:device-vendor +device-vendor +CourierArrived +max_attempts +20 +"
            r"HTTPError: HTTP 503 from the vendor +2026-11-23 18:00:00Z \(2h ago\)",
            lines[2],
        )
        assert ("", 0) == (result.stderr, result.exit_code)

    def test_json_has_every_field_but_the_payload(self) -> None:
        """Times are RFC 3339, never is null."""
        [document] = json.loads(run("list", "--event", "e1", "--json").stdout)
        assert {
            "id": UNLOCK,
            "bus": "default",
            "target": "device-vendor",
            "reason": "max_attempts",
            "rules": ["unlock-garage-on-arrival", "audit-all"],
            "event_id": "e1",
            "event_type": "CourierArrived",
            "source": "courier.app",
            "error_type": "HTTPError",
            "error": "HTTP 503 from the vendor",
            "attempts": 20,
            "accepted_at": "1970-01-01T00:16:40.000Z",
            "first_attempt_at": "1970-01-01T00:16:41.000Z",
            "first_died_at": "2026-11-23T18:00:00.000Z",
            "died_at": "2026-11-23T18:00:00.000Z",
            "state": "dead",
            "redrives": 0,
            "redriven_at": None,
            "group_id": failure_of(letter_of()).group_id,
            "place": "",
        } == document

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--target", "audit"], ["e3:audit"]),
            (["--reason", "refused"], ["e3:audit"]),
            (["--type", "ParcelLeft"], ["e2:device-vendor"]),
            (["--source", "courier.app"], ["e3:audit", "e2:device-vendor", UNLOCK]),
            (["--rule", "none"], []),
            (["--error", "http 503", "--target", "audit"], ["e3:audit"]),
            (["--since", "1h"], ["e3:audit", "e2:device-vendor"]),
            (["--since", "59m"], ["e3:audit"]),
            (["--since", "0s"], []),
            (["--since", "2026-11-23T20:00:00+01:00"], ["e3:audit", "e2:device-vendor"]),
            (["--until", "2h"], [UNLOCK]),
            (["--state", "redriven"], []),
            (["--state", "all", "--limit", "1"], ["e3:audit"]),
        ],
        ids=" ".join,
    )
    def test_filters(self, options: list[str], expected: list[str]) -> None:
        """Each option is the store's filter of that name."""
        assert expected == ids_in(run("list", "--json", *options))

    def test_what_is_not_shown_is_said(self) -> None:
        """A listing that is cut says how much there is, and how to go on; JSON stays an array."""
        cut = run("list", "--limit", "2", "--json")
        match = re.fullmatch(
            r"2 of 3 shown; more: the same command with --after (\S+)\n", cut.stderr
        )
        assert match
        rest = run("list", "--limit", "2", "--json", "--after", match[1])
        assert (["e3:audit", "e2:device-vendor"], [UNLOCK]) == (ids_in(cut), ids_in(rest))
        assert "" == rest.stderr
        assert "" == run("list", "--limit", "3").stderr

    @pytest.mark.parametrize("wrong", ["", "e1", "soon,e1"])
    def test_a_wrong_cursor_is_wrong_use(self, wrong: str) -> None:
        """It is refused, instead of beginning anew."""
        result = run("list", "--after", wrong)
        assert 2 == result.exit_code
        assert "is no cursor of this listing" in result.stderr

    @pytest.mark.parametrize("wrong", ["yesterday", "2026-11-23T20:00:00", "-1h", ""])
    def test_a_wrong_time_is_wrong_use(self, wrong: str) -> None:
        """It is repeated, with what is allowed."""
        result = run("list", "--since", wrong)
        assert 2 == result.exit_code
        assert f"Invalid value for '--since': {wrong!r} is neither how long ago" in result.stderr


def test_nothing_is_said_to_be_nothing(store: DeadLetterStore) -> None:
    """An empty listing is no data on stdout, a word on stderr, and done."""
    assert store.count().total == 0
    assert ("", "No dead letter matches.\n", 0) == (
        (result := run("list")).stdout,
        result.stderr,
        result.exit_code,
    )
    assert [] == json.loads(run("list", "--json").stdout)


def test_looking_makes_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder where nothing was ever recorded, that is said, and the folder stays as it is."""
    monkeypatch.chdir(tmp_path)
    result = run("list")
    assert f"There is no store yet ({tmp_path}/.eventflow/eventflow.db): " in result.stderr
    assert 0 == result.exit_code
    assert [] == list(tmp_path.iterdir())


class TestShow:
    """`deadletters show`."""

    def test_the_whole_story(self, store: DeadLetterStore) -> None:
        """Rules, reason in words, error, times, event, input, traceback; how to redrive it."""
        letter = letter_of(died_at=NOW - 90, worker="host-1", traceback="Traceback\n  File x")
        store.record([letter])
        result = run("show", "e1")
        lines = result.stdout.splitlines()
        for line in [
            f"id          {UNLOCK}",
            "state       dead",
            "event       CourierArrived from courier.app",
            "rules       unlock-garage-on-arrival, audit-all",
            "reason      max_attempts: every attempt that its target's policy allows has failed",
            "error       HTTPError: HTTP 503 from the vendor",
            "died        2026-11-23 19:58:30Z (1m ago)",
            "worker      host-1",
            '    "detail-type": "CourierArrived",',
            "input, shaped for its target:",
            '    "message": "Your package"',
            "    File x",
        ]:
            assert line in lines
        assert "first died" not in result.stdout
        assert f"To send it again: eventflow deadletters redrive {UNLOCK}\n" == result.stderr

    def test_the_story_goes_on_after_a_redrive(self, store: DeadLetterStore) -> None:
        """A second death shows the first, and how often it was redriven."""
        store.record([letter_of(died_at=NOW - 200)])
        store.mark_redriven(store.begin_redrive(), NOW - 100)
        assert "state       redriven once, last 2026-11-23 19:58:20Z (1m ago), and has" in (
            run("show", "e1").stdout
        )
        store.record([letter_of(redrives=1, died_at=NOW - 10)])
        said = run("show", "e1").stdout
        assert "state       dead, after it was redriven once, last 2026-11-23 19:58:20Z" in said
        assert "first died  2026-11-23 19:56:40Z (3m ago)" in said

    def test_a_message_is_shown_with_its_body(self, store: DeadLetterStore) -> None:
        """What could not be read is shown as it came, control characters written out."""
        store.record([message_letter()])
        result = run("show", "message:")
        assert "reason      undecodable: it could not be read" in result.stdout
        assert '    "body_base64": "AAE="' in result.stdout
        assert "  \\x00\\x01" in result.stdout
        assert "It cannot be redriven: it is a message that could not be read" in result.stderr

    def test_a_terminal_obeys_nothing(self, store: DeadLetterStore) -> None:
        """An escape sequence in an error is shown, not obeyed."""
        store.record([letter_of(error="\x1b[2J gone")])
        for arguments in (["show", "e1"], ["list"]):
            result = run(*arguments)
            assert "\\x1b[2J gone" in result.stdout
            assert "\x1b" not in result.stdout

    def test_json_is_the_whole_of_it(self, store: DeadLetterStore) -> None:
        """The listing's fields, and the event, input, message, traceback and worker."""
        store.record([letter_of()])
        document = json.loads(run("show", "e1", "--json").stdout)
        assert letter_of().event == document["event"]
        assert {"message": "Your package"} == document["input"]
        assert "Traceback …" == document["traceback"]
        assert (None, UNLOCK) == (document["message"], document["id"])

    def test_an_unknown_id_is_an_error(self, store: DeadLetterStore) -> None:
        """It is said that there is none."""
        store.record([letter_of()])
        assert "no dead letter has the id 'e9', or one that begins so" == str(
            run("show", "e9").exception
        )


@pytest.mark.usefixtures("three")
class TestRedrive:
    """`deadletters redrive`."""

    def test_by_id_without_asking(self, store: DeadLetterStore, sender: Sender) -> None:
        """It is sent, marked, and told."""
        result = run("redrive", "e1")
        assert [(UNLOCK, 0)] == sender.revived
        assert (State.REDRIVEN, 1) == (store.get("e1").state, store.get("e1").redrives)
        assert "redriven" in result.stdout
        assert ("1 redriven.\n", 0) == (result.stderr, result.exit_code)

    def test_repeated_it_sends_nothing(self, sender: Sender) -> None:
        """The second call says that it is done already, and that is no failure."""
        run("redrive", "e1")
        result = run("redrive", "e1", "e1:device")
        assert [(UNLOCK, 0)] == sender.revived
        assert "already" in result.stdout
        assert ("1 already.\n", 0) == (result.stderr, result.exit_code)

    def test_a_filter_is_counted_and_asked_for(
        self, store: DeadLetterStore, sender: Sender
    ) -> None:
        """What would be sent is said by target and reason; no means that nothing is done."""
        result = run("redrive", "--target", "device-vendor", answer="n\n")
        assert "2 dead letters match:\n       2  device-vendor  max_attempts\n" in result.stderr
        assert "Send 2 of them? [y/N]" in result.stderr
        assert "Nothing was done." in result.stderr
        assert [] == sender.revived
        result = run("redrive", "--target", "device-vendor", answer="y\n")
        assert {("e2:device-vendor", 0), (UNLOCK, 0)} == set(sender.revived)
        assert 2 == len(sender.revived)
        assert 1 == store.count(DeadLetterFilter(state=State.DEAD)).total
        assert "2 redriven: 2 delivered." in result.stderr

    def test_all_with_a_limit(self, sender: Sender) -> None:
        """The newest so many, without asking; the rest stays."""
        result = run("redrive", "--all", "--yes", "--limit", "2", "--no-watch", "--json")
        assert ["e3:audit", "e2:device-vendor"] == ids_in(result)
        assert [("e3:audit", 0), ("e2:device-vendor", 0)] == sender.revived

    def test_a_dry_run_sends_nothing(self, store: DeadLetterStore, sender: Sender) -> None:
        """It tells what would go and what could not, and neither asks nor changes anything."""
        store.record([message_letter()])
        result = run("redrive", "--all", "--dry-run", "--json")
        document = json.loads(result.stdout)
        assert (3, 1, 0) == (document["count"], document["homeless"], document["guarded"])
        assert {"device-vendor": 2, "audit": 1} == {
            item["target"]: item["count"] for item in document["targets"]
        }
        assert {UNLOCK, "e2:device-vendor", "e3:audit", "message:0123"} == {
            item["id"] for item in document["sample"]
        }
        assert ([], 4) == (sender.revived, store.count(DeadLetterFilter(state=State.DEAD)).total)

    def test_what_cannot_go_is_told_and_the_rest_goes(
        self, store: DeadLetterStore, sender: Sender
    ) -> None:
        """By filter that is done; by id it was asked for and is not so."""
        store.record([message_letter()])
        by_id = run("redrive", "message", "e1")
        assert re.search(r"refused +it is a message that could not be read", by_id.stdout)
        assert ("1 redriven, 1 refused.\n", 1) == (by_id.stderr, by_id.exit_code)
        by_filter = run("redrive", "--all", "--yes")
        assert "1 of them cannot be sent: no target is known." in by_filter.stderr
        assert "2 redriven: 2 delivered." in by_filter.stderr
        assert 0 == by_filter.exit_code
        assert State.DEAD == store.get("message").state

    def test_an_unknown_id_among_others_sends_none(self, sender: Sender) -> None:
        """All ids are looked up before anything is done."""
        result = run("redrive", "e1", "e9")
        assert isinstance(result.exception, StoreError)
        assert [] == sender.revived

    def test_cut_off_between_the_steps(self, store: DeadLetterStore, sender: Sender) -> None:
        """The ledger had revived one when the broker failed: the next call sends the rest only."""
        sender.fail_after = 1
        failed = run("redrive", "--all", "--yes", "--no-watch")
        assert isinstance(failed.exception, TransportError)
        assert "Call it again when that is mended: nothing is sent twice." in failed.stderr
        assert 3 == store.count(DeadLetterFilter(state=State.DEAD)).total
        sender.fail_after = None
        again = run("redrive", "--all", "--yes", "--no-watch")
        assert "2 redriven, 1 already." in again.stderr
        assert 3 == len(set(sender.revived)) == len(sender.revived)
        assert 0 == store.count(DeadLetterFilter(state=State.DEAD)).total

    def test_nothing_to_send_asks_nothing(self, sender: Sender) -> None:
        """No match is said, and done."""
        result = run("redrive", "--target", "nobody")
        assert ("No dead letter matches.\n", 0) == (result.stderr, result.exit_code)

    @pytest.mark.parametrize(
        "arguments", [[], ["e1", "--all"], ["--all", "--target", "audit"], ["e1", "--since", "1h"]]
    )
    @pytest.mark.parametrize("command", ["redrive", "purge"])
    def test_it_must_be_said_which(self, command: str, arguments: list[str]) -> None:
        """Nothing, or two ways at once, is wrong use."""
        result = run(command, *arguments)
        assert 2 == result.exit_code
        assert "say which: IDs, or filters such as --target, or --all" in result.stderr


def test_one_that_dies_again_at_once_is_sent_once(store: DeadLetterStore) -> None:
    """A fault that persists makes no endless loop, whatever the workers' clocks say."""

    class Hopeless(Sender):
        """Has each delivery die again at once, by a clock that is slow."""

        def redrive(self, letters: Sequence[DeadLetter]) -> list[str]:
            """Revive letters; see the protocol."""
            revived = super().redrive(letters)
            store.record(
                [
                    letter.model_copy(update={"redrives": letter.redrives + 1, "died_at": 1.0})
                    for letter in letters
                ]
            )
            return revived

    store.record([letter_of(f"e{number}") for number in range(250)])
    flow = Hopeless()
    told = list(redrive_letters(store, flow, batches_of(store, DeadLetterFilter(), None)))
    assert (250, 250) == (len(told), len(flow.revived))
    assert 250 == store.count(DeadLetterFilter(state=State.DEAD)).total


@pytest.mark.usefixtures("three")
class TestPurge:
    """`deadletters purge`."""

    def test_it_asks(self, store: DeadLetterStore) -> None:
        """It says what would go; no leaves all, yes deletes that and nothing else."""
        result = run("purge", "--reason", "refused", answer="n\n")
        assert (
            "1 dead letter matches:\n       1  audit  refused\nDelete 1 of them?" in result.stderr
        )
        assert 3 == store.count().total
        result = run("purge", "--reason", "refused", answer="y\n")
        assert "1 dead letter deleted." in result.stderr
        assert [UNLOCK] == [item.id for item in store.list() if item.event_id == "e1"]
        assert 2 == store.count().total

    def test_no_answer_is_no(self, store: DeadLetterStore) -> None:
        """Without a terminal and without --yes nothing is deleted."""
        assert 0 != run("purge", "--all", answer="").exit_code
        assert 3 == store.count().total

    def test_a_dry_run_lists(self, store: DeadLetterStore) -> None:
        """It prints what would go, and neither asks nor deletes."""
        result = run("purge", "--all", "--dry-run")
        assert 4 == len(result.stdout.splitlines())
        assert ("3 dead letters match:" in result.stderr, result.exit_code) == (True, 0)
        assert 3 == store.count().total

    def test_what_is_on_its_way_is_not_meant(self, store: DeadLetterStore) -> None:
        """Only the dead, unless the state says otherwise."""
        store.mark_redriven(store.begin_redrive(DeadLetterFilter(target="audit")), NOW)
        run("purge", "--all", "--yes")
        assert ["e3:audit"] == [item.id for item in store.list()]
        run("purge", "--all", "--yes", "--state", "all")
        assert 0 == store.count().total

    def test_by_id(self, store: DeadLetterStore) -> None:
        """Several at once; an unknown one deletes none."""
        assert isinstance(run("purge", "e1", "e9", "--yes").exception, StoreError)
        assert "2 dead letters deleted." in run("purge", "e1", "e3", "--yes").stderr
        assert ["e2:device-vendor"] == [item.id for item in store.list()]

    def test_what_came_meanwhile_stays(
        self, store: DeadLetterStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A letter that died after the question is not deleted by its answer."""
        late = letter_of("e4", died_at=NOW)

        def confirm(*_: Any, **__: Any) -> bool:
            store.record([late])
            return True

        monkeypatch.setattr("click.confirm", confirm)
        assert "3 dead letters deleted." in run("purge", "--all").stderr
        assert [late.id] == [item.id for item in store.list()]


def test_every_reason_has_its_words() -> None:
    """`show` explains each reason there is."""
    assert set(Reason) == set(_REASONS)


def test_ids_are_the_deliveries() -> None:
    """The tests' own letters carry ids as the ledger makes them."""
    assert delivery_id("e1", "device-vendor") == letter_of().id
