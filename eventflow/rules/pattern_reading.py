"""A pattern with every fault that it has, where `Pattern` alone stops at the first."""

from collections.abc import Iterator
from typing import Any

from eventflow.errors import PatternError
from eventflow.patterns import Pattern

__all__ = ["compile_pattern"]

_MAX_FIELDS = 200  # beyond, the first fault must do


def compile_pattern(pattern: dict[str, Any]) -> tuple[Pattern | None, list[PatternError]]:
    """Read a pattern.

    Args:
        pattern: The pattern; the file's reader has bounded its depth.

    Returns:
        The pattern, None where it is faulty; and a fault for each field that has one, or the
        fault of the fields together.
    """
    try:
        return Pattern(pattern), []
    except PatternError as error:
        whole = error
    faults: dict[str, PatternError] = {}
    for count, field in enumerate(_fields(pattern, ())):
        if count >= _MAX_FIELDS:
            break
        try:
            Pattern(field)
        except PatternError as error:
            faults.setdefault(error.path, error)
    return None, list(faults.values()) or [whole]


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
