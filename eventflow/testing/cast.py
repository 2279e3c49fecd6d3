"""Who plays a target's part in a test: its own subscriber, a stand-in, or a failure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eventflow.events import Event
from eventflow.subscribers import Delivery, Subscriber, Subscribers

__all__ = ["Cast"]


@dataclass(slots=True)
class _Failure:
    error: BaseException
    left: int | None  # None: always


class Cast(Subscribers):
    """The subscribers of a flow, some of them replaced.

    Args:
        own: The flow's own.
        fakes_all: Whether a target that nobody is bound to has a stand-in that succeeds: where
            rules are tested without any code.
    """

    def __init__(self, own: Subscribers, *, fakes_all: bool) -> None:
        super().__init__()
        self._own = own
        self._fakes_all = fakes_all
        self._fakes: dict[str, Subscriber] = {}
        self._failures: dict[str, _Failure] = {}

    def get(self, target: str) -> Subscriber | None:
        """Return who plays *target*; None where it is an existing Celery task, or nobody."""
        played = self._fakes.get(target) or self._own.get(target)
        failure = self._failures.get(target)
        if failure is not None and failure.left != 0:
            return _StandIn(target, _failing(failure), played)
        if played is None and self._fakes_all:
            return _StandIn(target, _succeed, None)
        return played

    def all(self) -> list[Subscriber]:
        """Return the flow's own subscribers."""
        return self._own.all()

    def fake(self, target: str, function: Callable[..., Any] | None) -> None:
        """Have a function play *target*; None for one that succeeds."""
        own = self._own.get(target)
        self._fakes[target] = (
            _StandIn(target, _succeed, own) if function is None else Subscriber(target, function)
        )

    def fail(self, target: str, error: BaseException, times: int | None) -> None:
        """Have the next attempts at *target* fail; all of them where *times* is None."""
        self._failures[target] = _Failure(error, times)

    def restore(self, target: str) -> None:
        """Have *target* play its own part again."""
        self._fakes.pop(target, None)
        self._failures.pop(target, None)


class _StandIn(Subscriber):
    """Takes the event and the delivery, where the real one would have taken them."""

    def __init__(
        self, target: str, function: Callable[..., Any], stands_for: Subscriber | None
    ) -> None:
        super().__init__(target, function)
        self._stands_for = stands_for

    def bind(self, event: Event, shaped: str | None, delivery: Delivery) -> tuple[Any, ...]:
        """Return the function's arguments; what the real one could not be handed is a fault here."""
        if self._stands_for is not None:
            self._stands_for.bind(event, shaped, delivery)
        return (event, delivery)


def _succeed(event: Event, delivery: Delivery) -> None:
    """Stand in for a subscriber, and be content."""


def _failing(failure: _Failure) -> Callable[[Event, Delivery], None]:
    def fail(_event: Event, _delivery: Delivery) -> None:
        if failure.left is not None:
            failure.left -= 1
        raise failure.error.with_traceback(None)

    return fail
