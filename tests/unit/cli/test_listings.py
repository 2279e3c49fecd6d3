"""`retries list` and `targets list`: filters, pages, and times, from a ledger in memory."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eventflow.cli.main import Talk, cli
from eventflow.delivery import Finish, Ledger, MemoryLedger, Outcome, Planned
from eventflow.rules import Target

NOW = 1_764_000_000.0
VENDOR = Target(name="vendor", task="a.b", integration="doors", owner="ann")
MAIL = Target(name="mail", task="a.c", owner="bob")


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> MemoryLedger:
    """An empty ledger, which the commands look into."""
    ledger = MemoryLedger(clock=lambda: NOW)

    class Ledgers:
        """The ledgers of a deployment with one bus."""

        def __init__(self, _settings: object) -> None:
            pass

        def of(self, _bus: str) -> Ledger:
            return ledger

    monkeypatch.setattr("eventflow.delivery.Ledgers", Ledgers)
    monkeypatch.setattr("eventflow.cli.targets.Ledgers", Ledgers)
    monkeypatch.setattr("eventflow.cli.retries.system_clock", lambda: NOW)
    return ledger


def wait(ledger: Ledger, event_id: str, target: Target, *, delay: float, error: str) -> None:
    """Have a delivery wait for its second attempt."""
    ledger.accept([(event_id, b"{}", "lane")])
    ledger.begin_route(1, lease=30)
    ledger.finish_route(event_id, "T", [Planned(target.name, ("r",), None)], [])
    identity = f"{event_id}:{target.name}"
    ledger.claim(target, [identity], lease=60)
    finish = Finish(identity, 1, Outcome.RETRY, delay=delay, error_type="OSError", error=error)
    ledger.finish(target, [finish])


def run(*arguments: str) -> Result:
    """Run `eventflow …` in this process."""
    return CliRunner().invoke(cli, list(arguments), obj=Talk())


def deliveries(result: Result) -> list[str]:
    """Return the ids in a listing's JSON."""
    return [item["delivery_id"] for item in json.loads(result.stdout)]


@pytest.fixture
def three(ledger: MemoryLedger) -> None:
    """Three deliveries that wait, of two targets."""
    ledger.announce({each.name: each.model_dump_json() for each in (VENDOR, MAIL)})
    wait(ledger, "e1", VENDOR, delay=300, error="HTTP 503")
    wait(ledger, "e2", VENDOR, delay=60, error="HTTP 429")
    wait(ledger, "e1@replay:again", MAIL, delay=120, error="refused")


@pytest.mark.usefixtures("three")
class TestRetries:
    """`retries list`."""

    def test_the_soonest_comes_first(self) -> None:
        """Each with its target, attempts, error, and when it is due by both clocks."""
        lines = [line.split(maxsplit=3) for line in run("retries", "list").stdout.splitlines()]
        assert lines[0][:3] == ["delivery", "target", "attempts"]
        assert [line[0] for line in lines[1:]] == ["e2:vendor", "e1@replay:again:mail", "e1:vendor"]
        assert lines[1][3] == "2025-11-24 16:01:00Z (in 1m)  OSError: HTTP 429"

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--target", "vendor"], ["e2:vendor", "e1:vendor"]),
            (["--event", "e1"], ["e1@replay:again:mail", "e1:vendor"]),
            (["--event", "e1@replay:again"], ["e1@replay:again:mail"]),
            (["--error", "http"], ["e2:vendor", "e1:vendor"]),
            (["--error", "oserror: http 429"], ["e2:vendor"]),
            (["--event", "e3"], []),
        ],
        ids=" ".join,
    )
    def test_filters(self, options: list[str], expected: list[str]) -> None:
        """By target, by event with all its replays, by what the error says."""
        assert deliveries(run("retries", "list", "--json", *options)) == expected

    def test_pages(self) -> None:
        """One page goes on where the one before ended."""
        first = run("retries", "list", "--json", "--limit", "2")
        assert deliveries(first) == ["e2:vendor", "e1@replay:again:mail"]
        assert first.stderr.endswith("more: the same command with --after e1@replay:again:mail\n")
        second = run("retries", "list", "--json", "--limit", "2", "--after", "e1@replay:again:mail")
        assert (deliveries(second), second.stderr) == (["e1:vendor"], "")

    def test_an_unknown_target_is_wrong_use(self) -> None:
        """It is told which there are."""
        result = run("retries", "list", "--target", "none")
        assert (result.exit_code, "known are: mail, vendor" in result.stderr) == (2, True)


@pytest.mark.usefixtures("three")
class TestTargets:
    """`targets list`."""

    @staticmethod
    def names(*options: str) -> list[str]:
        """Return the targets that are listed with *options*."""
        documents: list[dict[str, Any]] = json.loads(run("targets", "list", *options).stdout)
        return [document["target"] for document in documents]

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ([], ["mail", "vendor"]),
            (["--integration", "doors"], ["vendor"]),
            (["--owner", "bob"], ["mail"]),
            (["--breaker", "open"], ["mail"]),
            (["--breaker", "closed"], ["vendor"]),
            (["--limit", "1"], ["mail"]),
            (["--limit", "1", "--after", "mail"], ["vendor"]),
            (["--owner", "nobody"], []),
        ],
        ids=" ".join,
    )
    def test_filters_and_pages(
        self, ledger: Ledger, options: list[str], expected: list[str]
    ) -> None:
        """By integration, owner and breaker, in the order of their names."""
        ledger.open_breaker("mail", seconds=None, reason="maintenance")
        assert self.names("--json", *options) == expected

    def test_a_breaker_that_is_not_closed_tells_why(self, ledger: Ledger) -> None:
        """Below the table, for people alone."""
        ledger.open_breaker("mail", seconds=None, reason="maintenance")
        assert "mail: opened by hand (maintenance)" in run("targets").stderr
        assert run("targets", "list", "--json").stderr == ""
        assert run("targets", "--json").stdout == run("targets", "list", "--json").stdout

    def test_none_that_fits_is_said(self) -> None:
        """It is another thing than that there is none at all."""
        assert run("targets", "list", "--owner", "nobody").stderr == "No target is like that.\n"


@pytest.mark.usefixtures("ledger")
def test_no_targets_yet() -> None:
    """Before the first router, nobody knows of any."""
    assert "a router announces them when it starts" in run("targets").stderr
