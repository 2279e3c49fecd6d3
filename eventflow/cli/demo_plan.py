"""The demo's expectation: what the rules ask for, worked out apart from the routers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from eventflow.events import Event
from eventflow.routing import plan
from eventflow.rules import RuleSet

__all__ = ["Expectation", "expect"]

_WATCHED = frozenset({"device-vendor", "delivery-partner", "notifications", "audit"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is to happen.

    Attributes:
        targets: Each event's id and the targets that the rules ask for, in the order of the
            events; an id that comes again is the same event.
        unwatched: Targets that were asked for and whose outside the demo cannot see, such as an
            integration of the reader's own; they are no part of `targets`.
    """

    targets: dict[str, tuple[str, ...]]
    unwatched: tuple[str, ...]


def expect(events: Iterable[Event[Any]], rules: RuleSet, *, accepted_at: float) -> Expectation:
    """Work out what the rules ask for.

    Args:
        events: What will be published.
        rules: The rules.
        accepted_at: A moment, in seconds since the epoch, for the inputs that name one.
    """
    targets: dict[str, tuple[str, ...]] = {}
    unwatched: set[str] = set()
    for event in events:
        if event.id in targets:
            continue
        planned = [item.target for item in plan(event, rules, accepted_at=accepted_at)]
        unwatched.update(item.name for item in planned if item.integration not in _WATCHED)
        targets[event.id] = tuple(item.name for item in planned if item.integration in _WATCHED)
    return Expectation(targets, tuple(sorted(unwatched)))
