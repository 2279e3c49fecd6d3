"""The part `profile`: microseconds of processor time an event, by process and by step.

py-spy looks at each process's stacks a few hundred times a second; a step has its share of what the
process's clock says that it used. What the server spends on each command it says itself.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import redis
from rich.console import Console
from rich.table import Table

from benchmarks.end_to_end.clock import Schedule
from benchmarks.end_to_end.deployment import Deployment
from benchmarks.end_to_end.steps import shares
from benchmarks.end_to_end.systems import SYSTEMS

__all__ = ["run_profiles"]

_RATE = 200.0
_SAMPLES = 250  # a second
_LEAST = 3.0  # microseconds; what is less is put together
_WATCHED = ("publisher", "router", "worker-1")


def run_profiles(options: argparse.Namespace) -> dict[str, Any]:
    """Sample publisher, router and one worker under a steady load, and print a table for each."""
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which(
        "py-spy"
    )
    if program is None:
        print("left out: profile: not installed: py-spy (the extra `bench`)")
        return {}
    broker = (options.broker or ["valkey"])[0]
    rate = (options.rate or [_RATE])[0]
    found: dict[str, Any] = {"rate": rate, "broker": broker}
    for name in options.system or ["eventflow"]:
        with Deployment(SYSTEMS[name], broker, pool=options.pool) as deployment:
            found[name] = _profile(deployment, program, rate, options.seconds)
        _show(f"{name} on {broker} at {rate:,.0f} events/s: us of CPU an event", found[name])
    return found


def _profile(
    deployment: Deployment, program: str, rate: float, seconds: float
) -> dict[str, dict[str, float]]:
    start = time.monotonic() + 0.2
    deployment.order(Schedule(start, rate, 1.0, seconds + 2.0))
    time.sleep(1.2)
    client = redis.Redis.from_url(deployment.ledger_url)
    client.config_resetstat()
    before, published = deployment.processes.usage(), deployment.published()
    watchers = {}
    for name in _WATCHED:
        pid, path = deployment.processes.pid(name), deployment.place / f"{name}.stacks"
        how = ["-r", str(_SAMPLES), "-d", str(round(seconds)), "-f", "raw", "-F", "--nonblocking"]
        command = [program, "record", "-p", str(pid), *how, "-o", str(path)]
        watchers[name] = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    for watcher in watchers.values():
        watcher.wait(seconds + 30)
    after, events = deployment.processes.usage(), deployment.published() - published
    tables = {}
    for name in _WATCHED:
        cost = (after[name].cpu - before[name].cpu) / events * 1e6
        lines = (deployment.place / f"{name}.stacks").read_text().splitlines()
        tables[name] = {step: share * cost for step, share in shares(lines).items()}
    # What a script calls is counted as its own command too, so only the scripts can be told apart.
    scripts = client.info("commandstats").get("cmdstat_evalsha", {"usec": 0})["usec"] / events
    used = (after["server"].cpu - before["server"].cpu) / events * 1e6
    tables["server"] = {
        "the ledger's scripts, the journal's part in them": scripts,
        "messages' commands, network, the file": max(used - scripts, 0.0),
    }
    client.close()
    deployment.await_published()
    return tables


def _show(title: str, tables: dict[str, dict[str, float]]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("process")
    table.add_column("step")
    table.add_column("us", justify="right")
    for process, steps in tables.items():
        table.add_row(process, "in all", f"{sum(steps.values()):,.0f}", style="bold")
        small = 0.0
        for step, cost in steps.items():
            if cost < _LEAST:
                small += cost
            else:
                table.add_row("", step, f"{cost:,.0f}")
        if small:
            table.add_row("", f"what takes less than {_LEAST:.0f} each", f"{small:,.0f}")
    Console(width=100).print(table)
