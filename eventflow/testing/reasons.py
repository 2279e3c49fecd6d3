"""Why an event went where it went: what a failed assertion says."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from eventflow.events import Event
from eventflow.rules import Rule, RuleSet
from eventflow.rules.faults import suggest

__all__ = ["check_names", "tell_unexpected", "tell_why_not"]

_MOST_RULES = 3  # of those that name a target, the nearest


def check_names(rules: RuleSet, names: Collection[str]) -> str:
    """Return what is wrong with names of targets; empty where all of them are defined."""
    unknown = sorted(set(names) - set(rules.targets))
    if not unknown:
        return ""
    defined = ", ".join(sorted(rules.targets)) or "none"
    hint = suggest(unknown[0], rules.targets)
    listed = ", ".join(repr(name) for name in unknown)
    return f"the rules define no target {listed}{hint}. Defined are: {defined}"


def tell_why_not(rules: RuleSet, event: Event[Any], target: str) -> Iterator[str]:
    """Yield lines that say why an event does not reach a target.

    Args:
        rules: The rules in force.
        event: The event.
        target: The target that it was to reach.
    """
    yield f"it does not reach {target!r}"
    document = event.to_eventbridge()
    naming = [rule for rule in rules.rules if any(each.target == target for each in rule.targets)]
    if not naming:
        yield "  no rule names that target"
        return
    explained = [(rule, rule.pattern.explain(document)) for rule in naming]
    explained.sort(key=lambda pair: -pair[1].nearness)
    for rule, explanation in explained[:_MOST_RULES]:
        yield f"  rule {rule.name!r}{_place(rule)}: {_outside(rule, event)}{explanation}".replace(
            "\n", "\n  "
        )
    if len(explained) > _MOST_RULES:
        yield f"  and {len(explained) - _MOST_RULES} more rules name it, which are further off"


def tell_unexpected(target: str, rule_names: Sequence[str], rules: RuleSet) -> str:
    """Return a line that says by which rules an event reached a target."""
    by_name = {rule.name: rule for rule in rules.rules}
    listed = ", ".join(f"{name!r}{_place(by_name[name])}" for name in rule_names if name in by_name)
    return f"it reaches {target!r} too, by {'rule' if len(rule_names) == 1 else 'rules'} {listed}"


def _outside(rule: Rule, event: Event[Any]) -> str:
    """Say why a rule is not asked at all; empty where it is."""
    if not rule.enabled:
        return "is not enabled; its pattern "
    if rule.bus != event.bus:
        return f"is of the bus {rule.bus!r}, and the event of {event.bus!r}; its pattern "
    return ""


def _place(rule: Rule) -> str:
    return f" ({rule.file}:{rule.line})" if rule.file else ""
