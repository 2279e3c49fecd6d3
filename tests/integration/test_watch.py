"""The numbers and alarms of a bus, and the processes' reports, in a real Valkey."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from eventflow.delivery import (
    Acceptance,
    Level,
    ProcessBook,
    ProcessReport,
    RedisLedger,
    TargetBacklog,
    Watch,
    connect_redis,
    read_server,
)
from eventflow.errors import LedgerError
from eventflow.settings import Settings
from tests.contracts.ledger import TARGET, body_of, claim, letter_of, register

WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def watch(client: redis.Redis) -> Watch:
    """The watch of an empty bus."""
    return Watch(client, "default")


@pytest.fixture
def book(client: redis.Redis) -> ProcessBook:
    """An empty book of processes."""
    return ProcessBook(client)


def test_an_empty_bus_has_nothing_waiting(watch: Watch) -> None:
    """Where nothing was ever published, all numbers are zero."""
    backlog = watch.backlog([TARGET])
    assert (backlog.unrouted, backlog.unrouted_for, backlog.unrecorded) == (0, 0.0, 0)
    assert backlog.targets == {TARGET: TargetBacklog()}


def test_what_waits_is_counted_where_it_is(client: redis.Redis, watch: Watch) -> None:
    """Events, deliveries, leases and dead letters each have their number."""
    ledger = RedisLedger(client)
    for name in ("e1", "e2", "e3"):
        register(ledger, name, TARGET)
    ledger.accept([("e0", body_of("e0"), "lane")])
    claim(ledger, f"e1:{TARGET}")
    claim(ledger, f"e2:{TARGET}", lease=-30.0)
    client.zadd(f"eventflow:{{default}}:waiting:{TARGET}", {"x": time.time() - 60})
    ledger.bury([letter_of("e9")])
    backlog = watch.backlog(["other", TARGET])
    target = backlog.targets[TARGET]
    assert (backlog.unrouted, backlog.unrecorded) == (1, 1)
    client.zadd(f"eventflow:{{default}}:parked:{TARGET}", {"y": 1.0, "z": 2.0})
    assert watch.backlog([TARGET]).targets[TARGET].parked == 2
    assert (target.queued, target.running, target.waiting, target.parked) == (1, 2, 1, 0)
    assert 55 < target.overdue < 120
    assert 25 < target.unreturned < 90
    assert backlog.targets["other"] == TargetBacklog()


def test_an_alarm_is_told_once(client: redis.Redis, watch: Watch) -> None:
    """Of two who look, one is told that a limit is reached, and one that it is over."""
    other = Watch(client, "default")
    assert watch.update([Level("queued", "mail", 9, 10)]) == []
    [change] = watch.update([Level("queued", "mail", 10, 10)])
    assert (change.is_raised, change.level.target) == (True, "mail")
    assert other.update([Level("queued", "mail", 11, 10)]) == []
    [change] = other.update([Level("queued", "mail", 0, 10)])
    assert not change.is_raised
    assert change.lasted >= 0
    assert watch.update([Level("queued", "mail", 0, 10)]) == []


def test_an_alarm_does_not_flutter(watch: Watch) -> None:
    """A number about the limit raises it once; it is over under nine tenths."""
    numbers = (100, 99, 100, 90, 100, 89, 99, 100)
    told = [watch.update([Level("waiting", "mail", number, 100)]) for number in numbers]
    assert [[change.is_raised for change in changes] for changes in told] == [
        *([True], [], [], [], []),
        *([False], [], [True]),
    ]


def test_alarms_are_each_on_their_own(client: redis.Redis, watch: Watch) -> None:
    """Another target, another limit and another bus have alarms of their own."""
    levels = [Level("queued", "a", 5, 5), Level("queued", "b", 4, 5), Level("waiting", "a", 5, 5)]
    changes = watch.update(levels)
    assert [(change.level.limit, change.level.target) for change in changes] == [
        ("queued", "a"),
        ("waiting", "a"),
    ]
    assert len(Watch(client, "lab").update(levels)) == 2


def test_a_limit_that_is_taken_away_ends_its_alarm(watch: Watch) -> None:
    """Zero is no limit."""
    watch.update([Level("queued", "a", 5, 5)])
    assert [change.is_raised for change in watch.update([Level("queued", "a", 5, 0)])] == [False]


def test_no_more_is_accepted_than_may_wait(client: redis.Redis) -> None:
    """Beyond the bound new events are refused; known ones still are known, and room is used again."""
    ledger = RedisLedger(client, most=2)
    events = [(name, body_of(name), "lane") for name in ("e1", "e2", "e3")]
    assert ledger.accept(events) == [Acceptance.NEW, Acceptance.NEW, Acceptance.FULL]
    assert ledger.accept(events) == [Acceptance.PENDING, Acceptance.PENDING, Acceptance.FULL]
    assert not client.exists("eventflow:{default}:event:e3")
    ledger.finish_route("e1", "T", [], [])
    assert ledger.accept(events) == [Acceptance.DUPLICATE, Acceptance.PENDING, Acceptance.NEW]


def test_no_bound_is_none(client: redis.Redis) -> None:
    """Zero is no bound."""
    ledger = RedisLedger(client, most=0)
    assert ledger.accept([(f"e{n}", b"{}", "lane") for n in range(10)]) == [Acceptance.NEW] * 10


def report(identity: str = "mail@host:1", seen_at: float = 0.0, **facts: Any) -> ProcessReport:
    """Return a process's report."""
    name = identity.rpartition(":")[0]
    return ProcessReport(identity=identity, name=name, seen_at=seen_at, **facts)


