"""A publisher process: it does what it is told on its input, a line of JSON for each run.

Until the first line it publishes an event a second that nobody measures, by which the harness sees
that all subscribers are at work.
"""

import json
import os
import select
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.end_to_end.clock import Schedule, moments
from benchmarks.end_to_end.job import make_data
from benchmarks.end_to_end.tally import PLACE, Tally

__all__ = ["main"]

_PROBE_EVERY = 1.0


def main(module: str, number: int, of: int, name: str = "published") -> None:
    """Publish what is asked for, until the input ends.

    Args:
        module: The system's app, with `publish` and `publish_many`.
        number: Which of the publishers this is.
        of: How many there are.
        name: What its tally is called.
    """
    app = import_module(module)
    tally = Tally(Path(os.environ[PLACE]) / f"{name}-{os.getpid()}.tally")
    if number == 0 and name == "published":
        while not select.select([sys.stdin], [], [], _PROBE_EVERY)[0]:
            app.publish(make_data(None))
            tally.count()
    for line in sys.stdin:
        if order := json.loads(line):
            run(order, app, tally, number, of)
        print(json.dumps({"done": True}), flush=True)


def run(order: dict[str, Any], app: Any, tally: Tally, number: int, of: int) -> None:
    """Publish one run's events, each at its moment; give up where the run is over long ago."""
    size, trouble, patience = order.pop("size"), order.pop("trouble"), order.pop("patience")
    schedule = Schedule(**order)
    for first in moments(schedule, number, of):
        if time.monotonic() > schedule.end + patience:
            return
        at = schedule.moment(first) if schedule.is_measured(first) else None
        if schedule.batch == 1:
            app.publish(make_data(at, size, trouble))
        else:
            app.publish_many([make_data(at, size, trouble) for _ in range(schedule.batch)])
        # From its moment to its acceptance: what the caller of an open system waits.
        tally.count(None if at is None else time.monotonic() - at, schedule.batch)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
