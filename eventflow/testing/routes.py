"""Where events went, or would go, and whether that is where they should."""

from collections.abc import Callable, Collection
from typing import Any, NoReturn

from eventflow.events import Event
from eventflow.publishing import Publishable
from eventflow.routing import plan
from eventflow.rules import ARCHIVE, RuleSet
from eventflow.schemas import EventModel
from eventflow.testing.parts import MemoryLedgers
from eventflow.testing.reasons import tell_unexpected, tell_why_not

__all__ = ["Routes"]


class Routes:
    """The routes of a bus's events.

    Args:
        ledgers: The bus's ledgers, which remember what was routed.
        rules: Returns the rules in force.
        route: Routes what was published and is not routed yet.
    """

    def __init__(
        self, ledgers: MemoryLedgers, rules: Callable[[], RuleSet], route: Callable[[], None]
    ) -> None:
        self._ledgers = ledgers
        self._rules = rules
        self._route = route

    def check(self, item: Publishable, wanted: Collection[str]) -> None:
        """Raise AssertionError unless an event reaches exactly the targets that are wanted."""
        __tracebackhide__ = True
        event, reached, faults = self._find(item)
        rules = self._rules()
        lines = [*faults]
        for target in sorted(set(wanted) - set(reached)):
            lines += tell_why_not(rules, event, target)
        lines += [
            tell_unexpected(target, reached[target], rules)
            for target in sorted(set(reached) - set(wanted))
        ]
        if lines:
            _fail(event, wanted, reached, lines)

    def check_not(self, item: Publishable, unwanted: Collection[str]) -> None:
        """Raise AssertionError if an event reaches one of the targets that are not wanted."""
        __tracebackhide__ = True
        event, reached, _ = self._find(item)
        rules = self._rules()
        found = sorted(set(reached) & set(unwanted))
        if found:
            lines = [tell_unexpected(target, reached[target], rules) for target in found]
            _fail(event, set(reached) - set(unwanted), reached, lines)

    def _find(self, item: Publishable) -> tuple[Event[Any], dict[str, tuple[str, ...]], list[str]]:
        """Return the event, the targets that it reaches with their rules, and what went wrong."""
        event: Event[Any] = item.to_event() if isinstance(item, EventModel) else item
        self._route()
        ledger = self._ledgers.watched(event.bus)
        if event.id in ledger.routed:
            reached = {
                planned.target: planned.rules
                for planned in ledger.routed[event.id]
                if planned.target != ARCHIVE  # no subscriber's business
            }
            faults = [
                f"it is a dead letter of the reason {letter.reason.value}: {letter.error}"
                for letter in ledger.unrouted[event.id]
            ]
            return event, reached, faults
        planned = plan(event, self._rules(), accepted_at=event.time.timestamp())
        faults = [delivery.fault for delivery in planned if delivery.fault]
        return event, {item.target.name: item.rules for item in planned if not item.fault}, faults


def _fail(
    event: Event[Any], wanted: Collection[str], reached: Collection[str], lines: list[str]
) -> NoReturn:
    __tracebackhide__ = True
    head = (
        f"event {event.id} ({event.type} of {event.source}, bus {event.bus}) was to reach "
        f"{_list(wanted)}, and reaches {_list(reached)}"
    )
    raise AssertionError("\n".join([head, *lines]))


def _list(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names)) or "no target"
