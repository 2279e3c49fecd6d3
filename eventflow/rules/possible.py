"""Whether a test of a pattern can ever accept what a schema lets stand in a field.

"No" is said only of what is certain; where the schema leaves it open, the answer is yes.
"""

import math
from collections.abc import Iterable, Sequence

from eventflow.patterns.faults import show
from eventflow.patterns.operators.anything_but import AnythingBut
from eventflow.patterns.operators.exact import (
    ExactConstant,
    ExactNumber,
    ExactString,
)
from eventflow.patterns.operators.exists import Exists
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.numeric import Numeric
from eventflow.patterns.operators.prefix import Prefix
from eventflow.patterns.operators.suffix import Suffix
from eventflow.patterns.operators.wildcard import Wildcard
from eventflow.patterns.wording import list_words, show_number
from eventflow.schemas.leaves import LeafShape

__all__ = ["asks_for_text", "can_accept", "describe_shapes", "named_texts"]

_KINDS = {"string": "a string", "number": "a number", "boolean": "true or false", "null": "null"}
_EXACT = 2**53


def can_accept(operator: Operator, shapes: Iterable[LeafShape]) -> bool:
    """Tell whether a test can accept some value of one of the shapes.

    Args:
        operator: The test. One for absence needs no value, and is always possible.
        shapes: What may stand in the field.
    """
    if isinstance(operator, Exists) and not operator.wanted:
        return True
    return any(_can_accept(operator, shape) for shape in shapes)


def _can_accept(operator: Operator, shape: LeafShape) -> bool:
    if shape.values is not None:
        return any(operator.matches(value) for value in shape.values)
    if isinstance(operator, AnythingBut | Exists):
        return bool(shape.kinds)
    if isinstance(operator, ExactConstant):
        return ("null" if operator.constant is None else "boolean") in shape.kinds
    if isinstance(operator, ExactNumber):
        return shape.fits_number(operator.number)
    return (
        _meets_range(operator, shape)
        if isinstance(operator, Numeric)
        else _can_be_text(operator, shape)
    )


def _can_be_text(operator: Operator, shape: LeafShape) -> bool:
    if "string" not in shape.kinds:
        return False
    if isinstance(operator, ExactString):
        return shape.fits_text(operator.text)
    if isinstance(operator, Wildcard) and len(operator.parts) == 1:
        return shape.fits_text(operator.parts[0])
    least = 0
    if isinstance(operator, Prefix | Suffix):
        least = len(operator.text)
    elif isinstance(operator, Wildcard):
        least = len("".join(operator.parts))
    return shape.longest is None or least <= shape.longest


def _meets_range(operator: Numeric, shape: LeafShape) -> bool:
    if "number" not in shape.kinds:
        return False
    low, low_excluded = max(
        (operator.low, not operator.low_included), (shape.low, not shape.low_included)
    )
    high, high_included = min(
        (operator.high, operator.high_included), (shape.high, shape.high_included)
    )
    if low > high or (low == high and (low_excluded or not high_included)):
        return False
    if not shape.whole or max(abs(low), abs(high)) > _EXACT:
        return True
    first = math.floor(low) + 1 if low_excluded else math.ceil(low)
    return first <= high if high_included else first < high


def asks_for_text(operator: Operator) -> bool:
    """Tell whether a test accepts strings alone."""
    return not isinstance(operator, AnythingBut | Exists | ExactNumber | ExactConstant | Numeric)


def named_texts(shapes: Iterable[LeafShape]) -> list[str]:
    """Return the strings that shapes name one by one, sorted."""
    return sorted({it for shape in shapes for it in shape.values or () if isinstance(it, str)})


def describe_shapes(shapes: Sequence[LeafShape]) -> str:
    """Say what may stand in a field: ``"gate" or "garage"``, ``an integer from 0``."""
    words = dict.fromkeys(word for shape in shapes for word in _describe(shape))
    return list_words(list(words)[:_MOST_SAID], len(words))


_MOST_SAID = 6


def _describe(shape: LeafShape) -> Iterable[str]:
    if shape.values is not None:
        return [show(value) for value in shape.values]
    return [_describe_kind(kind, shape) for kind in _KINDS if kind in shape.kinds]


def _describe_kind(kind: str, shape: LeafShape) -> str:
    words = _KINDS[kind]
    if kind == "number":
        words = "an integer" if shape.whole else words
        if shape.low != -math.inf:
            words += f" {'from' if shape.low_included else 'above'} {show_number(shape.low)}"
        if shape.high != math.inf:
            words += f" {'up to' if shape.high_included else 'below'} {show_number(shape.high)}"
    if kind == "string":
        if shape.longest is not None:
            words += f" of at most {shape.longest:,} characters"
        if shape.patterns:
            words += f" that fits {show(shape.patterns[0])}"
    return words
