"""The rule: a pattern, and what gets the events that match it."""

from dataclasses import dataclass
from typing import ClassVar

from eventflow.events import DEFAULT_BUS
from eventflow.patterns import Pattern
from eventflow.rules.inputs import InputTransform

__all__ = ["Rule", "RuleTarget"]


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
        section: The section of the file that it stands in.
    """

    section: ClassVar[str] = "rules"

    name: str
    pattern: Pattern
    targets: tuple[RuleTarget, ...]
    description: str = ""
    owner: str = ""
    bus: str = DEFAULT_BUS
    enabled: bool = True
    file: str = ""
    line: int = 0
