"""What `publish()` leaves to the commit: the events to send, or, in a test, to capture."""

from dataclasses import dataclass
from typing import Any

from eventflow.contrib.django.configuration import get_flow
from eventflow.events import Event

__all__ = ["Capture", "Sending", "captures", "capturing"]


@dataclass(frozen=True, slots=True, eq=False)
class Sending:
    """Called when a transaction commits.

    Attributes:
        events: What was published in it.
        by_relay: Whether a relay publishes them, so that they are of interest to a test alone.
    """

    events: tuple[Event[Any], ...]
    by_relay: bool = False

    def __call__(self) -> None:
        """Publish the events; while a test captures, give them to it instead.

        Raises:
            PublishError: When the ledger cannot be reached. The transaction is committed, and the
                caller should know that its events are not.
        """
        if captures:
            captures[-1].add(self)
        elif not self.by_relay:
            get_flow().publish_many(self.events)


class Capture:
    """What a test has captured so far."""

    def __init__(self) -> None:
        self.events: list[Event[Any]] = []
        self._known: list[Sending] = []

    def add(self, sending: Sending) -> None:
        """Add what was sent, once, however often it is called."""
        if not any(known is sending for known in self._known):
            self._known.append(sending)
            self.events.extend(sending.events)


captures: list[Capture] = []
"""Those that capture just now, the innermost last; of the whole process, since a test's live server
publishes in threads of its own."""


def capturing() -> bool:
    """Whether a test captures what is published."""
    return bool(captures)
