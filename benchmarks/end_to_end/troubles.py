"""The part `troubles`: what one target's trouble does to the p99 of the other two."""

import argparse
import statistics
import time
from collections import defaultdict
from typing import Any

from benchmarks.end_to_end.clock import Schedule
from benchmarks.end_to_end.deployment import Deployment
from benchmarks.end_to_end.measure import Load, Run, as_json, measure
from benchmarks.end_to_end.report import show_runs
from benchmarks.end_to_end.systems import SYSTEMS

__all__ = ["run_troubles"]

_ROUNDS = 7
_RATE = 100.0
_FLOOD = 500.0  # events a second for one target, besides
_HEALTHY = "all healthy"
_CASES = {
    _HEALTHY: "",
    "one fails all calls": "fails",
    "one hangs": "hangs",
    "one is flooded": "flood",
}


def run_troubles(options: argparse.Namespace) -> dict[str, Any]:
    """Have the cases take turns, each on a deployment of its own, and hold each to the healthy.

    The ratio is the median over the rounds, so that what else the machine does meets all alike.
    """
    broker = (options.broker or ["valkey"])[0]
    rate = (options.rate or [_RATE])[0]
    runs: dict[str, list[Run]] = defaultdict(list)
    for _ in range(_ROUNDS):
        for case, trouble in _CASES.items():
            runs[case].append(_watch(broker, trouble, Load(rate, options.seconds), options.pool))
    show_runs(f"{broker}: the two other targets", {case: some[-1] for case, some in runs.items()})
    ratios = {}
    for case, some in runs.items():
        pairs = zip(some, runs[_HEALTHY], strict=True)
        ratios[case] = statistics.median(
            run.latency["p99"] / healthy.latency["p99"] for run, healthy in pairs
        )
        print(f"  {case:20} p99 {ratios[case]:.2f} times that of all healthy")
    return {
        "ratios": ratios,
        "runs": {case: [as_json(run) for run in some] for case, some in runs.items()},
    }


def _watch(broker: str, trouble: str, load: Load, pool: str) -> Run:
    system = SYSTEMS["eventflow"]
    with Deployment(system, broker, pool=pool, flooder=trouble == "flood") as deployment:
        if trouble == "flood":
            start = time.monotonic() + 0.2
            schedule = Schedule(start, _FLOOD, 0.0, load.warm + load.seconds)
            deployment.order(schedule, trouble=trouble)
            trouble = ""
        return measure(deployment, load, trouble, deployment.targets[:2])
