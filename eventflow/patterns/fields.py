"""A tree of conditions against an event: fields found, arrays kept consistent.

The tree is laid over the event. At an array of objects one element must meet all that is asked
below it. Each value of the event is so seen once for each branch that lies on it: the cost is
linear, however the arrays are nested.

One rule of the service needs care: a field is absent when no leaf of it lies in the elements
chosen *so far*, and elements are chosen by conditions in the order of their paths. So an absence
that comes before an array's first present field is asked of the whole array, a later one of the
chosen element. That is all that `Branch.absent_first`, `_Nest` and *forced* are for.
"""

from collections.abc import Iterator, Sequence

from eventflow.patterns.condition import Condition
from eventflow.patterns.spelling import unfold
from eventflow.patterns.tree import Branch

__all__ = ["meets"]

_MISSING = object()

_Forced = frozenset[Branch]
"""Fields that may be absent elsewhere and must be present here: the whole array has them."""

_NONE_FORCED: _Forced = frozenset()


def meets(root: Branch, event: dict[str, object]) -> bool:
    """Tell whether *event* meets every condition of a tree.

    Args:
        root: The tree's root.
        event: The event as EventBridge's dict.

    Returns:
        True when all conditions are met, and consistently so in arrays.
    """
    return _children_meet(root, event, _NONE_FORCED)


def _meets(branch: Branch, value: object, forced: _Forced) -> bool:
    if value is _MISSING:
        return _may_be_missing(branch, forced)
    if isinstance(value, dict):
        condition = branch.condition
        if condition is not None and (not condition.may_be_absent or branch in forced):
            return False  # an object is no leaf
        return _children_meet(branch, value, forced)
    if isinstance(value, list | tuple):
        return _array_meets(branch, value, forced)
    if branch.condition is not None and not branch.condition.accepts(value):
        return False
    return all(_may_be_missing(child, forced) for child in branch.children.values())


def _may_be_missing(branch: Branch, forced: _Forced) -> bool:
    return branch.optional and not (forced and _holds(branch, forced))


def _holds(branch: Branch, forced: _Forced) -> bool:
    return branch in forced or any(_holds(child, forced) for child in branch.children.values())


def _children_meet(branch: Branch, value: dict[str, object], forced: _Forced) -> bool:
    if not branch.children:
        return True
    value = unfold(value, branch.children)
    for name, child in branch.children.items():
        if not _meets(child, value.get(name, _MISSING), forced):
            return False
    return True


def _array_meets(branch: Branch, array: Sequence[object], forced: _Forced) -> bool:
    wanted = branch.condition
    if wanted is not None and wanted.may_be_absent and branch not in forced:
        wanted = None if _is_absent(array, ()) else wanted
    if branch.absent_first:
        return _Nest(branch, array).meets(wanted, forced)
    # Arrays in arrays are one field's values; a stack, since an event may nest them deeply.
    pending = [(array, wanted)]
    while pending:
        values, wanted = pending.pop()
        if wanted is not None and _has_leaf(values, wanted):
            wanted = None
        if wanted is None and (not branch.children or _any_object(branch, values, forced)):
            return True
        pending.extend((item, wanted) for item in _arrays(values))
    return False


class _Nest:
    """An array, with the arrays in it, below which fields may be absent before others.

    A leaf that stands in an array beside objects chooses none of them; one that stands in an
    inner array chooses that array. So each array of the nest is asked for absences of its own.
    """

    __slots__ = ("_absences", "_arrays", "_branch", "_parents")

    def __init__(self, branch: Branch, array: Sequence[object]) -> None:
        self._branch = branch
        self._arrays = [array]
        self._parents = [0]
        for index, values in enumerate(self._arrays):  # it grows while it is gone through
            inner = list(_arrays(values))
            self._arrays += inner
            self._parents += [index] * len(inner)
        self._absences: dict[Branch, list[bool]] = {}

    def meets(self, wanted: Condition | None, forced: _Forced) -> bool:
        """Tell whether the array meets the branch.

        Args:
            wanted: What is asked of the array's own leaves, if anything.
            forced: The fields that must be present.

        Returns:
            True when one element does, together with the leaves beside and around it.
        """
        settled: list[set[_Forced]] = []
        for index, values in enumerate(self._arrays):
            # What an outer array has settled holds for those inside it.
            ways = set(settled[self._parents[index]]) if index else set()
            if index == 0 if wanted is None else _has_leaf(values, wanted):
                chosen = self._look_ahead(index, forced)
                if chosen is True:
                    return True
                if chosen is not False:
                    ways.add(chosen)
            if any(_any_object(self._branch, values, way) for way in ways):
                return True
            settled.append(ways)
        return False

    def _look_ahead(self, index: int, forced: _Forced) -> _Forced | bool:
        """Settle the absences that come before an element of an array is chosen.

        Args:
            index: Which array.
            forced: The fields that must be present already.

        Returns:
            True when nothing is left to ask, False when the array cannot meet the branch, else
            the fields that must be present in the element.
        """
        for leaf, names in self._branch.absent_first:
            if leaf in forced:
                return forced
            if leaf not in self._absences:
                self._absences[leaf] = self._find_absences(names)
            if not self._absences[leaf][index]:
                condition = leaf.condition
                # Some element has the field; the one chosen must have a value it accepts.
                present = condition is not None and condition.may_be_present
                return forced | {leaf} if present else False
        return True if self._branch.optional_below else forced

    def _find_absences(self, names: tuple[str, ...]) -> list[bool]:
        absences = [
            all(_is_absent(item, names) for item in values if isinstance(item, dict))
            for values in self._arrays
        ]
        for index in range(len(absences) - 1, 0, -1):  # inner arrays come after outer ones
            if not absences[index]:
                absences[self._parents[index]] = False
        return absences


def _any_object(branch: Branch, values: Sequence[object], forced: _Forced) -> bool:
    return any(isinstance(item, dict) and _children_meet(branch, item, forced) for item in values)


def _is_absent(value: object, names: tuple[str, ...]) -> bool:
    pending = [(value, 0)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, list | tuple):
            pending.extend((item, depth) for item in value)
        elif isinstance(value, dict):
            if depth < len(names):
                value = unfold(value, names[depth : depth + 1])
                if names[depth] in value:
                    pending.append((value[names[depth]], depth + 1))
        elif depth == len(names):
            return False
    return True


def _has_leaf(values: Sequence[object], condition: Condition) -> bool:
    return any(
        not isinstance(value, dict | list | tuple) and condition.accepts(value) for value in values
    )


def _arrays(values: Sequence[object]) -> Iterator[Sequence[object]]:
    return (value for value in values if isinstance(value, list | tuple))
