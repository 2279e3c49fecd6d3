"""Schemas taken apart: each with the parts that it refers to, all of them said in 2020-12."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from eventflow.schemas.document import SchemaDocument

__all__ = ["REFERENCE", "Part", "Parts"]

REFERENCE = "#/$defs/"
"""What a `$ref` to a part begins with; the part's key follows."""

_SCHEMA = frozenset(
    {
        *("additionalItems", "additionalProperties", "contains", "else", "if", "items", "not"),
        *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
    }
)
_LIST = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_NAMED = frozenset({"dependencies", "dependentSchemas", "patternProperties", "properties"})
_DROPPED = frozenset(
    {"$comment", "$defs", "$id", "$ref", "$schema", "definitions", "id", "x-eventflow"}
)
_WORDS = frozenset({"title", "description", "default", "examples", "deprecated"})
_OLD = ("draft-04", "draft-06", "draft-07")  # in which nothing counts beside a $ref

Part = tuple[Path, str]
"""A part of a schema: its file, and a JSON pointer into the schema in one piece."""


class Parts:
    """Takes schemas in, one after the other, and the parts that they refer to.

    Attributes:
        schemas: Each part, by its key, in the order of being met.
        places: Where each part is.
    """

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}  # Any: JSON
        self.places: dict[str, Part] = {}
        self._keys: dict[Part, str] = {}

    def add(self, document: SchemaDocument) -> dict[str, Any]:
        """Take a schema in, and return it without the parts that it refers to."""
        schema: Any = _Walk(self, document).walk(document.whole)
        seen: set[str] = set()
        # A schema that is another one by reference alone is that one.
        while set(schema) - _WORDS == {"$ref"} and schema["$ref"] not in seen:
            seen.add(schema["$ref"])
            target = self.schemas[schema["$ref"].removeprefix(REFERENCE)]
            words = {name: value for name, value in schema.items() if name != "$ref"}
            schema = {**target, **words} if isinstance(target, Mapping) else {}
        return dict(schema)

    def begin(self, place: Part) -> tuple[str, bool]:
        """Return the key of a part, and whether it is a new one, which is to be taken in now."""
        is_new = place not in self._keys
        if is_new:
            key = f"part-{len(self._keys)}"
            self._keys[place], self.places[key] = key, place
            self.schemas[key] = {}  # holds its place while what it refers to is taken in
        return self._keys[place], is_new


class _Walk:
    """Goes through one schema: where schemas stand in it, and nowhere else."""

    def __init__(self, parts: Parts, document: SchemaDocument) -> None:
        self._parts = parts
        self._document = document
        self._is_old = any(name in document.dialect for name in _OLD)

    def walk(self, schema: Any) -> Any:
        """Return the schema with the keys of parts in its references."""
        if not isinstance(schema, Mapping):
            return schema  # true or false
        if isinstance(reference := schema.get("$ref"), str):
            own = {} if self._is_old else dict(self._walk_keywords(schema))
            return {**own, "$ref": REFERENCE + self._refer(reference)}
        return dict(self._walk_keywords(schema))

    def _walk_keywords(self, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, value in _modern(schema).items():
            if name in _DROPPED:
                continue
            if name in _LIST and isinstance(value, list):
                yield name, [self.walk(item) for item in value]
            elif name in _NAMED and isinstance(value, Mapping):
                yield name, {key: self._walk_property(item) for key, item in value.items()}
            else:
                yield name, self.walk(value) if name in _SCHEMA else value

    def _walk_property(self, schema: Any) -> Any:
        # Where an `allOf` narrows a property to null, the generator of models gives the type what
        # another part says of it (a format), but leaves a value alone.
        return {"enum": [None]} if schema == {"type": "null"} else self.walk(schema)

    def _refer(self, reference: str) -> str:
        pointer = unquote(reference.removeprefix("#"))
        key, is_new = self._parts.begin((self._document.file, pointer))
        if is_new:
            self._parts.schemas[key] = self.walk(_find(self._document.whole, pointer))
        return key


def _modern(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Say what older dialects say in other words as 2020-12 says it."""
    modern = dict(schema)
    for bound in ("Minimum", "Maximum"):
        exclusive = modern.get(f"exclusive{bound}")
        if isinstance(exclusive, bool):
            del modern[f"exclusive{bound}"]
            if exclusive and bound.lower() in modern:
                modern[f"exclusive{bound}"] = modern.pop(bound.lower())
    if isinstance(modern.get("items"), list):
        modern["prefixItems"] = modern.pop("items")
        if "additionalItems" in modern:
            modern["items"] = modern.pop("additionalItems")
    return modern


def _find(schema: Any, pointer: str) -> Any:
    """Return what a pointer points at; the loader has seen that it is there."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        schema = schema[int(name)] if isinstance(schema, list) else schema[name]
    return schema
