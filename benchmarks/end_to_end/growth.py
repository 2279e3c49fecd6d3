"""The part `growth`: what more targets, rules, bytes, routers and a long backlog do to the speed.

Each case is a backlog that is drained: events are published while routers and workers do nothing,
then these go on. So what is measured is what the machine can do, with no search for a rate.
"""

import argparse
import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.end_to_end.batches import accept
from benchmarks.end_to_end.deployment import Deployment
from benchmarks.end_to_end.systems import SYSTEMS

__all__ = ["Case", "run_growth"]

_LIMIT = 300.0  # seconds
_SLOWEST = 500.0
"""Events a second below which a long backlog is given up."""
_MOST_WAITING = 100_000_000
"""Events that may wait: the default's million is reached in half an hour at 600 events/s."""
_PARTS = {"router": ("router",), "workers": ("worker",), "server": ("server", "rabbitmq")}
"""Whose cores are told, and what the names of its processes begin with."""


@dataclass(frozen=True)
class Case:
    """A deployment, and how much it has to drain."""

    name: str
    events: int = 3_000
    targets: int = 3
    rules: int = 0
    size: int = 500
    routers: int = 1


_CASES = (
    Case("as ever: 3 targets, 1 rule, 0.5 KiB, 1 router"),
    Case("1 target", targets=1),
    Case("10 targets", events=1_000, targets=10),
    Case("100 targets", events=100, targets=100),
    Case("10 rules more", rules=10),
    Case("1,000 rules more", rules=1_000),
    Case("10,000 rules more", rules=10_000),
    Case("4 KiB an event", size=4 * 1024),
    Case("64 KiB an event", events=500, size=64 * 1024),
    Case("2 routers", routers=2),
    Case("4 routers", routers=4),
)
_MOST_RULES = Case("100,000 rules more", rules=100_000)


def run_growth(options: argparse.Namespace) -> dict[str, Any]:
    """Drain each case's backlog, and print how fast."""
    broker = (options.broker or ["valkey"])[0]
    cases = [*_CASES, *([_MOST_RULES] if options.full else [])]
    cases.append(Case(f"a backlog of {options.backlog:,}", events=options.backlog))
    table = Table(title=f"{broker}: a backlog drained", title_justify="left")
    for heading in (
        "",
        "events",
        "accepted/s",
        "events/s",
        "deliveries/s",
        "router",
        "workers",
        "server",
    ):
        table.add_column(heading, justify="left" if not heading else "right")
    found: dict[str, Any] = {}
    for case in cases:
        figures = _drain(case, broker, options.pool)
        found[case.name] = figures
        table.add_row(
            case.name,
            f"{case.events:,}",
            *(f"{figures[key]:,.0f}" for key in ("accepted", "events", "deliveries")),
            *(f"{figures[key]:.2f}" for key in ("router", "workers", "server")),
        )
    Console(width=120).print(table)
    return found


def _drain(case: Case, broker: str, pool: str) -> dict[str, float]:
    with Deployment(
        SYSTEMS["eventflow"],
        broker,
        pool=pool,
        targets=case.targets,
        rules=case.rules,
        routers=case.routers,
        environment={"EVENTFLOW_MAX_BACKLOG": str(_MOST_WAITING)},
    ) as deployment:
        accepted = accept(deployment, case.events, min(100, case.events), case.size)
        before, start = deployment.processes.usage(), time.monotonic()
        deployment.pause(resume=True)
        limit = max(_LIMIT, case.events / _SLOWEST)
        if not deployment.wait(deployment.is_drained, limit):
            message = f"{case.name}: not drained within {limit:.0f} s"
            raise SystemExit(message)
        spent, after = time.monotonic() - start, deployment.processes.usage()
    cores = {name: (after[name].cpu - before[name].cpu) / spent for name in after}
    parts = {
        part: sum(used for name, used in cores.items() if name.startswith(names))
        for part, names in _PARTS.items()
    }
    return {
        **parts,
        "accepted": accepted,
        "events": case.events / spent,
        "deliveries": case.events * case.targets / spent,
    }
