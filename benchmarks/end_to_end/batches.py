"""The part `batch`: a hundred events in each call of `publish_many`."""

import argparse
import time
from typing import Any

from benchmarks.end_to_end.clock import Schedule
from benchmarks.end_to_end.deployment import Deployment
from benchmarks.end_to_end.measure import Load, Run, as_json, measure
from benchmarks.end_to_end.report import show_runs
from benchmarks.end_to_end.systems import SYSTEMS

__all__ = ["run_batches"]

_BATCH = 100
_SYSTEMS = ("eventflow", "naive", "tuned")
_RATES = (1_000.0, 2_000.0, 4_000.0)
_ALONE = 20_000  # events
_AT_ONCE = 1e6  # events a second
_PATIENCE = 300.0  # seconds


def run_batches(options: argparse.Namespace) -> dict[str, Any]:
    """Measure how many are accepted while nothing else runs, and how many are delivered."""
    broker = (options.broker or ["valkey"])[0]
    runs: dict[str, Run] = {}
    alone: dict[str, float] = {}
    for name in options.system or _SYSTEMS:
        for rate in options.rate or _RATES:
            with Deployment(SYSTEMS[name], broker, pool=options.pool) as deployment:
                run = measure(deployment, Load(rate, options.seconds, batch=_BATCH))
            runs[f"{name} {rate:,.0f}"] = run
            if not run.holds:
                break
        with Deployment(SYSTEMS[name], broker, pool=options.pool) as deployment:
            alone[name] = accept(deployment, _ALONE)
    show_runs(f"{broker}: {_BATCH} events a publish, three targets each", runs)
    for name, rate in alone.items():
        ratio = f"; eventflow {alone['eventflow'] / rate:.1f} times" if "eventflow" in alone else ""
        print(f"  {name:10} accepts {rate:8,.0f} events/s while no worker runs{ratio}")
    return {"accepted_alone": alone, "runs": [as_json(run) for run in runs.values()]}


def accept(deployment: Deployment, events: int, batch: int = _BATCH, size: int = 500) -> float:
    """Have the publisher publish as fast as it can while routers and workers do nothing.

    Returns:
        Events accepted a second. The routers and workers stay stopped.
    """
    deployment.pause()
    before = deployment.published()
    start = time.monotonic()
    # All is due at once, and however late it is, it is published.
    schedule = Schedule(start, _AT_ONCE, 0.0, events / _AT_ONCE, batch)
    deployment.order(schedule, size=size, patience=_PATIENCE)
    deployment.await_published()
    return (deployment.published() - before) / (time.monotonic() - start)
