"""What a Django project tests its publishing with; no server is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from eventflow.contrib.django.sending import Capture, Sending, captures
from eventflow.events import Event

__all__ = ["captured_events"]


@contextmanager
def captured_events() -> Iterator[list[Event[Any]]]:
    """Capture what is published in the block, instead of publishing it.

    Works in any test: pytest's or unittest's, inside the transaction of a `TestCase` or without
    one. As in production, an event whose transaction or savepoint is rolled back is none. Each is
    checked as ever, so that an invalid one raises here. With the outbox its row is written too.

    Yields:
        A list that is complete once the block has ended. Each event is as subscribers get it: its
        `data` is a dict.

    Example:
        with captured_events() as events:
            self.client.post("/orders", {"item": 7})
        assert ["OrderPlaced"] == [event.type for event in events]
    """
    before = _pending()
    capture = Capture()
    captures.append(capture)
    try:
        yield capture.events
        # A TestCase never commits: what waits for it would be sent now.
        for sending in _pending():
            if not any(known is sending for known in before):
                capture.add(sending)
    finally:
        captures.remove(capture)


def _pending() -> list[Sending]:
    return [
        function
        for connection in connections.all(initialized_only=True)
        for _, function, _ in connection.run_on_commit
        if isinstance(function, Sending)
    ]
