"""What rules make of one event: which match it, and how near the others come."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eventflow.patterns import Explanation
from eventflow.rules.ruleset import Rule

__all__ = ["RuleAnswer", "RuleStatus", "answers_of"]


class RuleStatus(StrEnum):
    """Whether a rule delivers an event; only one that is in force on the event's bus can."""

    MATCHES = "matches"
    NO_MATCH = "no match"
    OTHER_BUS = "other bus"
    DISABLED = "disabled"


_ORDER = tuple(RuleStatus)


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What one rule makes of an event.

    Attributes:
        rule: The rule.
        status: Whether it delivers the event.
        explanation: What its pattern makes of the event, in force or not.
    """

    rule: Rule
    status: RuleStatus
    explanation: Explanation

    @property
    def is_near(self) -> bool:
        """Whether something of the pattern fits, or a known mistake is in the way."""
        return self.explanation.passed > 0 or any(report.hint for report in self.explanation.failed)

    def order(self) -> tuple[int, float, int]:
        """Return what sorts answers: those that match, then the nearest."""
        failed = self.explanation.failed
        unexplained = sum(not report.hint for report in failed)
        return _ORDER.index(self.status), -self.explanation.nearness, unexplained


def answers_of(  # Any: a JSON value
    rules: Iterable[Rule], bus: str, event: dict[str, Any]
) -> list[RuleAnswer]:
    """Ask rules about an event.

    Args:
        rules: The rules, of any bus, enabled or not.
        bus: The event's bus.
        event: The event by EventBridge's names.

    Returns:
        An answer of each: those that match come first, then the others by how near they come.
    """
    return sorted((_answer(rule, bus, event) for rule in rules), key=RuleAnswer.order)


def _answer(rule: Rule, bus: str, event: dict[str, Any]) -> RuleAnswer:
    explanation = rule.pattern.explain(event)
    if not rule.enabled:
        status = RuleStatus.DISABLED
    elif rule.bus != bus:
        status = RuleStatus.OTHER_BUS
    else:
        status = RuleStatus.MATCHES if explanation.matched else RuleStatus.NO_MATCH
    return RuleAnswer(rule, status, explanation)
