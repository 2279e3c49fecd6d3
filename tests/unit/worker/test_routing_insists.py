"""A router waits for a ledger that is away, with what it was handed, and goes on where it was."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from eventflow.app import EventFlow
from eventflow.delivery import MemoryLedger
from eventflow.encoding import encode_event
from eventflow.errors import LedgerError
from eventflow.events import Event
from eventflow.settings import load_settings
from eventflow.testing.parts import MemoryBroker
from eventflow.worker import route
from eventflow.worker.route import route_events
from tests.unit.worker.one_ledger import OneLedger

RULES = """
targets:
  vendor: {task: project.vendor}
rules:
  all: {pattern: {source: [s]}, targets: [vendor]}
"""


class _Away:
    """Has a call of the ledger fail for some times, as when the server is restarted."""

    def __init__(self, call: Callable[..., Any], times: int) -> None:
        self.times = times
        self._call = call

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self.times:
            self.times -= 1
            raise LedgerError("the ledger cannot be reached") from redis.ConnectionError()
        return self._call(*arguments, **options)


class Scene:
    """A router whose ledger and broker are in memory, and two events for it."""

    def __init__(self, place: Path) -> None:
        (place / "rules.yaml").write_text(RULES)
        settings = load_settings(data_dir=place, rules=place / "rules.yaml")
        self.ledger = MemoryLedger()
        self.context = replace(
            EventFlow(settings).context,
            ledgers=OneLedger(settings, self.ledger),
            sender=MemoryBroker(),
        )
        body = encode_event(Event(source="s", type="T", data={}))
        self.ledger.accept([(event_id, body, "lane") for event_id in ("e1", "e2")])

    def route(self) -> dict[str, int | str]:
        """Do as a task does that is sent one of them."""
        return route_events(self.context, "default", ["e1"])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A router, at rest."""
    return Scene(tmp_path)


@pytest.mark.parametrize("step", ["take_routes", "finish_routes"])
def test_a_ledger_that_comes_back_is_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """All is routed by the same task, at its first attempt: nothing waits until its lease is over."""
    away = _Away(getattr(scene.ledger, step), 2)
    monkeypatch.setattr(scene.ledger, step, away)

    assert scene.route() == {"events": 2, "deliveries": 2, "dead_letters": 0, "also": "e2"}
    assert away.times == 0
    status = scene.ledger.status(["vendor"])["vendor"]
    assert (status.queued, scene.ledger.begin_route(9, lease=1)) == (2, [])


def test_a_router_that_stops_waits_no_more(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its events are routed by another, once its lease is over."""
    away = _Away(scene.ledger.finish_routes, 9)
    monkeypatch.setattr(scene.ledger, "finish_routes", away)
    take = scene.ledger.take_routes

    def take_and_stop(*arguments: Any, **options: Any) -> Any:
        scene.context.stopping.set()
        return take(*arguments, **options)

    monkeypatch.setattr(scene.ledger, "take_routes", take_and_stop)
    try:
        with pytest.raises(LedgerError, match="cannot be reached"):
            scene.route()
    finally:
        scene.context.stopping.clear()
    assert away.times == 8


def test_it_waits_no_longer_than_its_events_are_its_own(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it planned may be by older rules: after its lease it is planned anew, by whoever is next."""
    now = iter([0.0, 4.0, 9.0, 10.5])
    monkeypatch.setattr(route, "time", SimpleNamespace(monotonic=lambda: next(now), time=time.time))
    away = _Away(scene.ledger.finish_routes, 9)
    monkeypatch.setattr(scene.ledger, "finish_routes", away)

    assert scene.context.settings.route_lease == 10
    with pytest.raises(LedgerError, match="cannot be reached"):
        scene.route()
    assert away.times == 9 - 3


def test_a_ledger_that_refuses_is_not_asked_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it answers would be the same each time."""

    def refuse(*_: Any, **__: Any) -> Any:
        message = "this user may not"
        raise LedgerError(message) from redis.exceptions.NoPermissionError()

    monkeypatch.setattr(scene.ledger, "finish_routes", refuse)
    with pytest.raises(LedgerError, match="this user may not"):
        scene.route()
