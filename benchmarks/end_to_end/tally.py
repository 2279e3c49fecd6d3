"""What a process counts while it works, in a file of fixed size that the harness reads meanwhile."""

import mmap
import os
import threading
import time
from array import array
from pathlib import Path

from benchmarks.end_to_end.histogram import BUCKETS, Histogram, bucket_of

__all__ = ["PLACE", "Tally", "note", "read_count", "read_histogram"]

PLACE = "BENCH_PLACE"
"""The environment's variable that says in which folder the files are."""
_WIDTH = 8
_SIZE = (1 + BUCKETS) * _WIDTH

_tallies: dict[tuple[int, str], "Tally"] = {}
_lock = threading.Lock()


class Tally:
    """A count, and a histogram of those that are measured.

    Args:
        path: The file; it is made, and belongs to this process alone.
    """

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self._numbers = memoryview(self._map).cast("Q")

    def count(self, seconds: float | None = None, events: int = 1) -> None:
        """Count something, with how long it took unless that does not matter."""
        self._numbers[0] += events
        if seconds is not None:
            self._numbers[1 + bucket_of(seconds)] += events


def note(target: str, at: float | None) -> None:
    """Note that a subscriber returns now.

    Args:
        target: Whose.
        at: When its event was due, on the monotonic clock; None for one that is not measured.
    """
    seconds = None if at is None else time.monotonic() - at
    with _lock:  # threads of a pool
        mine = _tallies.get((os.getpid(), target))
        if mine is None:  # also in a child of a pool, which has the parent's
            mine = Tally(Path(os.environ[PLACE]) / f"{target}-{os.getpid()}.tally")
            _tallies[os.getpid(), target] = mine
        mine.count(seconds)


def read_count(place: Path, name: str) -> int:
    """Return what all processes have counted for a name."""
    return sum(_read(path, 1)[0] for path in place.glob(f"{name}-*.tally"))


def read_histogram(place: Path, name: str) -> Histogram:
    """Return all processes' durations for a name."""
    whole = Histogram()
    for path in place.glob(f"{name}-*.tally"):
        whole.add(Histogram(_read(path, 1 + BUCKETS)[1:]))
    return whole


def _read(path: Path, numbers: int) -> "array[int]":
    with path.open("rb") as file:
        found = array("Q", file.read(numbers * _WIDTH))
    return found if len(found) == numbers else array("Q", bytes(numbers * _WIDTH))
