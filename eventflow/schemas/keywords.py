"""Where in a JSON Schema other schemas stand: keywords of all dialects that are read."""

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["DEFAULT_DIALECT", "DIALECTS", "Below", "below", "read_dialect"]

DEFAULT_DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""What a file without `$schema` is read by."""

DIALECTS = (
    DEFAULT_DIALECT,
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
    "http://json-schema.org/draft-04/schema",
)
"""The dialects that are read, as `$schema` names them."""


class Below(NamedTuple):
    """A schema that stands in another one.

    Attributes:
        path: Keys and indexes from the schema that it stands in.
        schema: The schema: an object or a boolean.
        kind: How it is met, see `IN_PLACE` and its fellows.
    """

    path: tuple[str | int, ...]
    schema: Any
    kind: str


IN_PLACE = "in place"
"""Applied to the very value that the outer schema is applied to."""
MEMBER = "member"
"""Applied to one named member of the value."""
MEMBERS = "members"
"""Applied to any number of the value's members or items."""
STORED = "stored"
"""Applied to nothing unless something refers to it."""

_ONE = {
    "not": IN_PLACE,
    "if": IN_PLACE,
    "then": IN_PLACE,
    "else": IN_PLACE,
    "additionalProperties": MEMBERS,
    "unevaluatedProperties": MEMBERS,
    "propertyNames": MEMBERS,
    "items": MEMBERS,
    "additionalItems": MEMBERS,
    "unevaluatedItems": MEMBERS,
    "contains": MEMBERS,
}
_LISTS = {
    "allOf": IN_PLACE,
    "anyOf": IN_PLACE,
    "oneOf": IN_PLACE,
    "prefixItems": MEMBER,
    "items": MEMBER,
}
_MAPS = {
    "properties": MEMBER,
    "patternProperties": MEMBERS,
    "dependentSchemas": IN_PLACE,
    "dependencies": IN_PLACE,
    "$defs": STORED,
    "definitions": STORED,
}


def below(schema: Any) -> Iterator[Below]:
    """Return the schemas that stand directly in *schema*, in its order.

    Args:
        schema: A schema; one that is malformed has nothing below it where it is.
    """
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if isinstance(value, list) and key in _LISTS:
            for index, item in enumerate(value):
                yield Below((key, index), item, _LISTS[key])
        elif isinstance(value, dict) and key in _MAPS:
            for name, item in value.items():
                if isinstance(item, dict | bool):  # `dependencies` may hold lists of names
                    yield Below((key, name), item, _MAPS[key])
        elif isinstance(value, dict | bool) and key in _ONE:
            yield Below((key,), value, _ONE[key])


def read_dialect(schema: Any) -> str | None:
    """Return the dialect that `$schema` names, "" where it is missing, None where it is unknown."""
    if not isinstance(schema, dict) or "$schema" not in schema:
        return ""
    value = schema["$schema"]
    name = value.removesuffix("#") if isinstance(value, str) else ""
    if name.startswith("https://json-schema.org/draft-"):
        name = name.replace("https", "http", 1)
    if name.startswith("http://json-schema.org/draft/"):
        name = name.replace("http", "https", 1)
    return name if name in DIALECTS else None
