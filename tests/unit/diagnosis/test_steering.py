"""What is said of pauses, of balances that are not even, and of workers that are stuck."""

from eventflow.delivery import (
    Backlog,
    Balance,
    CanaryStatus,
    Pause,
    ProcessReport,
    Roster,
    TargetBacklog,
)
from eventflow.diagnosis.steering import judge_canaries, judge_steering
from eventflow.diagnosis.targets import BusFacts
from eventflow.rules import Target

MAIL = Target(name="mail", task="x.mail")
NOW = 1_764_000_000.0
READER = ProcessReport(identity="mail@h:1", name="mail@h", queues=("mail",))


def facts(*, pause: Pause | None = None, balance: Balance | None = None) -> BusFacts:
    """Return a bus with one target."""
    backlog = Backlog("lab", 0, 0.0, 0, 0.0, {"mail": TargetBacklog(queued=1, parked=1200)})
    pauses = {"mail": pause} if pause is not None else {}
    balances = {balance.target: balance} if balance is not None else {}
    return BusFacts({"mail": MAIL}, backlog, {}, pauses, balances)


def said(*buses: BusFacts) -> list[str]:
    """Return the findings' texts."""
    return [str(finding) for finding in judge_steering(buses)]


def test_a_pause_is_a_note():
    """Since when, by whom, why, and how much waits; nothing is wrong."""
    [text] = said(facts(pause=Pause(NOW, "stock-taking", "ana@desk")))
    assert text == (
        "target mail: note target-paused: paused since 2025-11-24T16:00:00.000Z by ana@desk "
        "(stock-taking), and 1,201 deliveries wait: resume it when that is over: "
        "`eventflow targets resume mail`"
    )
    [plain] = said(facts(pause=Pause(NOW)))
    assert "paused since 2025-11-24T16:00:00.000Z, and" in plain


def test_an_even_balance_is_not_said():
    """What is all there is no finding."""
    assert said(facts(balance=Balance("mail", 7, 1, 1, 1, 1, 1, 2))) == []


def test_what_is_missing_is_said_with_its_number():
    """How many, on which bus, and how many records were gone."""
    [text] = said(facts(balance=Balance("mail", 1204, 1000, 0, 1, 0, 0, 200, vanished=2)))
    assert text.startswith(
        "target mail: error balance-difference: 3 deliveries are missing on the bus 'lab': "
        "1,204 registered, 1,201 accounted for; the records of 2 were gone: a router repairs"
    )
    assert text.endswith("`eventflow targets settle mail`")


def test_too_many_are_said_too():
    """A difference the other way round is none to be silent about; events are called events."""
    [text] = said(facts(balance=Balance("eventflow.route", 5, 4, 0, 2, 0, 0, 0)))
    assert "1 events are there that nobody registered on the bus 'lab'" in text


def test_a_stuck_queue_is_said_with_who_reads_it():
    """Whether its reader is alive or silent tells where to look."""
    stuck = CanaryStatus("mail", since=NOW - 75, readers=("mail@h:1",), stuck=NOW - 30)
    well = CanaryStatus("post", since=NOW - 5)
    again = CanaryStatus("spam", stuck=NOW - 30)
    alive = list(judge_canaries([stuck, well, again], Roster((READER,), {}), NOW))
    silent = list(judge_canaries([stuck, well], Roster((), {"mail@h:1": 40.0}), NOW))
    assert [(one.where, one.code) for one in alive + silent] == [("queue mail", "worker-stuck")] * 2
    assert alive[0].message == (
        "nothing is taken from it: a canary has been on its way for 1m15s, and mail@h reads it and "
        "is alive"
    )
    assert silent[0].message.endswith("and mail@h, which read it, says nothing any more")
