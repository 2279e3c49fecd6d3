"""A task makes what its message names, and then more: in lists, one after another, until its turn ends."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.delivery import Draw, MemoryLedger, Outcome, Planned, Routing, Taken
from eventflow.encoding import encode_event
from eventflow.errors import LedgerError
from eventflow.events import Event
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.subscribers import Delivery
from eventflow.testing.parts import MemoryBroker
from eventflow.transport import Message
from eventflow.transport.messages import DELIVER
from eventflow.worker import deliver as deliver_module
from eventflow.worker import turn
from eventflow.worker.deliver import make_deliveries
from eventflow.worker.fate import DeadLetterError
from eventflow.worker.made import Made
from tests.unit.worker.one_ledger import OneLedger

TARGET = Target.model_validate(
    {
        "name": "vendor",
        "task": "project.vendor",
        "retry": {"initial": "1h", "max": "1h"},
        "circuit_breaker": {"failure_rate": 0.1, "min_calls": 4},
    }
)


class Scene:
    """A worker of one target, whose ledger and broker are in memory."""

    def __init__(self, place: Path) -> None:
        settings = load_settings(data_dir=place)
        flow = EventFlow(settings)
        self.ledger = MemoryLedger()
        self.broker = MemoryBroker()
        self.made: list[str] = []
        self.meanwhile: Callable[[str], object] = lambda _: None
        self.context = replace(
            flow.context, ledgers=OneLedger(settings, self.ledger), sender=self.broker
        )
        self.ledger.announce({TARGET.name: TARGET.model_dump_json()})

        @flow.subscriber(TARGET.name)
        def vendor(event: Event, delivery: Delivery) -> None:
            self.made.append(delivery.id)
            self.meanwhile(delivery.id)

    def register(self, count: int, prefix: str = "e") -> list[str]:
        """Have so many deliveries queued; return their ids."""
        ids = [f"{prefix}{number}" for number in range(count)]
        body = encode_event(Event(source="s", type="T", data={}))
        self.ledger.accept([(event_id, body, "lane") for event_id in ids])
        planned = [Planned(TARGET.name, ("r",), None)]
        self.ledger.finish_routes([Routing(event_id, "T", planned) for event_id in ids])
        return [f"{event_id}:{TARGET.name}" for event_id in ids]

    def work(self, *ids: str, turn: float = 60.0) -> Made:
        """Do as a task does that is sent these ids."""
        return make_deliveries(self.context, "default", TARGET.name, ids, turn=turn)

    def grow(self) -> None:
        """Have the worker learn that its subscriber is quick."""
        self.context.paces.of("default", TARGET.name).took(0.001, 100)

    def sent(self) -> list[Message]:
        """Return what was sent since the last time."""
        messages = []
        while (message := self.broker.take([DELIVER])) is not None:
            messages.append(message)
        return messages


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A worker, at rest."""
    made = Scene(tmp_path)
    yield made
    made.context.stopping.clear()


def test_all_that_is_queued_is_made(scene: Scene) -> None:
    """One message that names one brings three hundred: each once, and in order."""
    ids = scene.register(300)
    made = scene.work(ids[0])
    assert ids == scene.made
    assert {"done": 300} == made.counts
    status = scene.ledger.status([TARGET.name])[TARGET.name]
    assert (300, 0, 0) == (status.delivered, status.queued, status.running)


def test_a_result_names_what_was_taken_along(scene: Scene) -> None:
    """By its event, so that it is found; of many, the first fifty."""
    ids = scene.register(4)
    assert {"done": 4, "also": "e0 e2 e3"} == scene.work(ids[1]).result()
    [identity] = scene.register(1, "alone")
    assert {"done": 1} == scene.work(identity).result()
    more = scene.register(100, "m")
    also = scene.work(more[0]).result()["also"]
    assert " ".join([f"m{number}" for number in range(1, 51)]) + " …" == also


def test_others_are_called_while_there_is_enough(scene: Scene) -> None:
    """One message, whatever is left: it names nothing, and who takes it takes what is queued."""
    ids = scene.register(50)
    scene.work(ids[0])
    [message] = scene.sent()
    assert ("default", TARGET.name, []) == message.args
    assert TARGET.queue == message.queue


def test_an_answer_that_was_lost_makes_nothing_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger had leased what the message names, and its answer broke off: asked again, it is made once."""
    take, answers = scene.ledger.take, iter([True])

    def take_and_lose(*arguments: Any, **options: Any) -> Taken:
        taken = take(*arguments, **options)
        if next(answers, False):
            raise LedgerError("the ledger cannot be reached") from redis.ConnectionError()
        return taken

    monkeypatch.setattr(scene.ledger, "take", take_and_lose)
    scene.grow()
    ids = scene.register(3)
    made = scene.work(*ids[:2])
    assert ids == scene.made
    assert {"done": 3} == made.counts


def test_a_single_one_has_its_own_task(scene: Scene) -> None:
    """With nothing else queued, nothing else is asked for, and nobody is called."""
    [identity] = scene.register(1)
    made = scene.work(identity)
    assert {"done": 1} == made.counts
    assert [] == scene.sent()
    assert {"passed over": 1} == scene.work(identity).counts


def test_a_turn_that_is_over_calls_another(scene: Scene) -> None:
    """What is left is somebody else's, and a message says so."""
    scene.context.paces.of("default", TARGET.name).took(0.0, 1)  # two at once
    ids = scene.register(3)
    assert {"done": 2} == scene.work(ids[0], turn=0.000_001).counts
    assert [[]] == [message.args[2] for message in scene.sent()]


