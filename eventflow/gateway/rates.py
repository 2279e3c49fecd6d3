"""How many events a publisher may send in how long: a bucket of tokens for each, in this process."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from eventflow.gateway.refusals import Refusal
from eventflow.units import Rate

__all__ = ["Rates"]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float  # when


class Rates:
    """Holds each publisher to its rate. Thread-safe.

    A bucket holds what the rate counts, so that a quiet publisher may send that much at once. Who
    still has a token may send a whole list, and owes the rest: a list that is longer than the
    bucket is deep goes through too, and what follows it waits.

    Args:
        clock: Returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str, rate: Rate | None, events: int) -> None:
        """Count events of a publisher.

        Args:
            name: The publisher's.
            rate: Its rate; None allows any number.
            events: How many it wants to publish; a question counts as one.

        Raises:
            Refusal: When it has sent too many; 429, with the seconds to wait.
        """
        if rate is None:
            return
        per_second = rate.count / rate.seconds
        deepest = max(1.0, rate.count)
        now = self._clock()
        with self._lock:
            bucket = self._buckets.setdefault(name, _Bucket(deepest, now))
            bucket.tokens = min(deepest, bucket.tokens + (now - bucket.filled) * per_second)
            bucket.filled = now
            if bucket.tokens >= 1:
                bucket.tokens -= max(1, events)
                return
            wait = (1 - bucket.tokens) / per_second
        message = f"the publisher {name!r} may send {rate} events: try again later"
        raise Refusal(
            message, HTTPStatus.TOO_MANY_REQUESTS, retry_after=wait, code="ThrottlingException"
        )
