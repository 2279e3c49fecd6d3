"""Which rule reads which field of an event, and which rules can match a kind of event at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.events import write_path
from eventflow.patterns.condition import Condition
from eventflow.patterns.operators.table import read_operator
from eventflow.patterns.syntax import Alternative
from eventflow.patterns.tree import SEPARATOR
from eventflow.rules.impossible import describe_impossible
from eventflow.rules.inputs import InputTransform
from eventflow.rules.ruleset import Rule, RuleSet

__all__ = [
    "FieldReader",
    "FieldTest",
    "can_match",
    "field_tests",
    "input_reads",
    "readers",
    "rules_for",
]

_OR = "$or"


@dataclass(frozen=True, slots=True)
class FieldTest:
    """One place of a pattern at which a field is tested.

    Attributes:
        condition: What is asked of the field.
        where: The place, from the rule's definition: ``("pattern", "detail", "door", "kind")``.
    """

    condition: Condition
    where: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class FieldReader:
    """One place of a rule that reads a field of the event.

    Attributes:
        rule: The rule.
        target: The target whose input reads it; None where the pattern does.
        path: The field by EventBridge's names, as ``detail.door.kind``; empty for the whole event.
        where: The place, from the rule's definition: ``("pattern", "detail", "door", "kind")`` or
            ``("targets", 0, "input", "paths", "who")``.
        steps: The path's names and indexes from the event's top. A pattern has names alone, and
            looks into every element of an array on the way.
    """

    rule: Rule
    target: str | None
    path: str
    where: tuple[str | int, ...]
    steps: tuple[str | int, ...]

    def reads(self, names: Sequence[str]) -> bool:
        """Tell whether a change of a field would be seen here.

        Args:
            names: The field's names from the event's top, arrays passed over:
                ``("detail", "parcel", "id")``.

        Returns:
            True when this reads the field, something around it, or something in it.
        """
        wanted = SEPARATOR.join(names)
        own = SEPARATOR.join(step for step in self.steps if isinstance(step, str))
        if not own or not wanted:
            return True
        longer, shorter = max(own, wanted, key=len), min(own, wanted, key=len)
        return longer == shorter or longer.startswith(f"{shorter}{SEPARATOR}")


def readers(rule_set: RuleSet) -> tuple[FieldReader, ...]:
    """Return every place of every rule that reads a field, enabled or not.

    A target that has no input gets the whole event, which is a place with an empty path.
    """
    return tuple(reader for rule in rule_set.rules for reader in _readers_of(rule))


def rules_for(rule_set: RuleSet, source: str, type: str, bus: str) -> tuple[Rule, ...]:
    """Return the rules in force that can match some event of a kind, in order.

    Args:
        rule_set: The rules.
        source: The events' source.
        type: Their type.
        bus: Their bus.
    """
    return tuple(
        rule
        for rule in rule_set.rules
        if rule.enabled
        and rule.bus == bus
        and any(can_match(alternative, source, type) for alternative in rule.pattern.alternatives)
    )


def can_match(alternative: Alternative, source: str, type: str) -> bool:
    """Tell whether an event of a source and a type may meet all conditions of an alternative."""
    envelope = {"source": source, "detail-type": type}
    return all(
        condition.accepts(envelope[condition.path])
        for condition in alternative
        if condition.path in envelope
    ) and not describe_impossible(alternative)


def field_tests(rule: Rule) -> Iterator[FieldTest]:
    """Yield every place of a rule's pattern that tests a field, those in ``$or`` too."""
    yield from _tests_in(rule.pattern.source, (), ("pattern",))


def input_reads(
    transform: InputTransform,
) -> Iterator[tuple[tuple[str, ...], tuple[str | int, ...]]]:
    """Yield what an input reads: the place below `input`, and the steps from the event's top."""
    for where, path in transform.paths.items():
        yield where, path.steps
    if transform.takes_whole_event:
        yield ("template",), ()


def _readers_of(rule: Rule) -> Iterator[FieldReader]:
    for test in field_tests(rule):
        path = test.condition.path
        yield FieldReader(rule, None, path, test.where, tuple(path.split(SEPARATOR)))
    for index, each in enumerate(rule.targets):
        if each.input is None:
            yield FieldReader(rule, each.target, "", ("targets", index), ())
            continue
        for where, steps in input_reads(each.input):
            place: tuple[str | int, ...] = ("targets", index, "input", *where)
            yield FieldReader(rule, each.target, write_path(steps), place, steps)


def _tests_in(
    fields: dict[str, Any], names: tuple[str, ...], where: tuple[str | int, ...]
) -> Iterator[FieldTest]:
    for name, value in fields.items():
        here = (*where, name)
        if name == _OR:
            for index, branch in enumerate(value):
                yield from _tests_in(branch, names, (*here, index))
        elif isinstance(value, dict):
            yield from _tests_in(value, (*names, name), here)
        else:
            path = SEPARATOR.join((*names, name))
            operators = tuple(read_operator(item, path) for item in value)
            yield FieldTest(Condition(path, operators), here)
