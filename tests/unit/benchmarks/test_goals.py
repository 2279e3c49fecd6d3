"""Whether a benchmark's runs reach what eventflow is to reach."""

import math

from benchmarks.end_to_end.goals import most, tell_goals
from benchmarks.end_to_end.measure import Load, Run


def make_run(rate: float, *, done: float, holds: bool = True, high: float = 0.02) -> Run:
    quantiles = {"p50": high / 2, "p90": high, "p99": high, "max": high}
    return Run(
        system="eventflow",
        broker="valkey",
        load=Load(rate, seconds=5.0),
        done=done,
        holds=holds,
        published=rate,
        behind=0.0,
        latency=quantiles,
        accepted=quantiles,
    )


def test_the_most_is_the_highest_rate_that_holds():
    """A run that does more for a moment, while its backlog grows, does not count before one that holds."""
    held, higher = make_run(500, done=499), make_run(1_000, done=998)
    broken = make_run(2_000, done=1_100, holds=False, high=math.inf)
    assert higher is most([held, broken, higher])
    assert broken is most([broken])


def test_each_goal_is_told_with_what_was_measured():
    """Fast enough at one rate, too slow at the other, nine times the naive, twice the tuned."""
    runs = {
        "eventflow": [make_run(100, done=100, high=0.040), make_run(2_000, done=1_998, high=0.079)],
        "naive": [make_run(250, done=222)],
        "tuned": [make_run(1_000, done=999)],
    }
    assert [
        "p90 at 2,000 events/s at most 80 ms: yes, 79.0 ms",
        "p50 at 100 events/s at most 15 ms: no, 20.0 ms",
        "8 times the naive fan-out: yes, 9.0 times",
        "4 times the tuned fan-out: no, 2.0 times",
    ] == list(tell_goals(runs))


def test_a_rate_that_is_not_held_meets_no_goal():
    """A good p90 of a run whose backlog grows is no p90."""
    [line] = tell_goals({"eventflow": [make_run(2_000, done=900, holds=False, high=0.05)]})
    assert "p90 at 2,000 events/s at most 80 ms: no, 50.0 ms, not held" == line
