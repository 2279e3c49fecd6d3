"""What a ledger answers to who publishes: what became of each event, and whether a router is called."""

from collections.abc import Callable, Iterable, Sequence

from eventflow.delivery.answers import Acceptance

__all__ = ["Accepted", "WriteCalls"]

WriteCalls = Callable[[str, Sequence[tuple[str, bytes, str]]], Sequence[bytes]]
"""Writes the messages that have events of a bus routed, as they lie on the broker's list; the events
are those of `Ledger.accept`. None are written where the broker is another server than the ledger, or
messages are to be sent in Celery's own way."""


class Accepted(list[Acceptance]):
    """What became of events, in order.

    Args:
        answers: One for each event.
        is_call_due: Whether routers are to be sent a message of the events; it is not where the
            ledger has sent it.

    Attributes:
        is_call_due: The same.
    """

    __slots__ = ("is_call_due",)

    def __init__(self, answers: Iterable[Acceptance], *, is_call_due: bool) -> None:
        super().__init__(answers)
        self.is_call_due = is_call_due
