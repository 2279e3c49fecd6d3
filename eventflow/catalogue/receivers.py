"""Which rules may match an event of which only source and type are known."""

from eventflow.patterns import Pattern
from eventflow.rules import Rule, RuleSet

__all__ = ["can_match", "receiving_rules"]


def receiving_rules(rule_set: RuleSet, source: str, type: str) -> tuple[Rule, ...]:
    """Return the enabled rules that some event of this source and type may match, in order."""
    return tuple(
        rule for rule in rule_set.rules if rule.enabled and can_match(rule.pattern, source, type)
    )


def can_match(pattern: Pattern, source: str, type: str) -> bool:
    """Tell whether a pattern leaves room for events of a source and type.

    Args:
        pattern: The pattern; what it asks of other fields is taken as met.
        source: The events' source.
        type: The events' type.
    """
    known = {"source": source, "detail-type": type}
    return any(
        all(
            condition.accepts(known[condition.path])
            for condition in alternative
            if condition.path in known
        )
        for alternative in pattern.alternatives
    )
