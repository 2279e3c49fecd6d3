"""What a ledger answers to who publishes, and the messages that it puts on a broker's list itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from eventflow.delivery.answers import Acceptance

__all__ = ["NO_CALLS", "Accepted", "WriteCall", "WrittenCall"]

WriteCall = Callable[[str, Sequence[tuple[str, bytes, str]]], bytes | None]
"""Writes the message that has events of a bus routed, as it lies on the broker's list; the events are
those of `Ledger.accept`. It is None where the broker is another server than the ledger, or messages
are to be sent in Celery's own way."""


class WrittenCall(NamedTuple):
    """A message that calls a target's workers, for a ledger whose server is the broker too.

    Attributes:
        queue: The target's queue: a list there.
        entry: The message, as it lies on the list.
    """

    queue: str
    entry: bytes


NO_CALLS: Mapping[str, WrittenCall] = MappingProxyType({})
"""None that a ledger could send itself."""


class Accepted(list[Acceptance]):
    """What became of events, in order.

    Args:
        answers: One for each event.
        is_call_due: Whether a router is to be sent a message: something waits to be routed, no
            message is on its way, and the ledger has not put one on the queue itself.

    Attributes:
        is_call_due: The same.
    """

    __slots__ = ("is_call_due",)

    def __init__(self, answers: Iterable[Acceptance], *, is_call_due: bool) -> None:
        super().__init__(answers)
        self.is_call_due = is_call_due
