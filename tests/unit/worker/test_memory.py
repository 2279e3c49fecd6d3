"""A process that holds much collects what is left in cycles no later than one that holds little."""

import subprocess
import sys

CODE = """
import collections, gc, weakref
from eventflow.worker.memory import collect_often
gc.set_threshold(70)  # a tenth of it, for a tenth of the time
held = [[number] for number in range(400_000)]
gc.collect()  # the last time that all was looked through
{before}
class Left: pass
recent, alive, most = collections.deque(maxlen=200), weakref.WeakSet(), 0
for _ in range(50_000):
    one = Left()
    one.itself = one
    alive.add(one)
    recent.append(one)  # so that it is old before it is garbage
    del one
    most = max(most, len(alive) - len(recent))
print(most)
"""


def most_left(before: str = "") -> int:
    """Return how much garbage a process had at its worst, that keeps 400,000 other things."""
    code = CODE.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return int(done.stdout)


def test_garbage_is_collected_before_it_is_much() -> None:
    """What was there at the start does not count towards the next collection's moment."""
    assert most_left("collect_often()") < 5_000
    assert most_left() > 15_000  # what it is there for
