"""Numbers as EventBridge compares them: by value, as IEEE-754 doubles, and never True as 1."""

import math
from decimal import Decimal
from typing import TypeGuard

__all__ = ["comparable", "is_number", "number_key"]

_EXACT = 2**53
"""Every integer up to here is a double, and is written as itself."""


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether *value* is a JSON number; a bool, an int to Python, is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def comparable(value: object) -> float | None:
    """Return the double that *value* is compared as.

    Args:
        value: Anything out of an event or a pattern.

    Returns:
        The double; None for what is not a number, not finite, or an integer that no double
        writes exactly (2**53 + 1): such a number can be equal to itself, but not be compared.
    """
    if not is_number(value):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if -_EXACT <= value <= _EXACT:
        return float(value)
    try:
        double = float(value)
    except OverflowError:
        return None
    # As the service decides it: the double's shortest decimal must be the number written.
    return double if Decimal(repr(double)) == value else None


def number_key(value: float) -> float:
    """Return what equal numbers have in common: 300, 300.0 and 3.0e2 have the same key.

    Args:
        value: A JSON number, not a bool.

    Returns:
        The double where *value* has one, else *value* itself.
    """
    double = comparable(value)
    return double if double is not None else value
