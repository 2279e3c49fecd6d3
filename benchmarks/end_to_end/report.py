"""Runs as a table for people, and as a JSON file for programs."""

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.end_to_end.measure import Run, as_json

__all__ = ["format_seconds", "show_runs", "write_json"]

_console = Console(width=None if os.isatty(1) else 180)


def show_runs(title: str, runs: Mapping[str, Run]) -> None:
    """Print runs as a table.

    Args:
        title: What was measured.
        runs: By what their row is called.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("")
    headings = ("asked/s", "done/s", "holds", "p50 ms", "p90 ms", "p99 ms", "max ms", "accept p90")
    for heading in (
        *headings,
        "cores: pub.",
        "router",
        "workers",
        "servers",
        "others",
        "CPU ms/event",
        "MiB",
    ):
        table.add_column(heading, justify="right")
    for name, run in runs.items():
        latency = [format_seconds(run.latency[key]) for key in ("p50", "p90", "p99", "max")]
        table.add_row(
            name,
            f"{run.load.rate:,.0f}",
            f"{run.done:,.0f}",
            "yes" if run.holds else "no",
            *latency,
            format_seconds(run.accepted["p90"]),
            *(f"{_cores(run, *names):.2f}" for names in _PARTS),
            f"{run.others:.2f}",
            format_seconds(run.cost),
            f"{max(run.peak.values()):.0f}",
        )
    _console.print(table)


def format_seconds(seconds: float) -> str:
    """Return a duration in milliseconds; what has not ended, as such."""
    if math.isnan(seconds):
        return "-"
    if math.isinf(seconds):
        return "not done"
    return f"{seconds * 1e3:,.1f}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def write_json(path: Path, parts: Mapping[str, Sequence[Run] | Mapping[str, Any]]) -> None:
    """Write what was measured, with what it was measured on.

    Args:
        path: The file; its folder is made.
        parts: Each part's runs, or its own figures.
    """
    document = {
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in ("celery", "kombu", "redis")},
        },
        **{
            name: part if isinstance(part, Mapping) else [as_json(run) for run in part]
            for name, part in parts.items()
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
    _console.print(f"written to {path}")


_PARTS = (("publisher",), ("router",), ("worker", "recorder"), ("server", "rabbitmq"))


def _cores(run: Run, *names: str) -> float:
    return sum(used for name, used in run.cpu.items() if name.startswith(names))
