"""Asks jsonschema-rs about small schemas without references: the decisions about single values.

Its canonical form knows intervals, lengths, enums, patterns and formats; what it cannot prove it
says so.
"""

from collections.abc import Mapping
from typing import Any

from jsonschema_rs import (
    CanonicalSchema,
    Draft202012Validator,
    ReferencingError,
    RegexOptions,
    ValidationError,
    canonical,
    canonicalize,
)

__all__ = ["accepts", "excludes", "matches"]

_LARGEST = 2_000  # values in a schema that is asked about; beyond it nothing is promised of time
_FAULTS = (ValidationError, ReferencingError, canonical.CanonicalizationError, ValueError)


def accepts(reader: Any, writer: Any) -> bool | None:
    """Tell whether *reader* accepts everything that *writer* does; None: it cannot be told."""
    one, other = _canonical(reader), _canonical(writer)
    if one is None or other is None:
        return None
    try:
        answer = one.covers(other)
    except _FAULTS:
        return None
    if answer is canonical.Containment.YES:
        return True
    return False if answer is canonical.Containment.NO else None


def excludes(one: Any, other: Any) -> bool:
    """Tell whether it is sure that no value is accepted by both."""
    both = _canonical({"allOf": [one, other]})
    return both is not None and both.satisfiability() is canonical.Satisfiability.NO


def matches(pattern: str, name: str) -> bool | None:
    """Tell whether a field's name matches, in time linear in its length; None: no such pattern."""
    try:
        validator = Draft202012Validator({"pattern": pattern}, pattern_options=RegexOptions())
    except _FAULTS:
        return None
    return validator.is_valid(name)


def _canonical(schema: Any) -> CanonicalSchema | None:
    if not is_small(schema):
        return None
    try:
        return canonicalize(schema, draft=20, validate_formats=True, pattern_options=RegexOptions())
    except _FAULTS:
        return None


def is_small(schema: Any) -> bool:
    """Tell whether a schema is free of references and small enough to be asked about."""
    waiting, count = [schema], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > _LARGEST:
            return False
        if isinstance(value, Mapping):
            if any("$ref" in name or "Ref" in name for name in value):
                return False
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return True
