"""``{"numeric": [">", 0, "<=", 5]}``: JSON numbers that are equal, or lie in a range."""

import math
from dataclasses import dataclass
from typing import ClassVar

from eventflow.patterns.comparable import comparable, is_number
from eventflow.patterns.faults import clip, fault, show
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.wording import show_number

__all__ = ["Numeric", "read_comparable", "read_numeric"]

_OPERATORS = ("=", "<", "<=", ">", ">=")
_SINGLE = 2
_RANGE = 4
_FORM = 'as [">", 0] or [">", 0, "<=", 5]'
_TOO_MANY = "Too many elements in numeric expression"


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number in a range.

    Attributes:
        low: The lower bound; minus infinity for none.
        low_included: Whether the bound itself is in the range.
        high: The upper bound; infinity for none.
        high_included: Whether the bound itself is in the range.
    """

    operator: ClassVar[str] = "numeric"
    low: float
    low_included: bool
    high: float
    high_included: bool

    def matches(self, value: object) -> bool:
        """Tell whether *value* is a number in the range."""
        number = comparable(value)
        if number is None:
            return False
        above = number >= self.low if self.low_included else number > self.low
        return above and (number <= self.high if self.high_included else number < self.high)

    def describe(self) -> str:
        """Return what is wanted, in words."""
        if self.low == self.high:
            return show_number(self.low)
        bounds = []
        if self.low != -math.inf:
            bounds.append(f"{'>=' if self.low_included else '>'} {show_number(self.low)}")
        if self.high != math.inf:
            bounds.append(f"{'<=' if self.high_included else '<'} {show_number(self.high)}")
        return f"a number {' and '.join(bounds)}"


def read_comparable(value: float, path: str, operator: str) -> float:
    """Read a number that is to be compared.

    Args:
        value: A JSON number.
        path: Where its expression stands.
        operator: The operator that compares.

    Returns:
        The double that it is compared as.

    Raises:
        PatternError: If no double is that number.
    """
    number = comparable(value)
    if number is None:
        message = f"{operator} cannot compare {show(value)}: no IEEE-754 double is exactly that"
        raise fault(path, message, f"Cannot compare number : {show(value)}")
    return number


def read_numeric(value: object, path: str) -> Operator:
    """Read the value of ``numeric``: one comparison, or a lower bound and an upper one.

    Args:
        value: The value.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is anything else, or a range that holds nothing.
    """
    if not isinstance(value, list):
        message = f"numeric takes a list {_FORM}, not {show(value)}"
        raise fault(path, message, "Value of numeric must be an array.")
    operator = value[0] if value else None
    if not isinstance(operator, str):
        found = show(operator) if value else "an empty list"
        message = f"numeric begins with one of {' '.join(_OPERATORS)}, not {found}"
        raise fault(path, message, f"Invalid member in numeric match: {found if value else ']'}")
    if operator not in _OPERATORS:
        message = f"numeric knows {' '.join(_OPERATORS)}, not {show(operator)}"
        raise fault(path, message, f"Unrecognized numeric range operator: {clip(operator)}")
    number = _read_bound(operator, value[1:2], path)
    if len(value) == _SINGLE:
        return _single(operator, number)
    if operator not in (">", ">="):
        message = f'numeric takes nothing after ["{operator}", {show(value[1])}]'
        hint = "; in a range the lower bound comes first" if operator != "=" else ""
        raise fault(path, message + hint, _TOO_MANY)
    return _read_range(operator, number, value, path)


def _read_bound(operator: str, bound: list[object], path: str) -> float:
    if not bound or not is_number(bound[0]):
        found = show(bound[0]) if bound else "the end of the list"
        message = f'numeric takes a number after "{operator}", not {found}'
        name = "equals" if operator == "=" else operator
        raise fault(path, message, f"Value of {name} must be numeric")
    return read_comparable(bound[0], path, "numeric")


def _single(operator: str, number: float) -> Numeric:
    if operator == "=":
        return Numeric(number, True, number, True)
    if operator.startswith(">"):
        return Numeric(number, operator == ">=", math.inf, True)
    return Numeric(-math.inf, True, number, operator == "<=")


def _read_range(operator: str, low: float, value: list[object], path: str) -> Numeric:
    upper = value[2]
    if not isinstance(upper, str):
        message = f"numeric takes < or <= after the lower bound, not {show(upper)}"
        raise fault(path, message, f"Bad value in numeric range: {show(upper)}")
    if upper not in ("<", "<="):
        message = f"numeric takes < or <= after the lower bound, not {show(upper)}"
        raise fault(path, message, f"Bad numeric range operator: {clip(upper)}")
    high = _read_bound(upper, value[3:4], path)
    if len(value) > _RANGE:
        message = f"numeric takes two bounds, and nothing after them; {show(value[4])} is too much"
        raise fault(path, message, "Too many terms in numeric range expression")
    if low >= high:
        message = (
            f"numeric's lower bound {show(value[1])} is not below its upper one {show(value[3])}"
        )
        raise fault(path, message, "Bottom must be less than top")
    return Numeric(low, operator == ">=", high, upper == "<=")
