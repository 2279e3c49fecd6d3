"""The relay's loop: what is away is waited for, and a request to stop is heeded."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import pytest

from eventflow.errors import PublishError, StoreError
from eventflow.publishing import OutboxRow, Relay, RelayPolicy, relay
from tests.contracts.outbox import Published, body_of


class Rows:
    """An outbox of a list, whose every wait is counted and may do something."""

    def __init__(self, *identities: str) -> None:
        self.rows: Sequence[OutboxRow] = [
            OutboxRow(number, "", body_of(name), 0) for number, name in enumerate(identities)
        ]
        self.waits = 0
        self.closed = 0
        self.purged: list[float] = []
        self.when_waiting: Callable[[], None] = lambda: None
        self.errors: list[Exception] = []

    @contextmanager
    def claim(self, limit: int) -> Iterator[Self]:
        if self.errors:
            raise self.errors.pop(0)
        yield self

    def published(self, rows: Sequence[OutboxRow]) -> None:
        self.rows = [row for row in self.rows if row not in rows]

    def postponed(self, row: OutboxRow, reason: str, seconds: float) -> None:
        raise AssertionError

    def failed(self, row: OutboxRow, reason: str) -> None:
        self.published([row])

    def wait(self, seconds: float) -> None:
        self.waits += 1
        self.when_waiting()

    def purge(self, age: float, limit: int) -> int:
        self.purged.append(age)
        return 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause for hardly any time."""
    monkeypatch.setattr(relay, "_FIRST_PAUSE", 0.001)


def test_it_runs_until_it_is_stopped() -> None:
    """It publishes what there is, waits for more, and closes its connections in the end."""
    rows, published = Rows("e1"), Published()
    runner = Relay(rows, published)

    def more() -> None:
        rows.rows = [OutboxRow(9, "", body_of("e2"), 0)]
        if rows.waits == 2:
            runner.stop()

    rows.when_waiting = more
    assert 2 == runner.run().published
    assert (["e1", "e2"], 2, 1) == (published.ids, rows.waits, rows.closed)


@pytest.mark.parametrize(
    "error", [StoreError("the database is away"), ZeroDivisionError("what nobody foresaw")]
)
def test_it_outlives_what_it_meets(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A database that is away, or a fault, is logged and tried again on a new connection."""
    rows, published = Rows("e1"), Published()
    rows.errors = [error, error, error]
    runner = Relay(rows, published)
    rows.when_waiting = runner.stop
    with caplog.at_level(logging.INFO, "eventflow.relay"):
        assert 1 == runner.run().published
    assert 4 == rows.closed
    actions = [record.__dict__["action"] for record in caplog.records]
    assert {"relay_waits", "relay_resumed"} == set(actions)
    assert "relay_resumed" == actions[-1]


def test_an_outage_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A ledger that is away for many tries is one warning, and one line when it is back."""
    rows, published = Rows("e1"), Published()
    rows.errors = [PublishError("away")] * 5
    runner = Relay(rows, published)
    rows.when_waiting = runner.stop
    with caplog.at_level(logging.INFO, "eventflow.relay"):
        runner.run()
    assert ["relay_waits", "relay_resumed"] == [
        record.__dict__["action"] for record in caplog.records
    ]


def test_what_goes_in_part_is_counted() -> None:
    """Of a list that the ledger takes in part, that part counts as published."""
    rows, published = Rows("e1", "e2", "e3"), Published()
    published.room = 2
    runner = Relay(rows, published)
    rows.when_waiting = runner.stop
    assert 3 == runner.run().published
    assert ["e1", "e2", "e3"] == published.ids


def test_it_stops_in_the_middle_of_an_outage() -> None:
    """A request to stop is heeded between two tries."""
    rows, published = Rows("e1"), Published()
    runner = Relay(rows, published)

    def fail(_: object) -> None:
        runner.stop()
        raise PublishError("away", [], ["e1"])

    runner = Relay(rows, fail)
    assert 0 == runner.run().published
    assert 1 == len(rows.rows)


def test_it_stops_in_the_middle_of_a_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """However seldom it is to look, it waits in short parts, between which it heeds a request."""
    monkeypatch.setattr(relay, "_LONGEST_WAIT", 0.01)
    rows = Rows()
    runner = Relay(rows, Published(), RelayPolicy(poll=3600.0))

    def wait() -> None:
        time.sleep(0.01)
        if rows.waits == 3:
            runner.stop()

    rows.when_waiting = wait
    runner.run()
    assert 3 == rows.waits


def test_old_rows_are_deleted_when_there_is_time() -> None:
    """Once nothing waits, and then once a minute."""
    now = [1_000.0]
    rows = Rows()
    runner = Relay(rows, Published(), RelayPolicy(retention=0.0), clock=lambda: now[0])

    def later() -> None:
        now[0] += 25
        if rows.waits == 6:
            runner.stop()

    rows.when_waiting = later
    runner.run()
    assert [0.0, 0.0] == rows.purged
