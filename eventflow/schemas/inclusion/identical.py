"""Whether two schemas say the same, apart from words: titles, descriptions, examples, layout."""

from collections.abc import Mapping
from typing import Any

from eventflow.schemas.inclusion.keywords import ASSERTIONS, UNORDERED
from eventflow.schemas.inclusion.node import Node
from eventflow.schemas.inclusion.references import resolve
from eventflow.schemas.inclusion.value import key_of

__all__ = ["identical"]

_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_MEANT = frozenset({"default", "discriminator"})
# Annotations that programs read: generated models take their defaults from there.

_MOST_STEPS = 100_000
_DEEPEST = 100


def identical(one: Node, other: Node) -> bool:
    """Tell whether two schemas are the same but for words, what they refer to included.

    Args:
        one: A schema.
        other: Another.

    Returns:
        False also where it would take too long to tell.
    """
    return _Comparison().same(one, other)


class _Comparison:
    def __init__(self) -> None:
        self._met: set[tuple[int, int]] = set()
        self._kept: list[Node] = []  # so that no id is given away twice
        self._steps = 0
        self._depth = 0

    def same(self, one: Node, other: Node) -> bool:
        self._steps += 1
        if self._steps > _MOST_STEPS or self._depth > _DEEPEST:
            return False
        if not (isinstance(one.schema, Mapping) and isinstance(other.schema, Mapping)):
            # Booleans, or what is no schema at all.
            return key_of(one.schema) == key_of(other.schema)
        pair = (id(one.schema), id(other.schema))
        if pair in self._met:
            # Met before: if it differs, it is found where it was met first.
            return True
        self._met.add(pair)
        self._kept += [one, other]
        self._depth += 1
        try:
            return self._same_keywords(one, other)
        finally:
            self._depth -= 1

    def _same_keywords(self, one: Node, other: Node) -> bool:
        if one.is_old != other.is_old:
            return False
        names = {name for name in (*one.schema, *other.schema) if name in ASSERTIONS | _MEANT}
        if one.is_old and "$ref" in names:
            names = {"$ref"}
        for name in names:
            if not (one.has(name) and other.has(name)):
                return False
            if not self._same_value(name, one, other):
                return False
        return True

    def _same_value(self, name: str, one: Node, other: Node) -> bool:
        value, against = one.schema[name], other.schema[name]
        if name == "$ref":
            target = resolve(one, str(value))
            aim = resolve(other, str(against))
            return target is not None and aim is not None and self.same(target, aim)
        if name in _BY_NAME and isinstance(value, Mapping) and isinstance(against, Mapping):
            return value.keys() == against.keys() and all(
                self._same_part(one, value[key], other, against[key]) for key in value
            )
        both_lists = isinstance(value, list) and isinstance(against, list)
        if both_lists and (name in _LISTS or name == "items"):
            return len(value) == len(against) and all(
                self._same_part(one, mine, other, theirs)
                for mine, theirs in zip(value, against, strict=True)
            )
        if name in _SCHEMAS:
            return self._same_part(one, value, other, against)
        if both_lists and name in UNORDERED:
            return {key_of(item) for item in value} == {key_of(item) for item in against}
        return key_of(value) == key_of(against)

    def _same_part(self, one: Node, mine: Any, other: Node, theirs: Any) -> bool:
        if isinstance(mine, list) or isinstance(theirs, list):  # `dependencies` in old drafts
            return key_of(mine) == key_of(theirs)
        return self.same(one.part(mine), other.part(theirs))
