"""How fast a replay goes."""

import pytest

from eventflow.replay.pace import Pace
from eventflow.units import Rate


def go(pace: Pace, now: list[float], seconds: float, wanted: int = 500) -> int:
    """Send as many as may go within so many seconds; return how many that were."""
    sent, end = 0, now[0] + seconds
    while now[0] < end:
        number = pace.allowed(wanted)
        sent += number
        pace.note(number)
        now[0] += max(pace.pause, 0.001) if not number else 0.0
    return sent


@pytest.mark.parametrize(
    ("rate", "expected"), [(Rate(50, 1), 500), (Rate(1, 1), 10), (Rate(4000, 1), 40_000)]
)
def test_no_more_go_than_may(rate: Rate, expected: int) -> None:
    """Over ten seconds, as many as the rate says; of a high one, too."""
    now = [100.0]
    sent = go(Pace(rate, lambda: now[0]), now, 10.0, wanted=2000)
    assert expected <= sent <= expected * 1.1 + 1


def test_without_a_rate_all_may_go() -> None:
    """At once, and never a pause."""
    pace = Pace(None, lambda: 100.0)
    pace.note(1000)
    assert (500, 0.0) == (pace.allowed(500), pace.pause)


def test_what_could_not_go_is_not_made_up_for() -> None:
    """After a time without room, it goes on at its rate, not faster."""
    now = [100.0]
    pace = Pace(Rate(10, 1), lambda: now[0])
    go(pace, now, 1.0)
    now[0] += 60
    assert go(pace, now, 1.0) <= 15
