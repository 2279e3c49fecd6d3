"""Schema files as text: one way to write a schema, and what in it is words alone."""

import json
from collections.abc import Mapping
from typing import Any

from eventflow.schemas.document import KEYWORD

__all__ = ["contract_of", "same_json", "write_schema"]

_FIRST = (
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "deprecated",
    KEYWORD,
    "$ref",
    "type",
    "const",
    "enum",
    "format",
    "properties",
    "required",
    "additionalProperties",
)
_LAST = ("default", "examples", "$defs", "definitions")
_ORDER = {
    **{name: number for number, name in enumerate(_FIRST)},
    **{name: 1000 + number for number, name in enumerate(_LAST)},
}
_MIDDLE = 500
_WORDS = frozenset({"title", "description", "$comment", "examples", "deprecated", KEYWORD})
# Under these stand names that the user has given, in an order that tells the reader something.
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
_DEFINITIONS = frozenset({"$defs", "definitions"})
# Under these stands data, in which a key such as `title` is no word of JSON Schema.
_DATA = frozenset({"const", "enum", "default", "examples", KEYWORD})


def write_schema(schema: Mapping[str, Any]) -> str:
    """Write a schema as its file has it: the same text for the same schema, always.

    Properties stay in their order; all else stands in one order that is the same everywhere.

    Args:
        schema: The schema.

    Returns:
        JSON with a newline at its end.
    """
    return json.dumps(_arrange(schema), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def contract_of(schema: object) -> object:
    """Return a schema without its words: without what changes nothing for data that it is held to.

    Args:
        schema: The schema.

    Returns:
        The same without title, description, examples and the like, at every depth.
    """
    return _without_words(schema)


def same_json(one: object, other: object) -> bool:
    """Tell whether two values are the same JSON: 1 and true are not, the order of keys is nothing."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _arrange(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return [_arrange(item) for item in schema] if isinstance(schema, list) else schema
    arranged: dict[str, Any] = {}
    for name in sorted(schema, key=lambda name: (_ORDER.get(name, _MIDDLE), name)):
        value = schema[name]
        if name in _DATA:
            arranged[name] = value
        elif name in _DEFINITIONS and isinstance(value, Mapping):
            arranged[name] = {key: _arrange(value[key]) for key in sorted(value)}
        elif name in _NAMED and isinstance(value, Mapping):
            arranged[name] = {key: _arrange(item) for key, item in value.items()}
        else:
            arranged[name] = _arrange(value)
    return arranged


def _without_words(schema: object) -> object:
    if isinstance(schema, list):
        return [_without_words(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    kept: dict[str, object] = {}
    for name, value in schema.items():
        if name in _WORDS:
            continue
        if name in _NAMED | _DEFINITIONS and isinstance(value, Mapping):
            kept[name] = {key: _without_words(item) for key, item in value.items()}
        else:
            kept[name] = value if name in _DATA else _without_words(value)
    return kept
