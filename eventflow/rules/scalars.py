"""What a plain YAML scalar means: the YAML 1.2 core schema, and only what JSON has too."""

import math
import re

__all__ = ["read_scalar"]

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_INTEGER = 2**63 - 1
_MIN_INTEGER = -(2**63)
_LONGEST_INTEGER = 24  # characters; 64 bits need 20, and int() is slow on very long ones


def read_scalar(text: str) -> str | int | float | bool | None:
    """Return what an unquoted scalar means.

    Words and forms of YAML 1.1 (`no`, `on`, `12:30`, `1_000`, dates) are text.
    Source: YAML 1.2.2, section 10.3.2, "Tag Resolution".

    Args:
        text: The scalar as written, without quotes.

    Returns:
        A text, a number, a boolean or None.

    Raises:
        ValueError: When it is a number that JSON does not have.
    """
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text) or _BASED.fullmatch(text):
        return _read_integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            return number
    elif not _NOT_FINITE.fullmatch(text):
        return text
    message = f"{text} is a number that JSON does not have; put it in quotes if text is meant"
    raise ValueError(message)


def _read_integer(text: str) -> int:
    if len(text) <= _LONGEST_INTEGER:
        number = int(text) if _INTEGER.fullmatch(text) else int(text, base=0)
        if _MIN_INTEGER <= number <= _MAX_INTEGER:
            return number
    shown = text if len(text) <= _LONGEST_INTEGER else f"{text[:_LONGEST_INTEGER]}…"
    message = f"{shown} is an integer beyond 64 bits; put it in quotes if text is meant"
    raise ValueError(message)
