"""One run of load on a deployment: latencies, the backlog meanwhile, and what it cost."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.end_to_end.clock import Schedule
from benchmarks.end_to_end.deployment import Deployment
from benchmarks.end_to_end.histogram import Histogram
from benchmarks.end_to_end.processes import machine_busy

__all__ = ["Load", "Run", "as_json", "measure"]

_AHEAD = 0.2  # seconds between the order and the first event
_SAMPLE_EVERY = 0.1
_GROWTH = 0.1
"""By how many seconds the backlog of the last quarter may exceed the second quarter's."""
_BEHIND = 0.5
"""How many seconds of work may be left when the last event is due."""


@dataclass(frozen=True)
class Load:
    """What is asked of a deployment.

    Attributes:
        rate: Events a second.
        seconds: Of the measured part.
        warm: Seconds before it.
        batch: How many events one call publishes.
        size: About how many bytes an event's data have.
        drain: How many seconds are waited afterwards for what is not done.
    """

    rate: float
    seconds: float
    warm: float = 1.5
    batch: int = 1
    size: int = 500
    drain: float = 5.0


@dataclass(frozen=True)
class Run:
    """What came of it. Durations in seconds.

    Attributes:
        system: What ran.
        broker: On what.
        load: What was asked.
        done: Events a second, by their deliveries that were done while the load was measured.
        holds: Whether the rate is sustained: all done, and no growing backlog.
        published: Events a second that were accepted meanwhile.
        behind: Seconds of work that were left when the last event was due.
        latency: From the moment that an event is due to the subscriber's return, by quantile;
            infinite where it was not done.
        accepted: From that moment to the return of `publish()`, by quantile.
        cpu: Cores used, by process.
        peak: The most memory, MiB, by process.
        others: Cores that something else on this machine used meanwhile.
    """

    system: str
    broker: str
    load: Load
    done: float
    holds: bool
    published: float
    behind: float
    latency: dict[str, float]
    accepted: dict[str, float]
    cpu: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    others: float = 0.0

    @property
    def cost(self) -> float:
        """Seconds of processor time that an event took, of all processes; NaN where none was done.

        Unlike the rate, it hardly changes with what else the machine does.
        """
        return sum(self.cpu.values()) / self.done if self.done else math.nan


def measure(
    deployment: Deployment, load: Load, trouble: str = "", watched: Sequence[str] = ()
) -> Run:
    """Put load on a deployment, and wait until it is done or *load.drain* is over.

    Args:
        deployment: It runs, and has nothing to do.
        load: What is asked of it.
        trouble: What its last target is to do: `fails`, `hangs` or nothing.
        watched: The targets whose latencies are asked for; none for all.
    """
    targets = list(watched or deployment.targets)
    waits, latencies = deployment.waits(), deployment.latencies(targets)
    handed = _handed(deployment, targets)
    start = time.monotonic() + _AHEAD
    schedule = Schedule(start, load.rate, load.warm, load.seconds, load.batch)
    deployment.order(schedule, size=load.size, trouble=trouble)
    _sleep_until(schedule.measured_from)
    before, done = deployment.processes.usage(), _handed(deployment, targets)
    published, busy = deployment.published(), machine_busy()
    backlog = []
    while (now := time.monotonic()) < schedule.end:
        left = schedule.due(now) * len(targets) - (_handed(deployment, targets) - handed)
        backlog.append(max(left, 0) / (load.rate * len(targets)))
        _sleep_until(min(now + _SAMPLE_EVERY, schedule.end))
    after, at_end = deployment.processes.usage(), _handed(deployment, targets)
    accepted, busy = deployment.published() - published, machine_busy() - busy
    wanted = handed + schedule.events * len(targets)
    deployment.wait(lambda: _handed(deployment, targets) >= wanted, load.drain)
    deployment.await_published()
    missing = wanted - _handed(deployment, targets)
    latency = deployment.latencies(targets).since(latencies)
    latency.endless = max(schedule.measured() * len(targets) - latency.total, 0)
    behind = backlog[-1]
    cpu = {name: (after[name].cpu - before[name].cpu) / load.seconds for name in after}
    return Run(
        system=deployment.system.name,
        broker=deployment.broker,
        load=load,
        done=(at_end - done) / len(targets) / load.seconds,
        holds=missing <= 0 and behind <= _BEHIND and not _grows(backlog),
        published=accepted / load.seconds,
        behind=behind,
        latency=_quantiles(latency),
        accepted=_quantiles(deployment.waits().since(waits)),
        cpu=cpu,
        peak={name: after[name].peak for name in after},
        others=max(busy / load.seconds - sum(cpu.values()), 0.0),
    )


def as_json(run: Run) -> dict[str, Any]:
    """Return a run as JSON has it: what never ended is null."""
    return {key: _finite(value) for key, value in asdict(run).items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _handed(deployment: Deployment, targets: list[str]) -> int:
    return sum(deployment.handed_over(target) for target in targets)


def _quantiles(histogram: Histogram) -> dict[str, float]:
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: histogram.quantile(share) for name, share in shares.items()}


def _grows(backlog: list[float]) -> bool:
    quarter = max(len(backlog) // 4, 1)
    early, late = backlog[quarter : 2 * quarter], backlog[-quarter:]
    return bool(early) and sum(late) / len(late) > sum(early) / len(early) + _GROWTH


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0))
