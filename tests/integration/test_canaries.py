"""When a canary is sent, and what is made of one that is not answered."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.delivery import CanaryStatus, ProcessReport
from eventflow.settings import Settings
from eventflow.worker.canary import Canaries, answer_canary
from tests.contracts.ledger import TARGET, VENDOR, register

WaitUntil = Callable[[Callable[[], bool]], None]
READER = {"identity": "one@h:1", "name": "one@h", "queues": (TARGET,), "answers_canaries": True}


class Watched:
    """A queue as the overseer sees it, with processes that only report themselves."""

    def __init__(self, settings: Settings, **changes: Any) -> None:
        values = {"canary_interval": 0.01, "canary_patience": 0.1, **changes}
        self.flow = EventFlow(settings.with_changes(**values))
        self.context = self.flow.context
        self.ledger = self.context.ledgers.of("default")
        self.ledger.announce({TARGET: VENDOR.model_dump_json()})
        self.canaries = Canaries(self.context)

    def report(self, **facts: Any) -> None:
        """Have a process report itself."""
        book = self.context.ledgers.processes()
        now, _ = book.clock()
        report = ProcessReport(**{**READER, "seen_at": now, **facts})
        book.report(report, 30)

    @property
    def status(self) -> CanaryStatus:
        """What is known of the queue's canary."""
        known = self.context.ledgers.canaries().read()
        return known.get(TARGET, CanaryStatus(TARGET))

    @property
    def depth(self) -> int:
        """How many messages are on the queue."""
        return self.context.sender.depth(TARGET)

    def look(self) -> bool:
        """Look, and return whether the queue counts as stuck."""
        self.canaries.look()
        return self.status.stuck > 0

    def is_late(self) -> bool:
        """Whether a canary has been on its way for twice the patience."""
        now, _ = self.context.ledgers.processes().clock()
        return self.status.since > 0 and now - self.status.since > 0.2


@pytest.fixture
def watched(client: redis.Redis, server_settings: Settings) -> Watched:
    """A queue that one process reads."""
    found = Watched(server_settings)
    found.report()
    return found


def test_one_canary_is_on_its_way(watched: Watched, wait_until: WaitUntil) -> None:
    """However often is looked, none is sent behind one that is still on its queue."""
    watched.look()
    assert watched.depth == 1
    since = watched.status.since
    wait_until(lambda: watched.look() or watched.depth > 1)
    assert watched.depth == 1
    assert watched.status.since == since


def test_a_lost_canary_is_sent_again(
    watched: Watched, client: redis.Redis, wait_until: WaitUntil
) -> None:
    """One that is on no queue may be lost: another is sent, and the time counts from the first."""
    watched.look()
    since = watched.status.since
    client.delete(TARGET)
    wait_until(lambda: bool(watched.look() or watched.depth))
    assert watched.depth == 1
    assert watched.status.since == since


def test_the_next_comes_after_its_interval(client: redis.Redis, server_settings: Settings) -> None:
    """An answer ends the wait, and the next canary is not sent at once."""
    watched = Watched(server_settings, canary_interval=600.0)
    watched.report()
    watched.look()
    client.delete(TARGET)
    answer_canary(watched.context, TARGET, 0.0)
    watched.look()
    assert watched.depth == 0
    assert watched.status.since == 0
    assert watched.status.answered >= watched.status.sent


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"answers_canaries": False}, id="an older version"),
        pytest.param({"queues": ("other",)}, id="another queue"),
    ],
)
def test_none_is_sent_to_who_would_not_answer(
    client: redis.Redis, server_settings: Settings, facts: dict[str, Any]
) -> None:
    """A worker that knows no canaries would make dead letters of them; a queue nobody reads keeps none."""
    watched = Watched(server_settings)
    watched.report(**facts)
    watched.look()
    assert watched.depth == 0


def test_the_silent_are_stuck_until_they_answer(
    watched: Watched, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    """Each change is said once, with the queue and its workers."""
    with caplog.at_level(logging.WARNING, "eventflow.canary"):
        wait_until(watched.look)
        watched.look()
        answer_canary(watched.context, TARGET, 0.0)
        wait_until(lambda: not watched.look())
    said = [(vars(one)["action"], vars(one)["queue"]) for one in caplog.records]
    assert said == [("worker_stuck", TARGET), ("worker_recovered", TARGET)]
    assert vars(caplog.records[0])["workers"] == ["one@h"]


def test_a_backlog_that_moves_is_not_stuck(watched: Watched, wait_until: WaitUntil) -> None:
    """While claims go on, the canary stands in line."""
    number = 0

    def work() -> bool:
        nonlocal number
        number += 1
        [identity] = register(watched.ledger, f"e{number}", TARGET)
        [claim] = watched.ledger.claim(VENDOR, [identity], lease=0.001, owner="two@h:1:x")
        assert claim.attempt == 1
        assert not watched.look()
        return watched.is_late()

    wait_until(work)


@pytest.mark.parametrize("owner", ["one@h:77:token:1", "two@h:77:token:1"])
def test_a_lease_of_its_reader_is_work(watched: Watched, wait_until: WaitUntil, owner: str) -> None:
    """A delivery that runs within its time keeps its worker busy, and no other worker."""
    [identity] = register(watched.ledger, "e1", TARGET)
    watched.ledger.claim(VENDOR, [identity], lease=30, owner=owner)
    watched.look()
    wait_until(lambda: watched.look() or (owner.startswith("one") and watched.is_late()))
    assert watched.look() == owner.startswith("two")


def test_tasks_of_another_kind_are_work(watched: Watched, wait_until: WaitUntil) -> None:
    """A joined app's own task may take as long as it takes."""
    watched.report(other_tasks_running=1)
    wait_until(lambda: watched.look() or watched.is_late())
    assert not watched.look()
    watched.report(other_tasks_running=0)
    wait_until(watched.look)


def test_who_has_just_begun_is_given_time(watched: Watched, wait_until: WaitUntil) -> None:
    """A canary that waited for a worker is not held against it."""
    watched.look()
    wait_until(watched.is_late)
    now, _ = watched.context.ledgers.processes().clock()
    watched.report(started_at=now + 0.05)
    assert not watched.look()


def test_who_stops_in_order_is_not_missed(watched: Watched, wait_until: WaitUntil) -> None:
    """Where nobody reads any more, the canary that was left is forgotten; its queue is said elsewhere."""
    watched.look()
    watched.context.ledgers.processes().remove("one@h:1")
    wait_until(lambda: watched.look() or watched.status.since == 0)
    assert watched.status == CanaryStatus(TARGET)


def test_who_vanishes_is_missed(
    watched: Watched, client: redis.Redis, wait_until: WaitUntil
) -> None:
    """A worker whose report ends without a word, as that of a frozen one does, is stuck."""
    watched.look()
    client.delete("eventflow:process:one@h:1")
    wait_until(watched.look)
