"""What eventflow is to reach on two cores, and whether a run has shown it."""

from collections.abc import Iterable, Iterator, Mapping

from benchmarks.end_to_end.measure import Run

__all__ = ["most", "tell_goals"]

_P90_AT = (2_000.0, 0.080)
"""Events a second, and the p90 in seconds that they are to have at most."""
_P50_AT = (100.0, 0.015)
_TIMES = {"naive": 8.0, "tuned": 4.0}


def most(runs: Iterable[Run]) -> Run:
    """Return the run that tells how much a system can: the highest rate held, else the most done."""
    return max(runs, key=lambda run: (run.holds, run.done))


def tell_goals(runs: Mapping[str, list[Run]]) -> Iterator[str]:
    """Say of each goal what it is, what was measured, and whether that is enough.

    Args:
        runs: Of one broker, by system. Goals that they say nothing of are left out.
    """
    ours = runs.get("eventflow", [])
    for (rate, limit), quantile in ((_P90_AT, "p90"), (_P50_AT, "p50")):
        for run in ours:
            if run.load.rate == rate:
                was = run.latency[quantile]
                met = run.holds and was <= limit
                yield (
                    f"{quantile} at {rate:,.0f} events/s at most {limit * 1e3:.0f} ms: "
                    f"{_say(met)}, {was * 1e3:,.1f} ms{'' if run.holds else ', not held'}"
                )
    for name, times in _TIMES.items():
        if ours and runs.get(name):
            was = most(ours).done / most(runs[name]).done
            yield f"{times:.0f} times the {name} fan-out: {_say(was >= times)}, {was:.1f} times"


def _say(met: bool) -> str:
    return "yes" if met else "no"
