"""A task waits for more where more comes, for a moment, and never for long."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from eventflow.app import EventFlow
from eventflow.settings import load_settings
from eventflow.worker import turn as turn_module
from eventflow.worker.lifecycle import _Lifecycle
from eventflow.worker.turn import LONGEST, MOMENT, STAY, Turn


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, each time; the clock goes on by that, and by nothing else."""
    waits: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(waits), sleep=waits.append)
    monkeypatch.setattr(turn_module, "time", clock)
    return waits


def test_a_single_one_is_not_waited_after(slept: list[float]) -> None:
    """At low load a task ends at once, and so does one that found nothing."""
    own = Turn(1.0, waits=True)
    assert [False, False] == [own.wait(1), own.wait(0)]
    assert [] == slept


def test_after_a_list_there_may_be_more(slept: list[float]) -> None:
    """Once it has waited, one is reason enough to wait again, and nothing is none."""
    own = Turn(1.0, waits=True)
    assert [True, True, False] == [own.wait(2), own.wait(1), own.wait(0)]
    assert [MOMENT, MOMENT] == slept


def test_a_router_waits_after_many(slept: list[float]) -> None:
    """All targets wait with it, so that a flood of one is no reason."""
    own = Turn(1.0, waits=True, least=8)
    assert [False, True, True] == [own.wait(7), own.wait(8), own.wait(1)]
    assert [MOMENT, MOMENT] == slept


def test_after_a_long_list_it_waits_longer(slept: list[float]) -> None:
    """The more come at a time, the more a longer list saves; up to a limit."""
    own = Turn(1.0, waits=True)
    for taken in (10, 16, 1000):
        assert own.wait(taken)
    assert pytest.approx([MOMENT, 0.008, LONGEST]) == slept


def test_it_does_not_wait_for_long(slept: list[float]) -> None:
    """However much comes: what else is on the queue has its turn."""
    own = Turn(1.0, waits=True)
    while own.wait(100):
        pass
    assert STAY - LONGEST <= sum(slept) <= STAY
    assert not own.is_over()


@pytest.mark.parametrize(("seconds", "waits"), [(0.0, True), (1.0, False)])
def test_who_may_not_wait_does_not(slept: list[float], *, seconds: float, waits: bool) -> None:
    """Without a turn there is no more to take, and another queue is not kept waiting."""
    assert not Turn(seconds, waits=waits).wait(100)
    assert [] == slept


@pytest.mark.parametrize(
    ("queues", "is_alone"),
    [(["eventflow.route"], True), (["eventflow.route", "eventflow.archive"], False), ([], False)],
)
def test_only_who_reads_one_queue_waits(
    tmp_path: Path, *, queues: list[str], is_alone: bool
) -> None:
    """Messages on another queue of the process would wait for nothing."""
    (tmp_path / "rules.yaml").write_text("targets:\n  vendor: {task: project.vendor}\n")
    flow = EventFlow(load_settings(data_dir=tmp_path, rules=tmp_path))
    worker = _Lifecycle(flow.celery, flow.context, is_joined=False)
    worker.on_init(instance=SimpleNamespace(app=flow.celery), options={"queues": queues})
    assert is_alone == flow.context.reads_one_queue
