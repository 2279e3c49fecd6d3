"""The job that every system does: an event of some 500 bytes, and what a subscriber does with it."""

import os
import time
from collections.abc import Mapping
from typing import Any

from benchmarks.end_to_end.tally import note

__all__ = ["BROKER", "TARGETS", "VENDOR", "WORK", "handle", "make_data", "target_names"]

BROKER = "BENCH_BROKER"
"""The environment's variable with the broker's address."""
TARGETS = "BENCH_TARGETS"
"""That with the number of targets, where it is not three."""
WORK = "BENCH_WORK"
"""That with the seconds that a subscriber waits for its vendor, where it does."""
VENDOR = "BENCH_VENDOR"
"""That which, if set, makes eventflow's subscribers `async def`."""
_HANGS = 60.0  # seconds: longer than any timeout here
_BESIDES = 100  # bytes of an event's data beside its note


def target_names(count: int = 0) -> tuple[str, ...]:
    """Return the targets' names.

    Args:
        count: How many; 0 for as many as the environment says.
    """
    count = count or int(os.environ.get(TARGETS, "3"))
    few = ("one", "two", "three")
    return few[:count] if count <= len(few) else tuple(f"t{number:03}" for number in range(count))


def make_data(at: float | None, size: int = 500, trouble: str = "") -> dict[str, Any]:
    """Return an event's data.

    Args:
        at: When it is due, on the monotonic clock; None where it is not measured.
        size: About how many bytes its JSON has.
        trouble: What the last target does with it: `fails`, `hangs`, or nothing of the kind;
            `flood` for an event that is for it alone.
    """
    data = {"at": at, "door": {"id": "garage-7", "kind": "garage"}}
    return {**data, "trouble": trouble, "note": "x" * (size - _BESIDES)}


def handle(target: str, data: Mapping[str, Any]) -> None:
    """Do what a subscriber does: its vendor's time, if any, and the note that it is done."""
    trouble = data["trouble"]
    if trouble in {"fails", "hangs"} and target == target_names()[-1]:
        if trouble == "fails":
            message = "planned"
            raise OSError(message)
        time.sleep(_HANGS)
    if work := float(os.environ.get(WORK, "0")):
        time.sleep(work)
    note(target, data["at"])
