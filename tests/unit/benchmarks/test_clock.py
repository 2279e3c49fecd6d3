"""The benchmark's clock: each event has its moment, and none is left out for being late."""

import pytest

from benchmarks.end_to_end import clock
from benchmarks.end_to_end.clock import Schedule, moments


class Hands:
    """A clock that goes on by itself only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(clock, "time", hands)
    return hands


def test_events_are_yielded_at_their_moments(hands: Hands):
    """At ten a second, each comes a tenth after the one before it."""
    schedule = Schedule(start=101.0, rate=10.0, warm=0.2, seconds=0.3)
    at = [(number, round(hands.now, 6)) for number in moments(schedule, 0, 1)]
    assert [(0, 101.0), (1, 101.1), (2, 101.2), (3, 101.3), (4, 101.4)] == at


def test_what_became_due_during_a_stall_comes_at_once(hands: Hands):
    """A second's stall leaves out no event, and moves none: the load does not wait for anybody."""
    schedule = Schedule(start=100.0, rate=10.0, warm=0.0, seconds=2.0)
    late = []
    for number in moments(schedule, 0, 1):
        late.append(round(hands.now - schedule.moment(number), 6))
        if number == 3:
            hands.now += 1.0
    assert 20 == len(late)
    assert [0.9, 0.8, 0.7] == late[4:7]
    assert [0.0] * 7 == late[-7:]


def test_publishers_take_turns(hands: Hands):
    """Each event is one publisher's, and together they have all."""
    schedule = Schedule(start=100.0, rate=10.0, warm=0.0, seconds=1.0)
    first, second = list(moments(schedule, 0, 2)), list(moments(schedule, 1, 2))
    assert [0, 2, 4, 6, 8] == first
    assert [1, 3, 5, 7, 9] == second


def test_a_batch_is_due_at_once(hands: Hands):
    """A hundred events a second in calls of fifty are two calls a second, each at one moment."""
    schedule = Schedule(start=100.0, rate=100.0, warm=0.0, seconds=1.0, batch=50)
    assert [0, 50] == list(moments(schedule, 0, 1))
    assert 100.5 == schedule.moment(99)


@pytest.mark.parametrize(("after", "due"), [(-0.1, 0), (0.0, 1), (0.09, 1), (0.11, 2), (5.0, 20)])
def test_what_is_due_counts_by_time_alone(after: float, due: int):
    """The backlog is held against what should have been published, not against what was."""
    assert due == Schedule(start=100.0, rate=10.0, warm=1.0, seconds=1.0).due(100.0 + after)


def test_what_comes_before_the_measured_part_is_warm():
    """The first half of these twenty events is not measured."""
    schedule = Schedule(start=100.0, rate=10.0, warm=1.0, seconds=1.0)
    assert [False] * 10 + [True] * 10 == [schedule.is_measured(number) for number in range(20)]
    assert 10 == schedule.measured()
