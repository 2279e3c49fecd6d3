"""Lays a pattern over one event and tells what became of each condition.

Whether a condition is met is asked of the same code that matches. First each condition is asked
alone; then those that hold are asked together, since in arrays of objects each may hold in an
element of its own. The time is linear in the event's size times the conditions.
"""

from collections.abc import Sequence
from typing import Any

from eventflow.patterns.condition import Condition
from eventflow.patterns.explanation import ConditionReport, Explanation
from eventflow.patterns.fields import meets
from eventflow.patterns.hints import find_hint
from eventflow.patterns.leaves import find_leaves
from eventflow.patterns.syntax import Alternative
from eventflow.patterns.tree import grow
from eventflow.patterns.wording import MOST_NAMED, list_words

__all__ = ["explain"]

_MOST_CULPRITS = 8
_ELSEWHERE = (
    "a value fits, but in another element of an array than the conditions before it; one element "
    "must meet them all"
)


def explain(alternatives: Sequence[Alternative], event: dict[str, Any]) -> Explanation:
    """Explain what a pattern makes of an event.

    Args:
        alternatives: The pattern's combinations, each with its conditions.
        event: The event as EventBridge's dict.

    Returns:
        The explanation of the first combination that matches, else of the nearest.
    """
    known: dict[Condition, bool] = {}
    nearest = 0
    largest = -1.0
    for index, alternative in enumerate(alternatives):
        for condition in alternative:
            if condition not in known:
                known[condition] = meets(grow([condition]), event)
        # An absence may hold together with others, though not alone.
        possible = all(known[each] or each.may_be_absent for each in alternative)
        if possible and meets(grow(alternative), event):
            reports = tuple(_report(each, event, passed=True) for each in alternative)
            return Explanation(True, reports, index + 1, len(alternatives))
        share = sum(known[each] for each in alternative) / len(alternative)
        if share > largest:
            nearest, largest = index, share
    alternative = alternatives[nearest]
    holding = {each for each in alternative if known[each]}
    together = _find_consistent(alternative, holding, event)
    reports = tuple(
        _report(each, event, passed=each in together, alone=each in holding) for each in alternative
    )
    return Explanation(False, reports, nearest + 1, len(alternatives))


def _find_consistent(
    alternative: Alternative, holding: set[Condition], event: dict[str, Any]
) -> set[Condition]:
    """Return conditions that hold together: as many as can be said quickly."""
    kept: list[Condition] = []
    rest = [condition for condition in alternative if condition in holding]
    for _ in range(_MOST_CULPRITS):
        if _hold(alternative, [*kept, *rest], event):
            kept += rest
            break
        # The conditions before the culprit hold together, and with it no more.
        low, high = 0, len(rest)
        while high - low > 1:
            middle = (low + high) // 2
            if _hold(alternative, [*kept, *rest[:middle]], event):
                low = middle
            else:
                high = middle
        kept += rest[:low]
        rest = rest[low + 1 :]
    # An absence may hold in the element that others choose, though not in the whole array.
    absences = [
        condition
        for condition in alternative
        if condition.may_be_absent and condition not in holding
    ]
    for condition in absences[:_MOST_CULPRITS]:
        if _hold(alternative, [*kept, condition], event):
            kept.append(condition)
    return set(kept)


def _hold(alternative: Alternative, conditions: Sequence[Condition], event: dict[str, Any]) -> bool:
    chosen = set(conditions)
    # In the service's order, which matters to absences.
    return meets(grow(each for each in alternative if each in chosen), event)


def _report(
    condition: Condition, event: dict[str, Any], *, passed: bool, alone: bool = False
) -> ConditionReport:
    finding = find_leaves(event, condition.path)
    hint = ""
    if not passed:
        hint = _ELSEWHERE if alone else find_hint(condition, finding, event)
    return ConditionReport(
        path=condition.path,
        wanted=_describe(condition),
        found=finding.shown,
        count=finding.count,
        passed=passed,
        hint=hint,
    )


def _describe(condition: Condition) -> str:
    words = [node.describe() for node in condition.operators[:MOST_NAMED]]
    return list_words(words, len(condition.operators))
