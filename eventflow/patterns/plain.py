"""The common pattern, read in one pass: objects of fields, without ``$or``, each with a short list.

What is unusual in any way, faults included, is left to the thorough reader, which words them.
"""

from math import isfinite
from typing import cast

from eventflow.errors import PatternError
from eventflow.patterns.condition import Condition
from eventflow.patterns.operators.exact import read_bare
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.table import read_operator
from eventflow.patterns.tree import SEPARATOR

__all__ = ["read_plain"]

_MOST_LEVELS = 16
_MOST_FIELDS = 64
_MOST_VALUES = 64
_MOST_BITS = 64
_OR = "$or"


def read_plain(pattern: object) -> tuple[Condition, ...] | None:
    """Read a pattern that has nothing unusual.

    Args:
        pattern: Whatever a caller gave.

    Returns:
        The conditions of its only alternative, as the thorough reader gives them; None when that
        one has to read it.
    """
    if type(pattern) is not dict:
        return None
    fields: dict[str, Condition] = {}
    try:
        if not _read_object(pattern, "", _MOST_LEVELS, fields):
            return None
    except PatternError:
        return None
    if len(fields) == 1:
        return tuple(fields.values())
    # All are ASCII, so that this is the service's order.
    return tuple([fields[path] for path in sorted(fields)])


def _read_object(
    value: dict[object, object], prefix: str, levels: int, fields: dict[str, Condition]
) -> bool:
    if not 0 < len(value) <= _MOST_FIELDS or not levels:
        return False
    for name, inner in value.items():
        if type(name) is not str or not name.isascii() or SEPARATOR in name or name == _OR:
            return False
        path = prefix + name
        if type(inner) is list:
            operators = _read_list(inner, path)
            if not operators:
                return False
            fields[path] = Condition(path, operators)
        elif (
            type(inner) is not dict
            or not path
            or not _read_object(inner, path + SEPARATOR, levels - 1, fields)
        ):
            return False
    return len(fields) <= _MOST_FIELDS


def _read_list(value: list[object], path: str) -> tuple[Operator, ...]:
    """Read a field's list; what is returned is empty when there is something unusual in it."""
    if len(value) > _MOST_VALUES:
        return ()
    operators: list[Operator] = []
    for item in value:
        if type(item) is str and item.isascii():
            operators.append(read_bare(item, path))
        elif _is_plain(item):
            operators.append(read_operator(item, path))
        else:
            return ()
    return tuple(operators)


def _is_plain(item: object) -> bool:
    """Tell whether an element of a field's list is plain: a scalar, or one operator that has scalars."""
    if type(item) is not dict:
        return _is_scalar(item)
    if len(item) != 1:
        return False
    [(name, wanted)] = item.items()
    if type(name) is not str or not name.isascii():
        return False
    if type(wanted) is list:
        return len(wanted) <= _MOST_VALUES and all(map(_is_scalar, wanted))
    return _is_scalar(wanted)


def _is_scalar(value: object) -> bool:
    kind = type(value)
    if kind is str:
        return cast("str", value).isascii()
    if kind is int:
        return cast("int", value).bit_length() <= _MOST_BITS
    return value is None or kind is bool or (kind is float and isfinite(cast("float", value)))
