"""The part `async`: one worker process, an `async def` subscriber, calls of 200 ms."""

import argparse
from typing import Any

from benchmarks.end_to_end.deployment import Deployment
from benchmarks.end_to_end.job import VENDOR, WORK
from benchmarks.end_to_end.measure import Load, as_json, measure
from benchmarks.end_to_end.report import show_runs
from benchmarks.end_to_end.systems import SYSTEMS

__all__ = ["run_vendor_calls"]

_CALL = 0.2  # seconds
_TARGET = "timeout: 2s, concurrency: 100"
_RATES = (50.0, 400.0)  # a hundred calls in flight at once are at most 500 a second


def run_vendor_calls(options: argparse.Namespace) -> dict[str, Any]:
    """Have one target's worker, of one process, call a vendor that takes 200 ms."""
    broker = (options.broker or ["valkey"])[0]
    environment = {VENDOR: "1", WORK: str(_CALL)}
    runs = {}
    for rate in options.rate or _RATES:
        with Deployment(
            SYSTEMS["eventflow"],
            broker,
            pool=options.pool,
            targets=1,
            target_options=_TARGET,
            environment=environment,
        ) as deployment:
            run = measure(deployment, Load(rate, options.seconds))
        runs[f"{rate:,.0f} calls of {_CALL * 1e3:.0f} ms a second"] = run
    show_runs(f"{broker}: one target, one worker process, async def", runs)
    return {"runs": [as_json(run) for run in runs.values()]}
