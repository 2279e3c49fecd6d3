"""The part `memory`: whether any process grows under a steady load, MiB an hour."""

import argparse
import time
from collections import defaultdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.end_to_end.clock import Schedule
from benchmarks.end_to_end.deployment import Deployment
from benchmarks.end_to_end.systems import SYSTEMS

__all__ = ["run_memory", "slope"]

_RATE = 200.0
_EVERY = 1.0  # seconds
_SETTLES = 0.25
"""The first part of the run that does not count: caches fill, pools open."""
_REMEMBERED = "10s"
"""How long the ledger remembers an event that is done; a day's memory of ids is no leak."""


def run_memory(options: argparse.Namespace) -> dict[str, Any]:
    """Look at each process's memory once a second under load, and print its slope."""
    broker = (options.broker or ["valkey"])[0]
    rate = (options.rate or [_RATE])[0]
    seconds = options.minutes * 60
    environment = {"EVENTFLOW_DEDUPLICATION_WINDOW": _REMEMBERED}
    sizes: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with Deployment(
        SYSTEMS["eventflow"], broker, pool=options.pool, recorder=True, environment=environment
    ) as deployment:
        start = time.monotonic()
        deployment.order(Schedule(start, rate, 0.0, seconds))
        while (now := time.monotonic() - start) < seconds:
            if now > seconds * _SETTLES:
                for name, usage in deployment.processes.usage().items():
                    sizes[name].append((now, usage.memory))
            deployment.processes.check()
            time.sleep(_EVERY)
        deployment.await_published()
        drained = deployment.wait(deployment.is_drained, 10.0)
    table = Table(
        title=f"{broker}: {rate:,.0f} events/s for {options.minutes:g} min", title_justify="left"
    )
    for heading in ("process", "MiB first", "MiB last", "MiB most", "MiB an hour"):
        table.add_column(heading, justify="left" if heading == "process" else "right")
    found = {}
    for name, points in sizes.items():
        memory = [value for _, value in points]
        found[name] = slope(points) * 3600
        figures = (memory[0], memory[-1], max(memory), found[name])
        table.add_row(name, *(f"{figure:.1f}" for figure in figures))
    Console(width=120).print(table)
    if not drained:
        print("  the load was too much: not all of it was done at the end")
    return {"mib_an_hour": found, "rate": rate, "minutes": options.minutes, "drained": drained}


def slope(points: list[tuple[float, float]]) -> float:
    """Return the slope of the straight line that fits best; 0 for fewer than two points."""
    count = len(points)
    middle = sum(x for x, _ in points) / max(count, 1)
    level = sum(y for _, y in points) / max(count, 1)
    width = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - level) for x, y in points) / width if width else 0.0
