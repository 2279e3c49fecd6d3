"""Deliveries of an async subscriber, many at once in one loop, on a ledger in memory."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from celery.exceptions import Ignore
from celery.exceptions import Retry as CeleryRetry

from eventflow.app import EventFlow
from eventflow.delivery import Draw, MemoryLedger, Planned, Taken
from eventflow.encoding import encode_event
from eventflow.errors import LedgerError, Refuse
from eventflow.events import Event, delivery_id
from eventflow.rules import CircuitBreaker, RetryPolicy, Target
from eventflow.settings import load_settings
from eventflow.subscribers import Delivery
from eventflow.testing.parts import MemoryBroker
from eventflow.worker import async_call, async_deliver, loop_watch
from eventflow.worker.async_deliver import at_once, lease_at_once
from eventflow.worker.deliver import deliver
from eventflow.worker.loop_pace import LoopPace
from tests.unit.worker.one_ledger import OneLedger

VENDOR = "vendor"


class Scene:
    """A worker of one async subscriber, whose ledger is in memory."""

    def __init__(self, place: Path) -> None:
        settings = load_settings(data_dir=place)
        self.ledger = MemoryLedger("default", window=60, most=0, clock=time.time)
        self.broker = MemoryBroker()
        self.flow = EventFlow(settings)
        self.context = replace(
            self.flow.context,
            ledgers=OneLedger(settings, self.ledger),
            sender=self.broker,
            chance=lambda: 1.0,
        )
        self.called: list[str] = []
        self.in_flight = self.most = 0

    def subscribe(
        self, act: Callable[[Event, Delivery], Awaitable[None]], **policy: object
    ) -> None:
        """Bind a subscriber that counts how many of its calls are under way."""

        @self.flow.subscriber(VENDOR)
        async def vendor(event: Event, delivery: Delivery) -> None:
            self.called.append(event.id)
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            try:
                await act(event, delivery)
            finally:
                self.in_flight -= 1

        target = Target(name=VENDOR, task="vendor", **policy)
        self.ledger.announce({VENDOR: target.model_dump_json()})

    def queue(self, count: int, first: int = 0) -> list[str]:
        """Have events accepted and routed; return the ids of their deliveries."""
        ids = []
        for number in range(first, first + count):
            event = Event(id=f"e{number}", source="test", type="T", data={"number": number})
            self.ledger.accept([(event.id, encode_event(event), "lane")])
            self.ledger.begin_route(1, lease=10)
            self.ledger.finish_route(event.id, "T", [Planned(VENDOR, ("rule",), None)], [])
            ids.append(delivery_id(event.id, VENDOR))
        return ids

    def calls(self) -> list[list[str]]:
        """Take the messages that were sent to the target; return what each names."""
        messages = iter(lambda: self.broker.take(["eventflow.deliver"], VENDOR), None)
        return [cast("list[str]", message.args[2]) for message in messages]

    def deliver(self, ids: Sequence[str]) -> dict[str, int | str]:
        """Run the task of a message that names these; return what became of deliveries."""
        result = deliver(self.context, "default", VENDOR, ids)
        result.pop("also", None)
        return result


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A worker whose loop has shown that it carries as many as are allowed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(LoopPace, "allowed", property(lambda pace: pace.most))
    loop_watch._said.clear()
    yield Scene(tmp_path)
    async_call.own_loop().close()


async def nap(_event: Event, _delivery: Delivery) -> None:
    """Call a vendor that takes a while."""
    await asyncio.sleep(0.02)


def test_many_are_in_flight_at_once(scene: Scene) -> None:
    """As many as the target allows, and never more, though the message names more."""
    scene.subscribe(nap, concurrency=7)
    counts = scene.deliver(scene.queue(30))
    assert counts == {"done": 30}
    assert scene.most == 7
    assert scene.ledger.status([VENDOR])[VENDOR].delivered == 30


def test_free_slots_take_more_of_what_is_queued(scene: Scene) -> None:
    """A message that names one delivery brings all that are queued, the oldest first."""
    scene.subscribe(nap, concurrency=10)
    ids = scene.queue(25)
    counts = scene.deliver(ids[-1:])
    assert counts == {"done": 25}
    assert scene.most == 10
    assert scene.called[:10] == ["e24", *(f"e{number}" for number in range(9))]


def test_a_turn_ends(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the rest stays queued, and another task is called: other queues have their turn."""
    monkeypatch.setattr(async_deliver, "TURN", 0.0)
    scene.subscribe(nap, concurrency=2)
    scene.deliver(scene.queue(10)[:1])
    assert scene.called == ["e0", "e1"]
    assert scene.ledger.status([VENDOR])[VENDOR].queued == 8
    assert scene.calls() == [[]]