def test_a_turn_that_is_over_calls_nobody_where_one_is_called(scene: Scene) -> None:
    """While a message is on its way, it does for what is left."""
    scene.context.paces.of("default", TARGET.name).took(0.0, 1)
    ids = scene.register(3)
    scene.meanwhile = lambda _: scene.ledger.call(TARGET.name, patience=0)
    assert {"done": 2} == scene.work(ids[0], turn=0.000_001).counts
    assert [] == scene.sent()


def test_nothing_more_is_taken_than_asked(scene: Scene) -> None:
    """Without a turn, what is named is all that is made."""
    ids = scene.register(3)
    scene.work(ids[1], turn=0.0)
    assert ids[1:2] == scene.made


def test_a_stop_gives_back_what_is_reserved(scene: Scene) -> None:
    """The delivery that runs is ended; of the others no attempt is counted, and another is called."""
    ids = scene.register(20)
    scene.grow()
    scene.meanwhile = lambda identity: scene.context.stopping.set() if identity == ids[4] else None
    made = scene.work(ids[0])
    assert ids[:5] == scene.made
    assert {"done": 5, "given back": 15} == made.counts
    assert sorted(ids[5:]) == sorted(scene.ledger.queued(TARGET.name, 100))
    assert {0} == {one.attempts for one in scene.ledger.progress(ids[5:]) if one}
    assert 1 == len(scene.sent())


def test_a_task_that_begins_in_a_stop_leaves_all(scene: Scene) -> None:
    """Its own message may be the one that counts as on its way: another is sent."""
    ids = scene.register(2)
    scene.context.stopping.set()
    assert {} == scene.work(ids[0]).counts
    assert 1 == len(scene.sent())


def test_a_call_that_comes_in_a_stop_keeps_nobody_waiting(scene: Scene) -> None:
    """What it was for is done, by others; but what is queued a moment later has a call of its own."""
    body = encode_event(Event(source="s", type="T", data={}))
    planned = [Planned(TARGET.name, ("r",), None)]

    def queue(event_id: str) -> frozenset[str]:
        scene.ledger.accept([(event_id, body, "lane")])
        return scene.ledger.finish_routes([Routing(event_id, "T", planned)]).called

    assert {TARGET.name} == queue("before")
    others = Draw(most=1, look=1, answers=False, patience=60)
    assert 1 == len(scene.ledger.take(TARGET, [], others, lease=60, owner="another").claims)
    scene.context.stopping.set()
    assert {} == scene.work().counts
    assert [] == scene.sent()
    assert {TARGET.name} == queue("after")


def test_a_breaker_that_opens_ends_the_list(scene: Scene) -> None:
    """The failure that opens it is the last call; the rest is parked, untried."""
    ids = scene.register(20)
    scene.grow()

    def fail(identity: str) -> None:
        if ids.index(identity) >= 4:
            raise OSError

    scene.meanwhile = fail
    made = scene.work(ids[0])
    assert ids[:5] == scene.made
    assert {"done": 4, "retry": 1, "given back": 15, "parked": 15} == made.counts
    status = scene.ledger.status([TARGET.name])[TARGET.name]
    assert (0, 0, 1, 15) == (status.queued, status.running, status.waiting, status.parked)


def test_each_failure_of_a_list_is_its_own(scene: Scene) -> None:
    """One is tried again, one is dead, and the others are delivered."""
    ids = scene.register(50)
    scene.grow()

    def fail(identity: str) -> None:
        if identity == ids[40]:
            raise OSError
        if identity == ids[45]:
            raise DeadLetterError

    scene.meanwhile = fail
    scene.work(ids[0])
    assert Counter(ids) == Counter(scene.made)
    made = scene.ledger.progress(ids)
    assert [ids[40], ids[45]] == [one for one, kept in zip(ids, made, strict=True) if kept]
    assert Outcome.RETRY.value not in scene.work(*ids).counts


def test_what_has_waited_too_long_in_a_list_is_given_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery that takes long keeps those behind it for nobody."""
    monkeypatch.setattr(deliver_module, "_FRESH", -1.0)
    ids = scene.register(20)
    scene.grow()
    made = scene.work(ids[0], turn=0.000_001)
    assert ids[:1] == scene.made
    assert {"done": 1, "given back": 19} == made.counts


def test_what_comes_meanwhile_is_made_by_the_same_task(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a list a task waits a moment; nobody is called for what comes in it."""
    ids = scene.register(2)
    later: list[str] = []

    def sleep(_: float) -> None:
        later.extend([] if later else scene.register(3, "later"))

    monkeypatch.setattr(turn, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    monkeypatch.setattr(turn, "STAY", 60.0)
    scene.context.reads_one_queue = True
    scene.grow()
    assert {"done": 5} == scene.work(ids[0]).counts
    assert [*ids, *later] == scene.made
    assert [] == scene.sent()


def test_a_turn_is_short_enough_for_others() -> None:
    """A queue's canary and its other targets wait no longer than a breath."""
    assert 0.1 <= turn.TURN <= 2.0
