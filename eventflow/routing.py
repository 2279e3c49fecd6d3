"""Which targets get an event, and what each gets: pure, from the event and the rules alone."""

from dataclasses import dataclass, field
from typing import Any

from eventflow.encoding import DEFAULT_MAX_BYTES
from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.rules import (
    ARCHIVE_TARGET,
    UNRESTRICTED,
    Restriction,
    RuleSet,
    RuleTarget,
    Target,
)
from eventflow.rules.archives import FOREVER, kept_until
from eventflow.rules.templates import compact
from eventflow.units import format_time

__all__ = ["INPUT_TIMES", "PlannedDelivery", "plan"]

INPUT_TIMES = 4
"""How many times as large as an event may be, an input that is shaped from one may be."""


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


def plan(
    event: Event[Any],
    rules: RuleSet,
    *,
    accepted_at: float,
    max_input: int = INPUT_TIMES * DEFAULT_MAX_BYTES,
    only: Restriction = UNRESTRICTED,
    with_archive: bool = False,
) -> tuple[PlannedDelivery, ...]:
    """Decide which targets get an event.

    Args:
        event: The event.
        rules: The rules in force; the enabled ones of the event's bus count.
        accepted_at: When the event was accepted, seconds since the epoch; templates may show it.
        max_input: The most bytes that a shaped input may have: a template may name a large part of
            the event many times.
        only: Which rules and targets count, of an event that a replay sends.
        with_archive: Whether the archives count, too.

    Returns:
        One delivery for each target, in the order in which the rules first name them. Where
        several rules name one target, the first says what it gets. Last the archive's, whose rules
        are the archives that keep the event: one, however many they are, and none for an event
        that a replay sent, since it came from there.
    """
    document = event.to_eventbridge()
    chosen: dict[str, tuple[str, RuleTarget]] = {}
    matched: dict[str, list[str]] = {}
    for rule in rules.matching(event.bus, document):
        for each in rule.targets if only.allows_rule(rule.name) else ():
            if only.allows_target(each.target):
                chosen.setdefault(each.target, (rule.name, each))
                matched.setdefault(each.target, []).append(rule.name)
    planned = []
    for name, (rule_name, rule_target) in chosen.items():
        text, fault = _shape(rule_target, document, rule_name, accepted_at, max_input)
        delivery = PlannedDelivery(rules.targets[name], tuple(matched[name]), text, fault)
        planned.append(delivery)
    if with_archive and event.replay_name is None:
        planned += _plan_archive(event.bus, document, rules, accepted_at, list(chosen))
    return tuple(planned)


def _plan_archive(
    bus: str, document: dict[str, Any], rules: RuleSet, accepted_at: float, targets: list[str]
) -> list[PlannedDelivery]:
    archives = rules.archiving(bus, document)
    if not archives:
        return []
    until = kept_until(archives, accepted_at)
    # Said here, so that the recorder needs no rules, and a redrive changes neither.
    facts = {
        "accepted_at": accepted_at,
        "kept_until": None if until == FOREVER else until,
        "targets": targets,  # whoever else gets it: `targets start` sends what was not sent
    }
    names = tuple(archive.name for archive in archives)
    return [PlannedDelivery(ARCHIVE_TARGET, names, compact(facts))]


def _shape(
    rule_target: RuleTarget,
    document: dict[str, Any],
    rule_name: str,
    accepted_at: float,
    max_input: int,
) -> tuple[str | None, str]:
    if rule_target.input is None:
        return None, ""
    try:
        value = rule_target.input.shape(
            document, rule_name=rule_name, ingestion_time=format_time(accepted_at)
        )
    except EventError as error:
        return None, f"the input of rule {rule_name!r} could not be made: {error}"
    text = compact(value)
    # Most are so short that their bytes need not be counted.
    size = len(text) if len(text) * 4 <= max_input else len(text.encode("utf-8", "replace"))
    if size > max_input:
        return None, (
            f"the input of rule {rule_name!r} has {size:,} bytes, and at most {max_input:,} are "
            "allowed: shape less of the event, or raise EVENTFLOW_MAX_EVENT_BYTES"
        )
    return text, ""