def test_each_concerns_itself_alone(scene: Scene) -> None:
    """Raising, refusing, cancelling itself, being slow: what runs beside is delivered."""

    async def act(event: Event, _delivery: Delivery) -> None:
        match event.data["number"]:
            case 1:
                raise OSError("no route")
            case 2:
                raise Refuse("unknown door")
            case 3:
                raise asyncio.CancelledError
            case 4:
                await asyncio.sleep(60)
        await asyncio.sleep(0.02)

    scene.subscribe(act, timeout=0.1)
    counts = scene.deliver(scene.queue(10))
    assert counts == {"done": 6, "retry": 3, "dead": 1}
    waiting = {one.delivery_id: one.error_type for one in scene.ledger.waiting(VENDOR, 10)}
    assert waiting == {
        "e1:vendor": "OSError",
        "e3:vendor": "CancelledError",
        "e4:vendor": "DeliveryTimeout",
    }


def test_a_hanging_one_leaves_the_other_slots_at_work(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it hangs, beyond the task's turn, more is taken; then the task ends."""
    monkeypatch.setattr(async_deliver, "TURN", 0.05)

    async def act(event: Event, _delivery: Delivery) -> None:
        if event.id == "e0":
            scene.queue(20, first=1)
            await asyncio.sleep(60)

    scene.subscribe(act, timeout=0.3, concurrency=2)
    assert scene.deliver([*scene.queue(1), "e-unknown:vendor"]) == {
        "done": 20,
        "retry": 1,
        "passed over": 1,
    }


def test_one_that_ignores_its_cancellation_is_left_behind(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again like any other that took too long, which is said."""
    monkeypatch.setattr(async_call, "CANCEL_GRACE", 0.05)

    async def act(event: Event, _delivery: Delivery) -> None:
        while event.id == "e0":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    scene.subscribe(act, timeout=0.05)
    before = async_call.own_loop()
    assert scene.deliver(scene.queue(3)) == {"done": 2, "retry": 1}
    assert "goes on although it was cancelled" in caplog.text
    assert before is not async_call.own_loop()


def test_a_request_to_exit_waits_for_what_runs_beside(scene: Scene) -> None:
    """The others end first; the one that asked keeps its lease, and so is charged with the end."""

    async def act(event: Event, _delivery: Delivery) -> None:
        if event.id == "e0":
            raise SystemExit(3)
        await asyncio.sleep(0.05)

    scene.subscribe(act)
    with pytest.raises(SystemExit):
        scene.deliver(scene.queue(5))
    status = scene.ledger.status([VENDOR])[VENDOR]
    assert (status.delivered, status.running) == (4, 1)


def test_each_has_a_context_of_its_own(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """What one call sets, no other sees; and what each logs carries its own ids."""
    caplog.set_level(logging.INFO, "eventflow.deliver")
    variable: ContextVar[str] = ContextVar("who", default="nobody")
    seen: list[bool] = []

    async def act(event: Event, _delivery: Delivery) -> None:
        seen.append(variable.get() == "nobody")
        variable.set(event.id)
        await asyncio.sleep(0.01)
        seen.append(variable.get() == event.id)

    scene.subscribe(act)
    scene.deliver(scene.queue(5))
    assert seen == [True] * 10


def test_a_worker_that_stops_ends_what_runs_and_takes_no_more(scene: Scene) -> None:
    """What is queued stays there, and another worker is called for it."""

    async def act(_event: Event, _delivery: Delivery) -> None:
        scene.context.stopping.set()
        await asyncio.sleep(0.02)

    scene.subscribe(act, concurrency=3)
    assert scene.deliver(scene.queue(12)[:8]) == {"done": 3}
    assert scene.ledger.status([VENDOR])[VENDOR].queued == 9
    assert [] in scene.calls()


def test_what_is_claimed_when_the_stop_comes_is_made(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would else stay leased to a process that is gone."""
    take = scene.ledger.take

    def take_and_stop(*arguments: Any, **options: Any) -> Taken:
        taken = take(*arguments, **options)
        scene.context.stopping.set()
        return taken

    monkeypatch.setattr(scene.ledger, "take", take_and_stop)
    scene.subscribe(nap)
    assert scene.deliver(scene.queue(3)) == {"done": 3}


def test_what_holds_one_back_holds_its_neighbours_back(scene: Scene) -> None:
    """A breaker that opens meanwhile parks the rest of the message, and nothing more is taken."""

    async def act(_event: Event, _delivery: Delivery) -> None:
        raise OSError("down")

    scene.subscribe(act, concurrency=2, circuit_breaker=CircuitBreaker(min_calls=2))
    counts = scene.deliver(scene.queue(10))
    assert counts == {"retry": 2, "parked": 8}
    assert scene.ledger.status([VENDOR])[VENDOR].parked == 8


def test_max_in_flight_bounds_it_too(scene: Scene) -> None:
    """No more are claimed than may be in flight, so that none is parked for nothing."""
    scene.subscribe(nap, concurrency=50, max_in_flight=3)
    assert scene.deliver(scene.queue(9)) == {"done": 9}
    assert scene.most == 3


def test_one_that_has_ended_a_worker_runs_alone(scene: Scene) -> None:
    """Named or found: it waits until nothing runs beside it."""
    beside: dict[str, int] = {}

    async def act(event: Event, _delivery: Delivery) -> None:
        beside[event.id] = scene.in_flight
        await asyncio.sleep(0.02)
        beside[event.id] = max(beside[event.id], scene.in_flight)

    scene.subscribe(act)
    ids = scene.queue(6)
    target = scene.context.book.get("default", VENDOR)
    scene.ledger.claim(target, ids[:2], lease=60, owner="gone")
    scene.ledger.lost(VENDOR, owner="gone", delay=0, error="killed")
    scene.ledger.move([target], 10)
    assert scene.deliver(ids[:1]) == {"done": 6}
    assert (beside["e0"], beside["e1"]) == (1, 1)
    assert max(beside.values()) == 4


@pytest.mark.parametrize("lost", [1, 2])
def test_an_answer_that_was_lost_begins_nothing_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """The ledger says once more what is named or runs here; what it had drawn beside begins then."""
    take = scene.ledger.take
    draws: list[Draw] = []

    def take_and_lose(target: Target, ids: Sequence[str], draw: Draw, **options: Any) -> Taken:
        draws.append(draw)
        taken = take(target, ids, draw, **options)
        if len(draws) == lost:
            raise LedgerError("the ledger cannot be reached") from redis.ConnectionError()
        return taken

    monkeypatch.setattr(scene.ledger, "take", take_and_lose)

    async def act(event: Event, _delivery: Delivery) -> None:
        if event.id == "e0":
            scene.queue(5, first=1)
        await asyncio.sleep(0.2)

    scene.subscribe(act, concurrency=4)
    assert scene.deliver(scene.queue(1)) == {"done": 6}
    assert [draw.repeats for draw in draws[:3]] == [number == lost for number in range(3)]
    assert sorted(scene.called) == [f"e{number}" for number in range(6)]
    assert scene.most == 4


def test_a_single_one_is_shown_for_what_it_is(scene: Scene) -> None:
    """Celery shows the fate of the one that the message named, whatever else was made."""

    async def act(event: Event, _delivery: Delivery) -> None:
        if event.id == "e0":
            raise OSError("no route")

    scene.subscribe(act)
    ids = scene.queue(3)
    with pytest.raises(CeleryRetry):
        scene.deliver(ids[:1])
    assert sorted(scene.called) == ["e0", "e1", "e2"]
    with pytest.raises(Ignore):
        scene.deliver(ids[1:2])


def test_a_blocking_call_is_said_and_ended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the target and the line; the call ends at its timeout, the others go on."""
    monkeypatch.setattr(loop_watch, "MOST_LAG", 0.05)
    monkeypatch.setattr(async_deliver, "CANCEL_GRACE", 0.1)

    async def act(event: Event, _delivery: Delivery) -> None:
        if event.id == "e1":
            time.sleep(60)  # noqa: ASYNC251 - the fault that is tested
        await asyncio.sleep(0.01)

    scene.subscribe(act, timeout=0.3)
    assert scene.deliver(scene.queue(4)) == {"done": 3, "retry": 1}
    assert "the async subscriber of target vendor blocks its loop" in caplog.text
    assert f"in {__file__}:" in caplog.text
    [waiting] = scene.ledger.waiting(VENDOR, 10)
    assert (waiting.delivery_id, waiting.error_type) == ("e1:vendor", "DeliveryTimeout")


def test_a_blocking_call_is_ended_in_a_pool_of_threads_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No signal comes to a thread; there it ends at its next instruction."""
    monkeypatch.setattr(async_deliver, "CANCEL_GRACE", 0.1)

    async def act(event: Event, _delivery: Delivery) -> None:
        while event.id == "e1":
            time.sleep(0.01)  # noqa: ASYNC251 - the fault that is tested
        await asyncio.sleep(0.01)

    def work() -> dict[str, int | str]:
        try:
            return scene.deliver(scene.queue(4))
        finally:
            async_call.own_loop().close()

    scene.subscribe(act, timeout=0.3)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == {"done": 3, "retry": 1}
    [waiting] = scene.ledger.waiting(VENDOR, 10)
    assert waiting.error == "the subscriber ran longer than its timeout of 300ms"


def test_where_it_is_one_at_a_time(scene: Scene) -> None:
    """Of a plain function, and where a crash could not be told from a neighbour's."""

    @scene.flow.subscriber("plain")
    def plain(event: Event) -> None: ...

    scene.subscribe(nap)
    target = Target(name=VENDOR, task="vendor")
    vendor = scene.context.subscribers.get(VENDOR)
    strict = target.model_copy(update={"retry": RetryPolicy(max_crashes=1)})
    assert at_once(target, vendor) == 20
    assert at_once(strict, vendor) == 1
    assert at_once(target, scene.context.subscribers.get("plain")) == 1
    assert at_once(target, None) == 1


def test_a_lease_outlasts_a_neighbour_that_blocks() -> None:
    """A call may be as old as its timeout when another blocks the loop for as long."""
    target = Target(name=VENDOR, task="vendor", timeout=30)
    assert lease_at_once(target, 10) > 2 * (target.timeout + async_call.CANCEL_GRACE) + 10
