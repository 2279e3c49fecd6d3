"""Fields of an event whose names are joined by dots, written out as objects."""

from collections.abc import Container
from typing import Any

from eventflow.patterns.tree import SEPARATOR

__all__ = ["unfold"]


def unfold(value: dict[Any, object], names: Container[str]) -> dict[Any, object]:
    """Write keys with dots out: ``{"a.b": 1}`` is ``{"a": {"b": 1}}``, as in a pattern.

    Args:
        value: An object of an event.
        names: Which first names matter.

    Returns:
        The object itself when there is no such key. A field that is spelt both ways in one
        object has both values, as an array would.
    """
    try:
        if SEPARATOR not in "".join(value):
            return value
    except TypeError:  # a key that is no text names no field
        value = {key: item for key, item in value.items() if isinstance(key, str)}
    gathered: dict[str, dict[str, object]] = {}
    for key, item in value.items():
        first, dot, rest = key.partition(SEPARATOR)
        if dot and first in names:
            gathered.setdefault(first, {})[rest] = item
    if not gathered:
        return value
    return {
        **value,
        **{
            first: _both(value[first], inner) if first in value else inner
            for first, inner in gathered.items()
        },
    }


def _both(one: object, other: dict[str, object]) -> object:
    if isinstance(one, dict):
        both = {key: [one[key], item] for key, item in other.items() if key in one}
        return {**one, **other, **both}
    return [*one, other] if isinstance(one, list | tuple) else [one, other]
