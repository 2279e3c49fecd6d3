"""Which archived events are sent: what the database finds by itself, and what patterns decide."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eventflow.errors import EventError
from eventflow.patterns import Matcher, Pattern
from eventflow.patterns.json_text import read_json
from eventflow.replay.request import ReplayRequest
from eventflow.rules import Restriction, Rule, RuleSet
from eventflow.store.archived import ArchivedEvent, ArchiveFilter

__all__ = ["Selected", "Selection"]

_MOST_VALUES = 200  # sources or types that one question names; SQLite takes 32,766 values in all
_ASKED = "pattern"
_SEEN = ("id", "detail-type", "source", "account", "time", "region", "resources", "detail")
_DEFAULTS = {"version": "0", "account": "", "region": "", "resources": []}


@dataclass(frozen=True, slots=True)
class Selected:
    """An archived event that is to be sent.

    Attributes:
        event: The event.
        deliveries: The targets that get it, each with the rules that match, as the rules are here.
    """

    event: ArchivedEvent = field(repr=False)
    deliveries: Mapping[str, tuple[str, ...]]


class Selection:
    """The events of a replay.

    Args:
        request: What is replayed.
        rules: The rules in force.
        name: The replay's, which patterns see as `replay-name`.
    """

    def __init__(self, request: ReplayRequest, rules: RuleSet, name: str) -> None:
        self._request = request
        self._name = name
        only = request.restriction
        self._rules = {
            rule.name: rule
            for rule in rules.rules
            if rule.enabled and rule.bus == request.bus and only.allows_rule(rule.name)
            if any(only.allows_target(each.target) for each in rule.targets)
        }
        self._asked = Pattern(dict(request.pattern)) if request.pattern is not None else None
        self._matcher = Matcher({name: rule.pattern for name, rule in self._rules.items()})
        self.filters = self._filters()

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that may get any of it, sorted."""
        only = self._request.restriction
        return tuple(sorted({name for rule in self._rules.values() for name in _names(rule, only)}))

    def of(self, event: ArchivedEvent) -> Selected | None:
        """Decide about one event; None when it is not sent.

        Without a restriction to rules or targets, it is sent though no rule here matches: the
        routers' rules decide.

        Raises:
            EventError: When its content cannot be read.
        """
        request = self._request
        if request.unsent_to and request.unsent_to in event.targets:
            return None
        # The database may have been asked for more: see _MOST_VALUES.
        if request.sources and event.source not in request.sources:
            return None
        if request.types and event.type not in request.types:
            return None
        document = self._document(event)
        if self._asked is not None and not self._asked.matches(document):
            return None
        deliveries = self._deliveries(self._matcher.match(document))
        if not deliveries and request.is_restricted:
            return None
        return Selected(event, deliveries)

    def _deliveries(self, matched: Iterable[str]) -> dict[str, tuple[str, ...]]:
        only = self._request.restriction
        found: dict[str, tuple[str, ...]] = {}
        for name in sorted(matched):
            for target in _names(self._rules[name], only):
                found[target] = (*found.get(target, ()), name)
        return found

    def _document(self, event: ArchivedEvent) -> dict[str, Any]:
        try:
            wire = read_json(event.body)
        except (ValueError, RecursionError) as error:
            message = f"the archived event {event.event_id} is no JSON: {error}"
            raise EventError(message) from error
        # What an event's JSON leaves out, since it is the default, patterns see all the same.
        seen = {name: wire[name] for name in _SEEN if name in wire}
        return {**_DEFAULTS, **seen, "replay-name": self._name}

    def _filters(self) -> ArchiveFilter:
        """Return what the database can tell: sources and types that are named exactly."""
        request = self._request
        asked = [self._asked] if self._asked is not None else []
        found: dict[str, tuple[str, ...] | None] = {}
        for field_name, given in (("source", request.sources), ("detail-type", request.types)):
            sets = [set(given)] if given else []
            sets += [values for one in asked if (values := _exactly(one, field_name)) is not None]
            if request.is_restricted:
                wanted = [_exactly(rule.pattern, field_name) for rule in self._rules.values()]
                if None not in wanted:
                    sets.append(set().union(*(values or set() for values in wanted)))
            values = set.intersection(*sets) if sets else None
            is_short = values is not None and len(values) <= _MOST_VALUES
            found[field_name] = tuple(sorted(values)) if values is not None and is_short else None
        return ArchiveFilter(
            bus=request.bus,
            archive=request.archive,
            since=request.since,
            until=request.until,
            sources=found["source"],
            types=found["detail-type"],
        )


def _names(rule: Rule, only: Restriction) -> list[str]:
    return [each.target for each in rule.targets if only.allows_target(each.target)]


def _exactly(pattern: Pattern, name: str) -> set[str] | None:
    """Return the only values of a field with which a pattern can match; None where that is open."""
    wanted = pattern.source.get(name)
    if isinstance(wanted, list) and all(isinstance(value, str) for value in wanted):
        return set(wanted)
    return None
