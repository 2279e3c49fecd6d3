"""Every fault of a pattern, where `Pattern` alone stops at the first."""

from collections.abc import Iterator
from typing import Any

from eventflow.errors import PatternError
from eventflow.patterns import Pattern

__all__ = ["find_pattern_faults"]

_MAX_FIELDS = 200  # beyond, the first fault must do


def find_pattern_faults(pattern: dict[str, Any]) -> list[PatternError]:
    """Return what is wrong with a pattern, field by field.

    Args:
        pattern: The pattern; the file's reader has bounded its depth.

    Returns:
        A fault for each field that has one; where only the fields together are at fault, that;
        nothing where the pattern is valid.
    """
    whole = _find_fault(pattern)
    if whole is None:
        return []
    faults: dict[str, PatternError] = {}
    for count, field in enumerate(_fields(pattern, ())):
        if count >= _MAX_FIELDS:
            break
        fault = _find_fault(field)
        if fault is not None:
            faults.setdefault(fault.path, fault)
    return list(faults.values()) or [whole]


def _find_fault(pattern: dict[str, Any]) -> PatternError | None:
    try:
        Pattern(pattern)
    except PatternError as error:
        return error
    return None


def _fields(node: dict[str, Any], path: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield a pattern for each field alone; what stands in `$or` stays together."""
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _fields(value, (*path, key))
        else:
            field: dict[str, Any] = {key: value}
            for name in reversed(path):
                field = {name: field}
            yield field
