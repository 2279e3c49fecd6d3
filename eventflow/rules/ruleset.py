"""The compiled rule set: immutable, so that a router reads it without a lock."""

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from eventflow.errors import Problem, RuleError
from eventflow.events import DEFAULT_BUS
from eventflow.patterns import Matcher
from eventflow.rules.archives import ARCHIVE, ARCHIVE_TARGET, FOREVER, Archive
from eventflow.rules.rule import Rule, RuleTarget
from eventflow.rules.targets import Target
from eventflow.rules.templates import compact

__all__ = ["Rule", "RuleSet", "RuleTarget"]


class RuleSet:
    """Rules and targets that fit together; immutable and thread-safe.

    Args:
        targets: The targets.
        rules: The rules, in the order in which they count.
        archives: The archives.

    Raises:
        RuleError: When a name is there twice, or a rule names a target that is not.
    """

    __slots__ = (
        "_archives",
        "_archives_by_bus",
        "_by_bus",
        "_by_name",
        "_fingerprint",
        "_rules",
        "_targets",
    )

    def __init__(
        self, targets: Iterable[Target], rules: Iterable[Rule], archives: Iterable[Archive] = ()
    ) -> None:
        every_target = tuple(targets)
        self._rules = tuple(rules)
        self._targets = MappingProxyType({target.name: target for target in every_target})
        self._by_name = {rule.name: (index, rule) for index, rule in enumerate(self._rules)}
        self._check(every_target)
        self._by_bus = _matchers(self._rules)
        self._archives = {archive.name: archive for archive in archives}
        self._archives_by_bus = _matchers(self._archives.values())
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
    def archives(self) -> tuple[Archive, ...]:
        """Every archive, enabled or not: files sorted, in each the order of the file."""
        return tuple(self._archives.values())

    @property
    def patterned(self) -> tuple[Rule, ...]:
        """Whatever has a pattern: every rule, then every archive."""
        return (*self._rules, *self._archives.values())

    @property
    def announced(self) -> Mapping[str, Target]:
        """The targets that workers are told of: those of the files, and that of the archives."""
        return {**self._targets, ARCHIVE: ARCHIVE_TARGET} if self._archives else self._targets

    @property
    def named_targets(self) -> frozenset[str]:
        """The names of the targets that what is in force delivers to."""
        named = {each.target for rule in self._rules if rule.enabled for each in rule.targets}
        return frozenset(named | ({ARCHIVE} if self._archives_by_bus else set()))

    @property
    def buses(self) -> frozenset[str]:
        """The default bus, and every bus that a rule or an archive names."""
        return frozenset({DEFAULT_BUS, *(rule.bus for rule in self.patterned)})

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

    def archiving(  # Any: a JSON value
        self, bus: str, event: dict[str, Any]
    ) -> tuple[Archive, ...]:
        """Return the enabled archives of a bus that keep an event, by name.

        Args:
            bus: The event's bus.
            event: The event by EventBridge's names.
        """
        matcher = self._archives_by_bus.get(bus)
        if matcher is None:
            return ()
        return tuple(self._archives[name] for name in sorted(matcher.match(event)))

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
        if self._archives:
            content["archives"] = [
                {
                    "name": archive.name,
                    "description": archive.description,
                    "owner": archive.owner,
                    "bus": archive.bus,
                    "enabled": archive.enabled,
                    "pattern": archive.pattern.source,
                    "retention": None if archive.retention == FOREVER else archive.retention,
                }
                for archive in self._archives.values()
            ]
        return hashlib.sha256(compact(content).encode()).hexdigest()


def _matchers(rules: Iterable[Rule]) -> dict[str, Matcher]:
    """Return a matcher for each bus that has a rule in force."""
    enabled = [rule for rule in rules if rule.enabled]
    return {
        bus: Matcher({rule.name: rule.pattern for rule in enabled if rule.bus == bus})
        for bus in {rule.bus for rule in enabled}
    }
