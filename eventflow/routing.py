"""Which targets get an event, and what each gets: pure, from the event and the rules alone."""

from dataclasses import dataclass, field
from typing import Any

from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.rules import RuleSet, RuleTarget, Target
from eventflow.rules.templates import compact
from eventflow.units import format_time

__all__ = ["PlannedDelivery", "plan"]


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """One delivery that an event gives rise to.

    Attributes:
        target: What gets it.
        rules: The rules that matched and name the target, in order.
        input: The shaped input as JSON; None where the target gets the event itself.
        fault: Why the input could not be shaped; empty where it could. Such a delivery is a dead
            letter from the start.
    """

    target: Target
    rules: tuple[str, ...]
    input: str | None = field(default=None, repr=False)
    fault: str = ""


def plan(event: Event[Any], rules: RuleSet, *, accepted_at: float) -> tuple[PlannedDelivery, ...]:
    """Decide which targets get an event.

    Args:
        event: The event.
        rules: The rules in force; the enabled ones of the event's bus count.
        accepted_at: When the event was accepted, seconds since the epoch; templates may show it.

    Returns:
        One delivery for each target, in the order in which the rules first name them. Where
        several rules name one target, the first says what it gets.
    """
    document = event.to_eventbridge()
    chosen: dict[str, tuple[str, RuleTarget]] = {}
    matched: dict[str, list[str]] = {}
    for rule in rules.matching(event.bus, document):
        for each in rule.targets:
            chosen.setdefault(each.target, (rule.name, each))
            matched.setdefault(each.target, []).append(rule.name)
    planned = []
    for name, (rule_name, rule_target) in chosen.items():
        text, fault = _shape(rule_target, document, rule_name, accepted_at)
        delivery = PlannedDelivery(rules.targets[name], tuple(matched[name]), text, fault)
        planned.append(delivery)
    return tuple(planned)


def _shape(
    rule_target: RuleTarget, document: dict[str, Any], rule_name: str, accepted_at: float
) -> tuple[str | None, str]:
    if rule_target.input is None:
        return None, ""
    try:
        value = rule_target.input.shape(
            document, rule_name=rule_name, ingestion_time=format_time(accepted_at)
        )
    except EventError as error:
        return None, f"the input of rule {rule_name!r} could not be made: {error}"
    return compact(value), ""
