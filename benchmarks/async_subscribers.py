"""How many deliveries a second one process makes of calls that wait for 200 ms, by `concurrency`.

A router, one solo worker and the embedded server, on the machine that publishes too. What is counted
are the ends of calls in the steady middle: after the worker has its calls in flight, and before the
last of them.
"""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the deployment that tests use

from eventflow.events import Event
from tests.deployment import Deployment, deployed

NAP = 0.2  # seconds
GOAL = 400  # deliveries a second, with a hundred in flight
COUNTS = {1: 20, 20: 600, 100: 3000}  # concurrency, events

PROJECT = f"""
    import asyncio

    @flow.subscriber("vendor")
    async def vendor(event: Event, delivery: Delivery):
        await asyncio.sleep({NAP})
        note(delivery)
"""


def main() -> None:
    """Print a line for each concurrency."""
    print(f"{'concurrency':>11} {'deliveries/s':>13} {'of the ideal':>13} {'CPU a delivery':>15}")
    for concurrency, count in COUNTS.items():
        rate, cpu = measure(concurrency, count)
        ideal = concurrency / NAP
        print(
            f"{concurrency:11} {rate:13.0f} {rate / ideal:13.0%} {cpu * 1e3:12.2f} ms", flush=True
        )
    verdict = "met" if rate >= GOAL else "MISSED"
    print(f"at least {GOAL} a second with a hundred in flight: {verdict}")


def measure(concurrency: int, count: int) -> tuple[float, float]:
    """Return deliveries a second, and the worker's seconds of CPU for each."""
    rules = f"""
        targets:
          vendor: {{task: project.vendor, timeout: 10s, concurrency: {concurrency}}}
        rules:
          all: {{pattern: {{source: [test]}}, targets: [vendor]}}
    """
    with (
        tempfile.TemporaryDirectory(prefix="ef-") as place,
        deployed(Path(place), project=PROJECT, rules=rules, mover_interval=1.0) as deployment,
    ):
        deployment.start("router", ["eventflow.route"])
        deployment.start("vendor", ["vendor"])
        deployment.await_ready()
        before = cpu_seconds(deployment)
        events = [Event(id=f"e{n}", source="test", type="T", data={}) for n in range(count)]
        deployment.flow.publish_many(events)
        deployment.wait(lambda: len(deployment.noted()) == count, "all to be delivered")
        spent = cpu_seconds(deployment) - before
        ends = sorted(note["at"] for note in deployment.noted())
    steady = ends[count // 4 : -concurrency or None]
    return (len(steady) - 1) / (steady[-1] - steady[0]), spent / count


def cpu_seconds(deployment: Deployment) -> float:
    """Return what the worker has used so far."""
    fields = Path(f"/proc/{deployment.processes['vendor'].pid}/stat").read_text().split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
