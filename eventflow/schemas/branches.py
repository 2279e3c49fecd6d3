"""A schema taken apart: the ways in which a value can fit, each a list of what must hold.

`anyOf`, `oneOf`, `if` and what hangs on a property make several ways; `allOf` and `$ref` add to
one. Nothing is ever lost: whatever fits the schema fits one of the ways. So what is too much to
follow (a reference that leads nowhere or round in circles, very many ways) becomes `UNSEEN`, of
which anything is taken to fit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs

from eventflow.schemas.document import SchemaDocument

__all__ = [
    "MAX_WAYS",
    "UNSEEN",
    "Branch",
    "Node",
    "expand",
    "root_node",
]

MAX_WAYS = 200
"""The most ways that are looked at one by one."""

_MAX_DEPTH = 60
_DRAFTS = {
    "draft-04": jsonschema_rs.Draft4,
    "draft-06": jsonschema_rs.Draft6,
    "draft-07": jsonschema_rs.Draft7,
    "2019-09": jsonschema_rs.Draft201909,
}
# A validator of an earlier dialect passes over these.
_SINCE = {
    "const": jsonschema_rs.Draft6,
    "if": jsonschema_rs.Draft7,
    "prefixItems": jsonschema_rs.Draft202012,
    "unevaluatedProperties": jsonschema_rs.Draft201909,
}
_DYNAMIC = ("$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class Node:
    """One schema object.

    Attributes:
        schema: The object; True for "anything", False for "nothing".
        whole: What its references are followed in; None where they are not.
        draft: The dialect that it is read by.
    """

    schema: Any
    whole: Any
    draft: int

    def get(self, keyword: str) -> Any:
        """Return what a keyword says, None where it says nothing in this dialect."""
        if self.draft < _SINCE.get(keyword, 0):
            return None
        return self.schema.get(keyword)

    def below(self, schema: Any) -> "Node":
        """Return a schema that stands within this one."""
        # A part with a name of its own has references that begin there.
        renamed = isinstance(schema, dict) and any(
            isinstance(schema.get(key), str) and not schema[key].startswith("#")
            for key in ("$id", "id")
        )
        return Node(schema, None if renamed else self.whole, self.draft)

    def values(self) -> list[Any] | None:
        """Return the only values that fit, None where it names none."""
        if "const" in self.schema and self.draft >= _SINCE["const"]:
            return [self.schema["const"]]
        found = self.schema.get("enum")
        return found if isinstance(found, list) else None

    def takes(self, kind: str) -> bool:
        """Tell whether its `type` lets a kind of value through."""
        types = self.schema.get("type")
        return types is None or types == kind or (isinstance(types, list) and kind in types)


UNSEEN: Final = Node({}, None, jsonschema_rs.Draft202012)
"""What was not followed; compare by identity."""

Branch = tuple[Node, ...]
"""One way: every one of these must hold, by its own keywords alone."""

_Seen = frozenset[str]


def root_node(document: SchemaDocument) -> Node:
    """Return the whole schema of a document."""
    draft = next((it for name, it in _DRAFTS.items() if name in document.dialect), None)
    return Node(document.whole, document.whole, draft or jsonschema_rs.Draft202012)


def expand(nodes: Iterable[Node]) -> list[Branch]:
    """Return the ways in which a value fits all of some schemas; none where nothing can."""
    return _all_of([_ways(node, frozenset(), 0) for node in nodes])


def _all_of(parts: Sequence[list[Branch]]) -> list[Branch]:
    size = 1
    ways: list[list[Branch]] = []
    for part in parts:
        size *= len(part)
        # Beyond the bound a choice is not looked into; what has one way alone always counts.
        if size > MAX_WAYS:
            size //= len(part)
            ways.append([(UNSEEN,)])
        else:
            ways.append(part)
    return [tuple(node for branch in chosen for node in branch) for chosen in product(*ways)]


def _ways(node: Node, seen: _Seen, depth: int) -> list[Branch]:
    schema = node.schema
    if node is UNSEEN or depth > _MAX_DEPTH:
        return [(UNSEEN,)]
    if isinstance(schema, bool):
        return [()] if schema else []
    if not isinstance(schema, dict):
        return [(UNSEEN,)]
    parts: list[list[Branch]] = []
    reference = schema.get("$ref")
    if isinstance(reference, str):
        followed = _follow(node, reference, seen, depth)
        if node.draft < jsonschema_rs.Draft201909:
            return followed  # what stands beside it does not count there
        parts.append(followed)
    if any(keyword in schema for keyword in _DYNAMIC):
        parts.append([(UNSEEN,)])
    parts += _choices(node, seen, depth + 1)
    return _all_of([[(node,)], *parts])


def _choices(node: Node, seen: _Seen, depth: int) -> list[list[Branch]]:
    def ways(schema: Any) -> list[Branch]:
        return _ways(node.below(schema), seen, depth)

    schema = node.schema
    parts = [ways(each) for each in _listed(schema.get("allOf"))]
    choices = [members for key in ("anyOf", "oneOf") if (members := _listed(schema.get(key)))]
    parts += [list(chain.from_iterable(map(ways, members))) for members in choices]
    condition = node.get("if")
    if condition is not None:
        fits = _all_of([ways(condition), ways(schema.get("then", True))])
        parts.append([*fits, *ways(schema.get("else", True))])
    for keyword in ("dependentSchemas", "dependencies"):
        # A list names properties that must be there too, which says nothing of what they are.
        hanging = [it for it in _named(schema.get(keyword)).values() if not isinstance(it, list)]
        parts.extend([(), *ways(each)] for each in hanging)
    return parts


def _follow(node: Node, reference: str, seen: _Seen, depth: int) -> list[Branch]:
    found = _look_up(node.whole, reference)
    if found is None or reference in seen:
        return [(UNSEEN,)]
    return _ways(node.below(found), seen | {reference}, depth + 1)


def _look_up(whole: Any, reference: str) -> Any:
    """Return where a JSON pointer leads, None where it is none or leads nowhere."""
    start, *names = unquote(reference).split("/")
    value = whole if start == "#" else None
    for name in names:
        key = name.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _named(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
