"""Runs tests of rules: what each event reaches, and how that differs from what it must reach."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eventflow.patterns import Explanation
from eventflow.routing import PlannedDelivery, plan
from eventflow.rules import RuleSet
from eventflow.rules.cases import NOT_STATED, RuleCase
from eventflow.schemas.validation import Action, SchemaCheck

__all__ = ["ABSENT", "CaseResult", "InputDifference", "MissingTarget", "run_case"]

ABSENT = object()
"""What stands where one side of a difference has nothing."""

_MOST_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class MissingTarget:
    """A target that the event should reach, and does not.

    Attributes:
        target: The target's name.
        rule: Of the rules that would send it there, the one that came nearest; empty where none
            in force on the event's bus names the target.
        explanation: Why that rule does not match; None where there is none.
    """

    target: str
    rule: str
    explanation: Explanation | None


@dataclass(frozen=True, slots=True)
class InputDifference:
    """One place at which a target's input is not what it must be.

    Attributes:
        target: The target's name.
        path: Where in the input, as ``$.door.kind``.
        expected: What must stand there; `ABSENT` for nothing.
        actual: What does.
    """

    target: str
    path: str
    expected: Any  # Any: a JSON value
    actual: Any


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one test.

    Attributes:
        case: The test.
        reached: The targets that the event reaches.
        missing: Those that it should reach as well.
        unexpected: Those that it should not reach, each with the rules that send it there.
        inputs: Where inputs differ; of each target the first 20 places.
        faults: Targets whose input could not be made, each with the reason.
        unfit: Why the event, by its schema, would be refused; empty where it would not.
    """

    case: RuleCase
    reached: tuple[str, ...]
    missing: tuple[MissingTarget, ...]
    unexpected: tuple[tuple[str, tuple[str, ...]], ...]
    inputs: tuple[InputDifference, ...]
    faults: tuple[tuple[str, str], ...]
    unfit: str = ""

    @property
    def passed(self) -> bool:
        """Whether all is as the test says."""
        return not (self.missing or self.unexpected or self.inputs or self.faults or self.unfit)


def run_case(case: RuleCase, rules: RuleSet, schemas: SchemaCheck | None = None) -> CaseResult:
    """Run one test; nothing is published.

    Args:
        case: The test.
        rules: The rules that it is of.
        schemas: Checks the event by its schema; None where that is not asked for.

    Returns:
        What is and what should be. The event counts as accepted at its own time.
    """
    planned = plan(case.event, rules, accepted_at=case.event.time.timestamp())
    by_target = {delivery.target.name: delivery for delivery in planned}
    expected = {each.target: each for each in case.expected}
    return CaseResult(
        case=case,
        reached=tuple(by_target),
        missing=tuple(
            _find_reason(name, case, rules) for name in expected if name not in by_target
        ),
        unexpected=tuple(
            (name, delivery.rules) for name, delivery in by_target.items() if name not in expected
        ),
        inputs=tuple(
            difference
            for name, each in expected.items()
            if each.input is not NOT_STATED and name in by_target and not by_target[name].fault
            for difference in _compare_input(each.input, by_target[name], case)
        ),
        faults=tuple(
            (name, delivery.fault) for name, delivery in by_target.items() if delivery.fault
        ),
        unfit=_check_schema(case, schemas) if schemas is not None else "",
    )


def _check_schema(case: RuleCase, schemas: SchemaCheck) -> str:
    event = case.event
    result = schemas.check(event.source, event.type, event.dataschema, event.bus, event.data)
    return result.message if result.action is Action.REFUSE else ""


def _find_reason(target: str, case: RuleCase, rules: RuleSet) -> MissingTarget:
    document = case.event.to_eventbridge()
    explained = [
        (rule.name, rule.pattern.explain(document))
        for rule in rules.rules
        if rule.enabled
        and rule.bus == case.event.bus
        and any(each.target == target for each in rule.targets)
    ]
    if not explained:
        return MissingTarget(target, "", None)
    name, explanation = max(explained, key=lambda each: each[1].nearness)
    return MissingTarget(target, name, explanation)


def _compare_input(
    expected: object, delivery: PlannedDelivery, case: RuleCase
) -> list[InputDifference]:
    # A target without an input of its own gets the event.
    text = delivery.input
    actual = case.event.to_eventbridge() if text is None else json.loads(text)
    found = []
    for path, left, right in _compare(expected, actual, "$"):
        found.append(InputDifference(delivery.target.name, path, left, right))
        if len(found) == _MOST_DIFFERENCES:
            break
    return found


def _compare(expected: Any, actual: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in dict.fromkeys((*expected, *actual)):
            left, right = expected.get(key, ABSENT), actual.get(key, ABSENT)
            yield from _compare(left, right, f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (left, right) in enumerate(zip(expected, actual, strict=True)):
            yield from _compare(left, right, f"{path}[{index}]")
    elif isinstance(expected, bool) is not isinstance(actual, bool) or expected != actual:
        yield path, expected, actual
