"""The mover: when it looks again, and what it sends for what is due."""

from dataclasses import replace
from pathlib import Path

import pytest

from eventflow.app import EventFlow
from eventflow.delivery import Draw, Finish, MemoryLedger, Outcome, Planned, Routing
from eventflow.encoding import encode_event
from eventflow.events import Event
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.testing.parts import MemoryBroker
from eventflow.transport.messages import DELIVER
from eventflow.worker.mover import Mover
from tests.unit.worker.one_ledger import OneLedger

TARGET = Target(name="vendor", task="project.vendor")
INTERVAL = 30.0


class Scene:
    """A ledger with one target, whose retries movers move; both it and the broker are in memory."""

    def __init__(self, place: Path) -> None:
        settings = load_settings(data_dir=place, mover_interval=INTERVAL)
        self.ledger = MemoryLedger()
        self.broker = MemoryBroker()
        self.context = replace(
            EventFlow(settings).context,
            ledgers=OneLedger(settings, self.ledger),
            sender=self.broker,
        )
        self.ledger.announce({TARGET.name: TARGET.model_dump_json()})
        self._failed = 0

    def mover(self, *queues: str) -> Mover:
        """Return the mover of a process that reads these queues; of none, all."""
        return Mover(self.context, watches_rules=False, queues=frozenset(queues) or None)

    def fail(self, count: int, *, delay: float = 0.0) -> None:
        """Have so many deliveries fail, to be tried again after so many seconds."""
        numbers = range(self._failed, self._failed + count)
        self._failed += count
        body = encode_event(Event(source="s", type="T", data={}))
        self.ledger.accept([(f"e{number}", body, "lane") for number in numbers])
        planned = [Planned(TARGET.name, ("r",), None)]
        self.ledger.finish_routes([Routing(f"e{number}", "T", planned) for number in numbers])
        claims = self.ledger.claim(TARGET, [f"e{number}:vendor" for number in numbers], lease=60.0)
        failed = [
            Finish(one.delivery_id, one.attempt, Outcome.RETRY, delay=delay) for one in claims
        ]
        self.ledger.finish(TARGET, failed)
        self.answer()

    def answer(self) -> None:
        """Do as a worker does that takes a message, and finds nothing."""
        nothing = Draw(most=0, look=0, answers=True, patience=60.0)
        self.ledger.take(TARGET, [], nothing, lease=60.0, owner="w")

    def sent(self) -> list[int]:
        """Return how many deliveries each message names that was sent since the last time."""
        numbers = []
        while (message := self.broker.take([DELIVER])) is not None:
            _bus, _target, named = message.args
            assert isinstance(named, list)
            numbers.append(len(named))
        return numbers


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A target with nothing to do."""
    return Scene(tmp_path)


@pytest.mark.parametrize("queues", [(), ("vendor",), ("eventflow.route", "vendor")])
def test_who_reads_a_targets_queue_looks_when_its_next_is_due(
    scene: Scene, queues: tuple[str, ...]
) -> None:
    """A retry is moved in its moment by the workers of its own target."""
    scene.fail(1, delay=7)
    assert scene.mover(*queues).round() == pytest.approx(7, abs=1)


def test_a_router_looks_no_more_often_for_a_target_that_fails(scene: Scene) -> None:
    """It has work for all targets, and finds what is due in its usual rounds."""
    scene.fail(1, delay=7)
    assert INTERVAL == scene.mover("eventflow.route").round()
    scene.fail(1)
    scene.mover("eventflow.route").round()
    assert [1] == scene.sent()


def test_few_that_are_due_have_a_message_each(scene: Scene) -> None:
    """So that each shows as a task of its own."""
    mover = scene.mover("vendor")
    scene.fail(3)
    mover.round()
    scene.fail(2)
    mover.round()
    assert [1] * 5 == scene.sent()


def test_many_that_are_due_are_called_for_together(scene: Scene) -> None:
    """Also when they become due one after another: ten have messages, then one call is enough."""
    mover = scene.mover("vendor")
    scene.fail(11)
    scene.mover("vendor").round()
    assert [0] == scene.sent()
    scene.answer()
    for _ in range(10):
        scene.fail(1)
        mover.round()
    assert [1] * 10 == scene.sent()
    scene.fail(1)
    mover.round()
    mover.round()
    assert [0] == scene.sent()


def test_a_round_for_what_is_due_leaves_what_was_lost(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That costs calls of its own, and is never in a hurry."""
    looked: list[list[str]] = []

    def look(names: list[str]) -> dict[str, tuple[float, float]]:
        looked.append(names)
        return {}

    monkeypatch.setattr(scene.ledger, "stale", look)
    scene.fail(1)
    scene.mover("vendor").round(only_due=True)
    assert ([1], []) == (scene.sent(), looked)
    scene.mover("vendor").round()
    assert [["vendor"]] == looked
