"""JSON values: when two are equal, what kind they are, and the schema that says exactly one."""

import json
from typing import Any

__all__ = ["describe", "key_of", "kind_of", "quote"]

_LONGEST = 40  # characters of a value in a message


def key_of(value: Any) -> str:
    """Return a text that is the same for equal JSON values: 1 is 1.0, and true is not 1."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def kind_of(value: Any) -> str:
    """Return the kind of a JSON value; a number is `integer` or `fraction`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "fraction"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def describe(value: Any) -> dict[str, Any]:
    """Return a schema that accepts this value alone, and says so part by part."""
    if isinstance(value, dict):
        return {
            "type": "object",
            "properties": {name: describe(item) for name, item in value.items()},
            "required": sorted(value),
            "additionalProperties": False,
        }
    if isinstance(value, list):
        return {
            "type": "array",
            "prefixItems": [describe(item) for item in value],
            "minItems": len(value),
            "maxItems": len(value),
        }
    return {"const": value}


def quote(value: Any) -> str:
    """Write a value of a schema for a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
