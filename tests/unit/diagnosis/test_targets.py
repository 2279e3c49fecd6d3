"""What is said of what waits, by its numbers."""

from dataclasses import replace
from typing import Any

import pytest

from eventflow.delivery import (
    Backlog,
    BreakerState,
    BreakerStatus,
    ProcessReport,
    Roster,
    TargetBacklog,
)
from eventflow.diagnosis.targets import BusFacts, judge_buses
from eventflow.rules import ARCHIVE, ARCHIVE_TARGET, Target
from eventflow.settings import load_settings

MAIL = Target(name="mail", task="x.mail", queue="post", integration="messages")
QUEUES = ("eventflow.route", "eventflow.dead-letters", "post")


def bus(name: str = "default", *, more: dict[str, Any] | None = None, **target: Any) -> BusFacts:
    """Return a bus with one target whose numbers are given."""
    values: dict[str, Any] = {
        "unrouted": 0,
        "unrouted_for": 0.0,
        "unrecorded": 0,
        "unrecorded_for": 0.0,
        **(more or {}),
    }
    return BusFacts(
        {"mail": MAIL}, Backlog(name, **values, targets={"mail": TargetBacklog(**target)})
    )


def said(*buses: BusFacts, queues: tuple[str, ...] = QUEUES, named: Any = ("mail",), **limits: int):
    """Return what is said while one process reads *queues*."""
    alive = (ProcessReport(identity="all@h:1", name="all@h", queues=queues),) if queues else ()
    return list(judge_buses(buses, Roster(alive, {}), load_settings(**limits), named=named))


def codes(*buses: BusFacts, **more: Any) -> list[str]:
    """Return the codes of what is said."""
    return [finding.code for finding in said(*buses, **more)]


def test_nothing_is_said_where_all_is_read():
    """What waits for a worker that is there is no fault."""
    assert codes(bus(queued=50, waiting=5, running=2)) == []


@pytest.mark.parametrize(
    ("named", "numbers", "expected"),
    [
        pytest.param(("mail",), {}, ["no-worker"], id="named, nothing waits"),
        pytest.param(("mail",), {"queued": 3}, ["no-worker"], id="named, and waits"),
        pytest.param((), {"queued": 3}, ["no-worker"], id="left over from former rules"),
        pytest.param((), {"waiting": 1}, ["no-worker"], id="a retry left over"),
        pytest.param((), {"parked": 1}, ["no-worker"], id="a parked one left over"),
        pytest.param((), {}, [], id="of former rules"),
    ],
)
def test_a_queue_that_nobody_reads_is_said(named, numbers, expected):
    """It is by the target's queue, which may have another name; with what waits on it."""
    assert codes(bus(**numbers), queues=("mail", "eventflow.route"), named=named) == expected


def test_what_waits_is_added_over_the_buses():
    """A worker reads its target's queue for all buses at once, so it is missed once."""
    [finding] = said(bus(queued=1200), bus("lab", waiting=3), queues=("eventflow.route",))
    assert str(finding) == (
        "target mail: error no-worker: no process reads its queue 'post', and 1,203 deliveries "
        "wait: start `eventflow worker messages`"
    )


def test_archives_that_nobody_writes_ask_for_the_recorder():
    """Their queue is no integration's, so no worker of one is missing."""
    waits = Backlog(
        "default",
        unrouted=0,
        unrouted_for=0.0,
        unrecorded=0,
        unrecorded_for=0.0,
        targets={ARCHIVE: TargetBacklog(queued=2)},
    )
    [finding] = said(BusFacts({ARCHIVE: ARCHIVE_TARGET}, waits), named=(ARCHIVE,))
    assert "no process reads its queue 'eventflow.archive', and 2" in finding.message
    assert finding.advice == "start `eventflow recorder`"


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param({"waiting": 4, "overdue": 10.5}, ["nobody-moves"], id="overdue"),
        pytest.param({"waiting": 4, "overdue": 9.5}, [], id="a little late"),
        pytest.param({"running": 1, "unreturned": 11.0}, ["nobody-moves"], id="a lease has ended"),
    ],
)
def test_a_schedule_that_nobody_moves_is_said(numbers, expected):
    """Retries that were due and leases that ended more than ten seconds ago are nobody's."""
    assert codes(bus(**numbers)) == expected


def test_the_late_are_told_apart():
    """A finding says whether retries are overdue or leases ended, and by how much."""
    [retries] = said(bus(waiting=4, overdue=75.0))
    assert retries.message == "4 retries wait, the first due 1m15s ago, and nobody moves it"
    [leases] = said(bus(running=2, unreturned=30.0))
    assert "to a worker whose lease ended 30s ago" in leases.message
    [_, alone] = said(bus(waiting=4, overdue=75.0), queues=())
    assert alone.advice == "start a router, or its worker: each moves what is due"


@pytest.mark.parametrize(
    ("more", "queues", "expected"),
    [
        pytest.param({"unrouted": 5, "unrouted_for": 61.0}, QUEUES, ["routing-late"], id="events"),
        pytest.param({"unrouted": 5, "unrouted_for": 59.0}, QUEUES, [], id="not for long"),
        pytest.param({"unrouted": 5, "unrouted_for": 61.0}, ("post",), [], id="no router: said so"),
        pytest.param(
            {"unrecorded": 5, "unrecorded_for": 61.0}, QUEUES, ["recording-late"], id="letters"
        ),
    ],
)
def test_what_waits_too_long_is_said(more, queues, expected):
    """A minute is much for a router, and for the recorder."""
    assert codes(bus(more=more), queues=queues) == expected


@pytest.mark.parametrize(
    ("limit", "facts"),
    [
        ("unrouted", bus(more={"unrouted": 10})),
        ("unrecorded", bus(more={"unrecorded": 10})),
        ("queued", bus(queued=4, parked=6)),
        ("waiting", bus(waiting=10)),
    ],
)
def test_a_limit_that_is_reached_is_said(limit, facts):
    """At the limit is over it; one more is room; and 0 is no limit."""
    name = f"alarm_{limit}"
    limits: dict[str, Any] = {name: 10}
    [finding] = said(facts, **limits)
    assert finding.code == f"{limit}-alarm"
    assert "the alarm is at 10" in finding.message
    assert f"EVENTFLOW_ALARM_{limit.upper()}" in finding.advice
    assert codes(facts, **{name: 11}) == []
    assert codes(facts, **{name: 0}) == []


@pytest.mark.parametrize(
    ("breaker", "expected"),
    [
        pytest.param(BreakerStatus(BreakerState.CLOSED), "", id="closed"),
        pytest.param(
            BreakerStatus(BreakerState.OPEN, calls=20, failed=12),
            "its circuit breaker is open (12 of 20 calls had failed), and 3 deliveries are parked",
            id="by itself",
        ),
        pytest.param(
            BreakerStatus(BreakerState.HALF_OPEN, reason="maintenance"),
            "its circuit breaker is half open (opened by hand, maintenance), and 3 deliveries are "
            "parked",
            id="by hand",
        ),
    ],
)
def test_an_open_breaker_is_said(breaker, expected):
    """A breaker that is not closed is a warning, with why and with what is parked."""
    facts = replace(bus(parked=3), breakers={"mail": breaker})
    assert [finding.message for finding in said(facts)] == ([expected] if expected else [])


def test_an_alarm_names_its_bus():
    """On another bus than the default one, the alarm says which."""
    [finding] = said(bus(), bus("lab", queued=10), alarm_queued=10)
    assert finding.message == (
        "10 deliveries are queued or parked on the bus 'lab', and the alarm is at 10"
    )
