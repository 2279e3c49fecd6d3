"""The compiled rule set: immutable, so that a router reads it without a lock."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from eventflow.errors import Problem, RuleError
from eventflow.events import DEFAULT_BUS
from eventflow.patterns import Matcher, Pattern
from eventflow.rules.inputs import InputTransform
from eventflow.rules.targets import Target
from eventflow.rules.templates import compact

__all__ = ["Rule", "RuleSet", "RuleTarget"]


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """One target of a rule.

    Attributes:
        target: The target's name.
        input: What it gets in place of the event; None for the event itself.
    """

    target: str
    input: InputTransform | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern, and the targets of the events that match it.

    Attributes:
        name: Unique in the rule set.
        pattern: What events must match.
        targets: What gets them, in order.
        description: What it is for.
        owner: Who answers for it.
        bus: The bus whose events it looks at.
        enabled: Whether it is in force.
        file: The file that it stands in; empty where it stands in none.
        line: Its line there, from 1; 0 where unknown.
    """

    name: str
    pattern: Pattern
    targets: tuple[RuleTarget, ...]
    description: str = ""
    owner: str = ""
    bus: str = DEFAULT_BUS
    enabled: bool = True
    file: str = ""
    line: int = 0


class RuleSet:
    """Rules and targets that fit together; immutable and thread-safe.

    Args:
        targets: The targets.
        rules: The rules, in the order in which they count.

    Raises:
        RuleError: When a name is there twice, or a rule names a target that is not.
    """

    __slots__ = ("_by_bus", "_by_name", "_fingerprint", "_rules", "_targets")

    def __init__(self, targets: Iterable[Target], rules: Iterable[Rule]) -> None:
        every_target = tuple(targets)
        self._rules = tuple(rules)
        self._targets = MappingProxyType({target.name: target for target in every_target})
        self._by_name = {rule.name: (index, rule) for index, rule in enumerate(self._rules)}
        self._check(every_target)
        enabled = [rule for rule in self._rules if rule.enabled]
        self._by_bus = {
            bus: Matcher({rule.name: rule.pattern for rule in enabled if rule.bus == bus})
            for bus in {rule.bus for rule in enabled}
        }
        self._fingerprint = self._hash()

    @property
    def targets(self) -> Mapping[str, Target]:
        """The targets by name."""
        return self._targets

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, enabled or not: files sorted, in each the order of the file."""
        return self._rules

    @property
    def buses(self) -> frozenset[str]:
        """The default bus, and every bus that a rule names."""
        return frozenset({DEFAULT_BUS, *(rule.bus for rule in self._rules)})

    @property
    def fingerprint(self) -> str:
        """A hash of what the rules and targets say; neither comments nor files change it."""
        return self._fingerprint

    def matching(  # Any: a JSON value
        self, bus: str, event: dict[str, Any]
    ) -> tuple[Rule, ...]:
        """Return the enabled rules of a bus that an event matches, in order.

        Args:
            bus: The event's bus.
            event: The event by EventBridge's names.
        """
        matcher = self._by_bus.get(bus)
        if matcher is None:
            return ()
        matched = sorted(self._by_name[name] for name in matcher.match(event))
        return tuple(rule for _, rule in matched)

    def __repr__(self) -> str:
        return (
            f"<RuleSet {len(self._rules)} rules, {len(self._targets)} targets, "
            f"{self._fingerprint[:12]}>"
        )

    def _check(self, targets: tuple[Target, ...]) -> None:
        faults = []
        if len(targets) > len(self._targets):
            faults.append("two targets have one name")
        if len(self._rules) > len(self._by_name):
            faults.append("two rules have one name")
        faults.extend(
            f"rule {rule.name!r} names the target {each.target!r}, which there is not"
            for rule in self._rules
            for each in rule.targets
            if each.target not in self._targets
        )
        if faults:
            problems = [Problem("", 0, 0, "", fault) for fault in faults]
            message = "these rules do not fit together:"
            raise RuleError(message, problems)

    def _hash(self) -> str:
        content = {
            "targets": [
                self._targets[name].model_dump(mode="json") for name in sorted(self._targets)
            ],
            "rules": [
                {
                    "name": rule.name,
                    "description": rule.description,
                    "owner": rule.owner,
                    "bus": rule.bus,
                    "enabled": rule.enabled,
                    "pattern": rule.pattern.source,
                    "targets": [
                        [each.target, dict(each.input.document) if each.input else None]
                        for each in rule.targets
                    ],
                }
                for rule in self._rules
            ],
        }
        return hashlib.sha256(compact(content).encode()).hexdigest()