def test_a_report_is_read_as_it_was_written(book: ProcessBook) -> None:
    """What a process says of itself comes back whole."""
    now, offset = book.clock()
    assert abs(offset) < 1.0
    said = report(seen_at=now, queues=("mail",), versions={"celery": "5.7.0"}, unable=("x",))
    book.report(said, 30.0)
    assert book.roster().alive == (said,)
    assert book.roster().vanished == {}


def test_a_report_that_is_removed_leaves_nothing(book: ProcessBook, client: redis.Redis) -> None:
    """Who stops in order is neither alive nor vanished."""
    book.report(report(seen_at=book.clock()[0]), 30.0)
    book.remove("mail@host:1")
    assert (book.roster().alive, book.roster().vanished) == ((), {})
    assert client.keys("*") == []


def test_who_stops_in_order_is_not_missed_for_an_earlier_end(
    book: ProcessBook, client: redis.Redis
) -> None:
    """A worker that was killed, came back and then stopped in order has not vanished; others have."""
    now, _ = book.clock()
    client.zadd("eventflow:processes", {"mail@host:0": now - 60, "post@host:0": now - 60})
    book.report(report(seen_at=now), 30.0)
    book.remove("mail@host:1")
    assert list(book.roster().vanished) == ["post@host:0"]


def test_a_report_expires(book: ProcessBook, wait_until: WaitUntil) -> None:
    """Who is killed is alive no more once its report has expired, and is remembered as vanished."""
    book.report(report(seen_at=book.clock()[0] - 100), 0.05)
    wait_until(lambda: book.roster().alive == ())
    [(identity, ago)] = book.roster().vanished.items()
    assert identity == "mail@host:1"
    assert 100 <= ago < 200


def test_who_vanished_is_forgotten_after_an_hour(book: ProcessBook, client: redis.Redis) -> None:
    """The next report of any process takes away who vanished more than an hour ago."""
    now, _ = book.clock()
    client.zadd("eventflow:processes", {"old@host:1": now - 3601})
    assert book.roster().vanished == {}
    book.report(report(seen_at=now), 30.0)
    assert client.zrange("eventflow:processes", 0, -1) == [b"mail@host:1"]


def test_a_report_of_another_version_is_passed_over(book: ProcessBook, client: redis.Redis) -> None:
    """What is more in a report is passed over; what cannot be read counts as nobody."""
    now, _ = book.clock()
    client.zadd("eventflow:processes", {"a@host:1": now, "b@host:1": now})
    client.set("eventflow:process:a@host:1", '{"identity":"a@host:1","name":"a@host","new":1}')
    client.set("eventflow:process:b@host:1", '{"queues":7}')
    assert [one.name for one in book.roster().alive] == ["a@host"]
    assert book.roster().vanished == {}


def test_a_server_tells_its_facts(server_settings: Settings) -> None:
    """The embedded server is as the ledger needs it."""
    client = connect_redis(server_settings.ledger_url, timeout=2.0)
    facts = read_server(client)
    assert facts.speaks >= (6, 2)
    assert (facts.appends, facts.fsync, facts.policy) == (True, "everysec", "noeviction")
    assert (facts.is_replica, facts.is_cluster, facts.writes_fail) == (False, False, "")
    assert facts.used > 0


def test_a_server_that_keeps_its_config_tells_the_rest(
    client: redis.Redis, server_settings: Settings
) -> None:
    """A user that may not ask CONFIG, as at a host, learns what INFO says, and that not all is known."""
    client.acl_setuser(
        "guest", enabled=True, nopass=True, categories=["+@all"], commands=["-config"]
    )
    try:
        guest = redis.Redis.from_url(server_settings.ledger_url, username="guest", password="x")
        facts = read_server(guest)
    finally:
        client.acl_deluser("guest")
    assert (facts.fsync, facts.snapshots, facts.appends) == (None, None, True)


def test_a_server_that_is_away_is_an_error_of_ours() -> None:
    """Each question to a server that is not there raises what says so."""
    client = connect_redis("redis://127.0.0.1:1/0", timeout=0.5)
    for ask in (
        lambda: read_server(client),
        lambda: ProcessBook(client).roster(),
        lambda: Watch(client, "default").backlog(["a"]),
    ):
        with pytest.raises(LedgerError, match=r"127\.0\.0\.1:1 cannot be used"):
            ask()
