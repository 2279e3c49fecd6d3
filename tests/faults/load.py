"""Load: events published by a thread, each until it is accepted, no more than can be carried."""

import threading
import time
from collections.abc import Callable

import redis

from eventflow.app import EventFlow
from eventflow.errors import PublishError
from eventflow.events import Event

__all__ = ["RATE", "REFUSE_EACH", "Load"]

_AT_ONCE = 5
_PAUSE = 0.05  # seconds
RATE = 60.0
"""Events a second: enough that something is under way in every process whenever one of them dies, and
little enough that a machine of two cores has time left for what the fault calls for."""
REFUSE_EACH = 97
"""A prime, so that what is refused spreads over the groups."""


class Load:
    """Publishes events with the numbers 0, 1, 2 … until it is stopped.

    Args:
        flow: Whose `publish_many` is called. When it fails, the same events are published again:
            a publisher that keeps its events is what the guarantee counts on.
        in_flight: Tells how much is unfinished.
        most: How much may be, before the load waits.
        rate: The most events that it publishes a second.
        prefix: What the events' ids begin with.
        refuse_each: One event in so many is refused by the target `typed`, and so a dead letter.
    """

    def __init__(
        self,
        flow: EventFlow,
        in_flight: Callable[[], int],
        *,
        most: int = 300,
        rate: float = RATE,
        prefix: str = "e",
        refuse_each: int = REFUSE_EACH,
    ) -> None:
        self._flow = flow
        self._in_flight = in_flight
        self._most = most
        self._interval = _AT_ONCE / rate
        self._prefix = prefix
        self._refuse_each = refuse_each
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self.accepted: dict[str, float] = {}
        """When `publish` returned, by the event's id."""
        self.refused: set[str] = set()
        """Which of them the target `typed` refuses."""
        self.failures = 0
        """How often `publish` raised."""
        self.longest = 0.0
        """Seconds that the longest call of `publish` took."""
        self.error: BaseException | None = None

    def start(self) -> None:
        """Start publishing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, once what was begun is accepted.

        Raises:
            AssertionError: When it does not come to an end, or has failed.
        """
        self._stopping.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "publishing does not come to an end"
        assert self.error is None, f"publishing failed: {self.error!r}"

    def _run(self) -> None:
        number = 0
        due = time.monotonic()
        try:
            while not self._stopping.is_set():
                if self._is_enough() or time.monotonic() < due:
                    time.sleep(min(_PAUSE, self._interval))
                    continue
                due = max(due + self._interval, time.monotonic() - 1.0)
                self._publish([self._event(number + more) for more in range(_AT_ONCE)])
                number += _AT_ONCE
        except BaseException as error:
            self.error = error
            raise

    def _is_enough(self) -> bool:
        try:
            return self._in_flight() > self._most
        except redis.RedisError:
            return False  # the ledger is away: publishing is to find that out by itself

    def _event(self, number: int) -> Event:
        refuse = number % self._refuse_each == 0
        event_id = f"{self._prefix}{number}"
        if refuse:
            self.refused.add(event_id)
        data = {"number": number, "refuse": refuse}
        return Event(id=event_id, source="load", type="Load", data=data)

    def _publish(self, events: list[Event]) -> None:
        while True:
            start = time.monotonic()
            try:
                self._flow.publish_many(events)
            except PublishError:
                self.failures += 1
                time.sleep(_PAUSE)
            else:
                self.accepted.update(dict.fromkeys((event.id for event in events), time.time()))
                return
            finally:
                self.longest = max(self.longest, time.monotonic() - start)
