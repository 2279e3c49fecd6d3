"""What a schema asks of one value, in words for people."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from eventflow.events import describe_kind

__all__ = ["describe_limits", "type_names"]

_MOST_VALUES = 20
_TYPES = {"object": ("properties", "additionalProperties", "required"), "array": ("items",)}
_SIGNS = (
    ("minimum", "≥ {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"),
    ("multipleOf", "a multiple of {}"),
    ("minLength", "{} characters or more"),
    ("maxLength", "{} characters at most"),
    ("minItems", "{} elements or more"),
    ("maxItems", "{} elements at most"),
    ("minProperties", "{} fields or more"),
    ("maxProperties", "{} fields at most"),
)


def type_names(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the kinds of value that a schema itself names; empty where it leaves them open."""
    declared = schema.get("type")
    if isinstance(declared, str):
        return (declared,)
    if isinstance(declared, list):
        return tuple(str(name) for name in declared)
    values = _values(schema)
    if values:
        kinds = [describe_kind(value).removeprefix("an ").removeprefix("a ") for value in values]
        return tuple(dict.fromkeys(kinds))
    return tuple(name for name, hints in _TYPES.items() if any(hint in schema for hint in hints))


def describe_limits(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a schema itself asks beyond the kind of value, one text each."""
    yield from _choice(schema)
    if isinstance(schema.get("format"), str):
        yield schema["format"]
    for name, words in _SIGNS:
        value = schema.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield words.format(_write(value))
    for name, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(name) is True:  # of draft-04
            yield f"the {limit} itself is not taken"
    if isinstance(schema.get("pattern"), str):
        yield f"matches {schema['pattern']}"
    if schema.get("uniqueItems") is True:
        yield "no element twice"
    if "default" in schema:
        yield f"{_write(schema['default'])} unless said"


def _choice(schema: Mapping[str, Any]) -> Iterator[str]:
    if "const" in schema:
        yield f"always {_write(schema['const'])}"
    elif values := _values(schema):
        shown = ", ".join(_write(value) for value in values[:_MOST_VALUES])
        rest = len(values) - _MOST_VALUES
        yield f"one of {shown}" + (f" and {rest} more" if rest > 0 else "")


def _values(schema: Mapping[str, Any]) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else []


def _write(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
