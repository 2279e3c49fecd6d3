"""When each event is to be published: a fixed rate, whatever the system makes of it.

A load that waits for an answer before it sends the next event asks a slow system less often, and
so never sees how long the others would have waited. Here each event has its moment, and its
latency counts from there, even where the publisher comes too late.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Schedule", "moments"]


@dataclass(frozen=True)
class Schedule:
    """One run's load, on the machine's monotonic clock.

    Attributes:
        start: When it begins, seconds.
        rate: Events a second, of all publishers together.
        warm: Seconds at the beginning that are not measured.
        seconds: Seconds that are.
        batch: How many events are published in one call.
    """

    start: float
    rate: float
    warm: float
    seconds: float
    batch: int = 1

    @property
    def measured_from(self) -> float:
        """When the measured part begins."""
        return self.start + self.warm

    @property
    def end(self) -> float:
        """When the last event is due."""
        return self.measured_from + self.seconds

    @property
    def events(self) -> int:
        """How many events there are, warm ones included."""
        calls = max(round((self.warm + self.seconds) * self.rate / self.batch), 1)
        return calls * self.batch

    def moment(self, number: int) -> float:
        """Return when an event is due; those of one batch all are at its first one's moment."""
        return self.start + number // self.batch * self.batch / self.rate

    def is_measured(self, number: int) -> bool:
        """Tell whether an event's latency counts."""
        return self.moment(number) >= self.measured_from

    def measured(self) -> int:
        """Return how many events' latencies count."""
        calls = range(0, self.events, self.batch)
        return self.batch * sum(self.is_measured(number) for number in calls)

    def due(self, now: float) -> int:
        """Return how many events are due by *now*."""
        if now < self.start:
            return 0
        calls = int((now - self.start) * self.rate / self.batch) + 1
        return min(calls * self.batch, self.events)


def moments(schedule: Schedule, number: int, of: int) -> Iterator[int]:
    """Wait for each call's moment, and yield the number of its first event.

    Never skips one: after a delay, what has become due comes at once.

    Args:
        schedule: Of all publishers.
        number: Which of them this one is, from 0.
        of: How many there are; they take turns.
    """
    for first in range(number * schedule.batch, schedule.events, of * schedule.batch):
        wait = schedule.moment(first) - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield first
