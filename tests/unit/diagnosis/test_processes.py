"""What is said of the processes, by what they report."""

from typing import Any

import pytest

from eventflow.delivery import ProcessReport, Roster
from eventflow.diagnosis.processes import judge_processes, named_by_routers

VERSIONS = {"Python": "3.11", "eventflow": "0.1.0", "celery": "5.7.0"}
NOW = "f" * 64
OLD = "0" * 64


def process(name: str, *queues: str, number: int = 1, **facts: Any) -> ProcessReport:
    """Return a process that differs from a good one in *facts*."""
    values: dict[str, Any] = {
        "identity": f"{name}@host:{number}",
        "name": f"{name}@host",
        "host": "host",
        "pid": 40 + number,
        "queues": queues,
        "versions": VERSIONS,
        "broker": "redis://broker:6379/0",
        **facts,
    }
    return ProcessReport(**values)


def router(name: str = "router", **facts: Any) -> ProcessReport:
    """Return a router."""
    values = {"rules": NOW, "named_targets": ("mail",), **facts}
    return process(name, "eventflow.route", **values)


RECORDER = process("recorder", "eventflow.dead-letters")


def said(*alive: ProcessReport, offset: float = 0.0, rules: str = "", **vanished: float):
    """Return what is said of these processes."""
    gone = {f"{name}@host:77": ago for name, ago in vanished.items()}
    roster = Roster((*alive,), gone)
    return list(judge_processes(roster, clock_offset=offset, rules=rules))


def codes(*alive: ProcessReport, **more: Any) -> list[str]:
    """Return the codes of what is said of these processes beside a router and a recorder."""
    return [finding.code for finding in said(*alive, **more)]


def test_nothing_is_said_of_a_whole_deployment():
    """A router, a recorder and a worker that agree are as they should be."""
    worker = process("mail", "mail", subscribers=("mail",))
    assert codes(router(), RECORDER, worker, rules=NOW) == []


@pytest.mark.parametrize(
    ("alive", "expected"),
    [
        pytest.param((), ["no-router", "no-recorder"], id="nobody"),
        pytest.param((RECORDER,), ["no-router"], id="no router"),
        pytest.param((router(),), ["no-recorder"], id="no recorder"),
        pytest.param(
            (process("all", "eventflow.route", "eventflow.dead-letters", "mail"),), [], id="one"
        ),
    ],
)
def test_a_missing_part_is_said(alive, expected):
    """Without a router nothing is routed, without a recorder nothing recorded."""
    assert codes(*alive) == expected


@pytest.mark.parametrize(
    ("alive", "rules", "expected"),
    [
        pytest.param((router(), router("second")), "", [], id="routers agree"),
        pytest.param((router(), router("second", rules=OLD)), "", ["rules-differ"], id="routers"),
        pytest.param((router(), process("w", "w", rules=OLD)), "", ["rules-differ"], id="a worker"),
        pytest.param((router(), process("w", "w")), "", [], id="a worker without rules"),
        pytest.param((router(),), OLD, ["rules-differ"], id="the files here"),
        pytest.param((router(rule_faults=2),), "", ["rules-refused"], id="faulty files"),
    ],
)
def test_rules_that_differ_are_said(alive, rules, expected):
    """Who has rules has those of the routers, which agree among themselves."""
    assert codes(*alive, RECORDER, rules=rules) == expected


def test_who_differs_is_named():
    """A finding names the processes on each side, and the rules by the beginning of their hash."""
    [finding] = said(router(), router("second", rules=OLD), RECORDER)
    assert finding.message == (
        "routers work by different rules: 000000000000 (second@host); ffffffffffff (router@host)"
    )


def test_versions_that_differ_are_said():
    """Each library has its own finding, with who runs what."""
    other = process("w", "w", versions={**VERSIONS, "celery": "5.6.3", "only-here": "1"})
    [finding] = said(router(), RECORDER, other)
    assert finding.code == "versions-differ"
    assert finding.message == (
        "processes run different versions of celery: 5.6.3 (w@host); 5.7.0 (router@host, "
        "recorder@host)"
    )


def test_brokers_that_differ_are_said():
    """A process on another broker sees nothing of what the others send."""
    assert codes(router(), RECORDER, process("w", "w", broker="redis://other/0")) == [
        "broker-differs"
    ]


def test_many_processes_are_not_all_named():
    """Of a large group a few are named, and the others counted."""
    workers = [process(f"w{number}", "w", broker="redis://other/0") for number in range(8)]
    [finding] = said(router(), RECORDER, *workers)
    assert "w4@host and 3 more)" in finding.message
    assert "w5" not in finding.message


def test_one_name_for_two_is_said():
    """Celery and Flower take two workers of one name for one."""
    twins = [process("w", "w", number=number) for number in (1, 2)]
    [finding] = said(router(), RECORDER, *twins)
    assert (finding.code, finding.where) == ("name-twice", "process w@host")
    assert "process 41 on host, process 42 on host" in finding.message


def test_a_worker_that_cannot_run_a_target_is_said():
    """A worker that reads a queue and has no function for it buries all that comes."""
    [finding] = said(router(), RECORDER, process("w", "mail", unable=("mail",)))
    assert (finding.code, finding.where) == ("no-subscriber", "process w@host")


@pytest.mark.parametrize(
    ("alive", "expected"),
    [
        pytest.param((router(),), ["subscriber-unbound"], id="no rule names it"),
        pytest.param((router(named_targets=("mail", "post")),), [], id="a rule names it"),
        pytest.param((router(), router("b", rules=OLD)), ["rules-differ"], id="rules in between"),
    ],
)
def test_a_subscriber_that_no_rule_reaches_is_said(alive, expected):
    """A subscriber whose target no enabled rule names is most likely misspelt."""
    worker = process("w", "w", subscribers=("mail", "post"))
    assert codes(*alive, RECORDER, worker) == expected


@pytest.mark.parametrize(
    ("offset", "expected"), [(2.0, 0), (-2.0, 0), (2.1, 1), (-60.0, 1), (0.0, 0)]
)
def test_clocks_that_are_apart_are_said(offset, expected):
    """Two seconds either way are allowed, for this machine and for each process."""
    assert codes(router(), RECORDER, offset=offset) == ["clocks-apart"] * expected
    assert codes(router(clock_offset=offset), RECORDER) == ["clocks-apart"] * expected


def test_how_far_a_clock_is_off_is_said():
    """The finding says which way and how far."""
    [finding] = said(router(clock_offset=-61.25), RECORDER)
    assert finding.message == "its clock is 1m1.2s behind the ledger's"
    assert finding.where == "process router@host"


def test_who_vanished_is_noted_until_it_is_back():
    """A process that ended without a word is a note, and none once its name runs again."""
    [finding] = said(router(), RECORDER, mail=90.0)
    assert (finding.code, finding.severity) == ("process-vanished", "note")
    assert (finding.where, finding.message[:26]) == (
        "process mail@host",
        "it was last seen 1m30s ago",
    )
    assert codes(router(), RECORDER, router=90.0) == []


def test_the_rules_in_force_are_the_routers():
    """What routers say is named is, and what workers' old files say is not."""
    roster = Roster((router(), process("w", "w", named_targets=("gone",))), {})
    assert named_by_routers(roster) == {"mail"}
