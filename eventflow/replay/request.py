"""What is to be replayed: a span of time, which of its events, for whom, and how fast."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from eventflow.errors import PatternError, ReplayError, StoreError
from eventflow.events import DEFAULT_BUS
from eventflow.patterns import Pattern
from eventflow.rules import Restriction, RuleSet
from eventflow.units import Rate, parse_rate

__all__ = ["ReplayRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """What a replay sends again. It never changes while the replay runs.

    Attributes:
        bus: The bus.
        since: Events that were accepted then or later, seconds since the epoch.
        until: Events that were accepted before then, seconds since the epoch.
        archive: Of this archive alone; None for whatever any archive holds.
        rules: The rules that count; empty for all.
        targets: The targets that get the events; empty for all.
        sources: Events of these sources alone; empty for any.
        types: Events of these types alone; empty for any.
        pattern: Events that match it alone; None for any.
        rate: Events in a time, such as `50/s`; empty for as fast as it goes.
        unsent_to: Events alone that were not sent to this target when they were routed; empty for
            all events.
    """

    bus: str = DEFAULT_BUS
    since: float
    until: float
    archive: str | None = None
    rules: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    pattern: Mapping[str, Any] | None = None
    rate: str = ""
    unsent_to: str = ""

    @property
    def restriction(self) -> Restriction:
        """What the routers are to hold to."""
        return Restriction(frozenset(self.rules), frozenset(self.targets))

    @property
    def is_restricted(self) -> bool:
        """Whether it is for some rules or targets alone."""
        return bool(self.rules or self.targets)

    @property
    def pace(self) -> Rate | None:
        """How fast; None for as fast as it goes."""
        return parse_rate(self.rate) if self.rate else None

    def check(self, rules: RuleSet) -> None:
        """Check that it can be done by these rules.

        Args:
            rules: Those in force.

        Raises:
            ReplayError: When it names a rule or target that is not there, nothing could come of it,
                or it cannot be read.
        """
        if self.since >= self.until:
            message = "the time from which on events are replayed is not before the time at its end"
            raise ReplayError(message)
        try:
            _ = self.pace
            if self.pattern is not None:
                Pattern(dict(self.pattern))
        except (ValueError, PatternError) as error:
            message = f"what is to be replayed cannot be read: {error}"
            raise ReplayError(message) from error
        if missing := self.restriction.missing(rules):
            message = f"{missing} is not in the rules; `eventflow rules list` names what is"
            raise ReplayError(message)
        only = self.restriction
        able = [
            rule
            for rule in rules.rules
            if rule.enabled and rule.bus == self.bus and only.allows_rule(rule.name)
            if any(only.allows_target(each.target) for each in rule.targets)
        ]
        if self.is_restricted and not able:
            message = f"no enabled rule of the bus {self.bus!r} leads there, so nothing would be delivered"
            raise ReplayError(message)

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON has it, for the store."""
        return {name: value for name, value in asdict(self).items() if value not in (None, (), "")}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ReplayRequest":
        """Read what `to_document` returned.

        Raises:
            StoreError: When it was written by a version that this one cannot read.
        """
        known = {each.name for each in fields(cls)}
        if unknown := sorted(set(document) - known):
            message = (
                f"the replay says {', '.join(unknown)}, which this eventflow does not know: was it "
                "started by a newer one? Upgrade this one"
            )
            raise StoreError(message)
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in document.items()
        }
        return cls(**values)
