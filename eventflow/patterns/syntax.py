"""From a pattern's dict to its nodes: alternatives, each a set of conditions on fields.

``$or`` is written out, as the service does it: one alternative for each combination of branches.
A condition on a field that an alternative has already takes the earlier one's place.
"""

from itertools import product
from typing import NamedTuple

from eventflow.patterns.condition import Condition
from eventflow.patterns.faults import clip, fault, show
from eventflow.patterns.operators.table import RESERVED, read_operator
from eventflow.patterns.shape import MAX_DEPTH, ROOT, check_shape, join

__all__ = ["MAX_ALTERNATIVES", "MAX_CONDITIONS", "Alternative", "read_pattern"]

MAX_ALTERNATIVES = 1_000
"""The most combinations that the ``$or`` of one pattern may have; EventBridge's bound."""

MAX_CONDITIONS = 100_000
"""The most conditions in all alternatives together."""

Alternative = tuple[Condition, ...]
"""Conditions on different fields, sorted by path in the service's order; all must be met."""

_OR = "$or"
_COUNTED = 10**15

_Fields = dict[str, Condition]


class _Extent(NamedTuple):
    """How much a part of a pattern comes to when its ``$or`` are written out."""

    alternatives: int
    conditions: int

    def beside(self, other: "_Extent") -> "_Extent":
        # Bounded, since the numbers of a hostile pattern have thousands of digits.
        alternatives = self.alternatives * other.alternatives
        conditions = self.conditions * other.alternatives + other.conditions * self.alternatives
        return _Extent(min(alternatives, _COUNTED), min(conditions, _COUNTED))

    def instead_of(self, other: "_Extent") -> "_Extent":
        return _Extent(
            min(self.alternatives + other.alternatives, _COUNTED),
            min(self.conditions + other.conditions, _COUNTED),
        )


def read_pattern(pattern: object) -> tuple[Alternative, ...]:
    """Read a pattern.

    Args:
        pattern: The pattern as `json.loads` gives it.

    Returns:
        The alternatives; one alone when there is no ``$or``.

    Raises:
        PatternError: If it is no valid pattern; *path* says where.
    """
    check_shape(pattern)
    assert isinstance(pattern, dict)
    _check_extent(pattern)
    return tuple(
        tuple(sorted(fields.values(), key=_service_order))
        for fields in _read_object(pattern, ROOT, "", inside_or=False)
    )


def _service_order(condition: Condition) -> bytes:
    # Java sorts text by UTF-16 units; which of two fields is first matters to exists: false.
    return condition.path.encode("utf-16-be")


def _check_extent(pattern: dict[str, object]) -> None:
    extent = _measure(pattern)
    found = f"{extent.alternatives:,}"
    if extent.alternatives == _COUNTED:
        found = f"{_COUNTED:,} or more"
    if extent.alternatives > MAX_ALTERNATIVES:
        message = f"$or makes {found} combinations; {MAX_ALTERNATIVES:,} are the most"
        raise fault(ROOT, message, "over 1000 rule combinations")
    if extent.conditions > MAX_CONDITIONS:
        message = f"$or makes {extent.conditions:,} conditions in {found} combinations"
        raise fault(ROOT, f"{message}; {MAX_CONDITIONS:,} conditions are the most")


def _measure(value: object) -> _Extent:
    if not isinstance(value, dict):
        return _Extent(1, 1)
    extent = _Extent(1, 0)
    for name, inner in value.items():
        if name != _OR:
            part = _measure(inner)
        elif isinstance(inner, list):
            part = _Extent(0, 0)
            for branch in inner:
                part = part.instead_of(_measure(branch))
        else:  # a fault, which the reader words
            part = _Extent(1, 0)
        extent = extent.beside(part)
    return extent


def _read_object(
    value: dict[str, object], path: str, field: str, *, inside_or: bool
) -> list[_Fields]:
    """Read an object of fields.

    Args:
        value: The object.
        path: Where it stands in the pattern, ``$or`` and indexes included.
        field: The path of the field in the event.
        inside_or: Whether an ``$or`` is above it.

    Returns:
        Its alternatives: conditions by the path of their field.
    """
    if not value:
        message = 'an empty object asks nothing; to ask for a field, write [{"exists": true}]'
        raise fault(path, message, "Empty objects are not allowed")
    alternatives: list[_Fields] = [{}]
    for name, inner in value.items():
        here = join(path, name)
        if name == _OR:
            parts = _read_or(inner, here, field)
        else:
            parts = _read_field(name, inner, here, field, inside_or=inside_or)
        # What is read later takes the place of what is there already.
        alternatives = [{**left, **right} for left, right in product(alternatives, parts)]
    return alternatives


def _read_field(
    name: str, inner: object, here: str, field: str, *, inside_or: bool
) -> list[_Fields]:
    if inside_or and name in RESERVED:
        message = f"{show(name)} is an operator's name and cannot be a field inside $or"
        aws = f"{clip(name)} is Ruler reserved fieldName which cannot be used inside $or."
        raise fault(here, message, aws)
    field = join(field, name)
    if field.count(".") >= MAX_DEPTH:
        raise fault(ROOT, f"a field's path has at most {MAX_DEPTH} names, this one more")
    if isinstance(inner, dict):
        return _read_object(inner, here, field, inside_or=inside_or)
    if not isinstance(inner, list):
        message = f"a field takes a list of values or an object of fields, not {show(inner)}"
        aws = f'"{clip(name)}" must be an object or an array'
        raise fault(here, message, aws)
    if not inner:
        message = 'an empty list matches nothing; for "any value" write [{"exists": true}]'
        raise fault(here, message, "Empty arrays are not allowed")
    operators = tuple(read_operator(item, f"{here}[{index}]") for index, item in enumerate(inner))
    return [{field: Condition(field, operators)}]


def _read_or(branches: object, here: str, field: str) -> list[_Fields]:
    if not isinstance(branches, list):
        message = f"$or takes a list of objects, not {show(branches)}"
        raise fault(here, message, "It must be an Array followed with $or.")
    alternatives: list[_Fields] = []
    for index, branch in enumerate(branches):
        there = f"{here}[{index}]"
        if not isinstance(branch, dict):
            message = f"$or takes a list of objects, and {show(branch)} is none"
            aws = "Only JSON object is allowed in array of $or relationship."
            raise fault(there, message, aws)
        alternatives += _read_object(branch, there, field, inside_or=True)
    if len(branches) < 2:  # noqa: PLR2004 - one branch is no choice
        message = f"$or takes at least two objects, not {len(branches)}"
        aws = "There must have at least 2 Objects in $or relationship."
        raise fault(here, message, aws)
    return alternatives
