"""One step into a value: to a property of an object, to the elements of an array."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from eventflow.schemas.branches import UNSEEN, Branch, Node
from eventflow.schemas.leaves import fits_text_pattern

__all__ = ["Step", "element", "elements", "names_of", "property_of", "speaks_of_arrays", "spells"]

_MOST_TOLD_APART = 20


@dataclass(frozen=True, slots=True)
class Step:
    """Where a step leads.

    Attributes:
        nodes: What must hold there; none where anything may stand there.
        named: Whether the schema speaks of it.
    """

    nodes: tuple[Node, ...]
    named: bool


def property_of(branch: Branch, name: str) -> Step | None:
    """Step to a property; None where there can be none."""
    nodes: list[Node] = []
    named = False
    for node in branch:
        step = _property(node, name)
        if step is None:
            return None
        nodes += step.nodes
        named = named or step.named
    unnamed = [node for node in branch if node.get("unevaluatedProperties") is not None]
    if unnamed and not any(_evaluates(node, name) for node in branch):
        for node in unnamed:
            rest = node.get("unevaluatedProperties")
            if rest is False:
                return None
            nodes.append(node.below(rest))
            named = named or _says_something(rest)
    return Step(tuple(nodes), named)


def spells(branch: Branch, name: str) -> bool:
    """Tell whether a property is written out, by this very name."""
    return name in names_of(branch)


def names_of(branch: Branch) -> frozenset[str]:
    """Return the properties that are written out."""
    return frozenset(
        name
        for node in branch
        for name in node.schema.get("properties", ())
        if isinstance(name, str)
    )


def speaks_of_arrays(branch: Branch) -> bool:
    """Tell whether a way is about arrays at all, rather than only not against them."""
    return any(
        node is UNSEEN or node.schema.get("type") is not None or "items" in node.schema
        for node in branch
    )


def elements(branch: Branch) -> Iterator[tuple[Node, ...]]:
    """Yield what must hold of elements of an array, once for each position that is told apart."""
    if not _takes(branch, "array", list):
        return
    told_apart = max((len(_tuple_items(node)) for node in branch), default=0)
    for index in range(min(told_apart, _MOST_TOLD_APART)):
        yield _element(branch, index)
    if told_apart > _MOST_TOLD_APART:
        yield (UNSEEN,)
    yield _element(branch, told_apart)


def element(branch: Branch, index: int) -> Step | None:
    """Step to an element; None where there can be none."""
    if not _takes(branch, "array", list):
        return None
    return Step(_element(branch, index), named=True)


def _property(node: Node, name: str) -> Step | None:
    if node is UNSEEN:
        return Step((UNSEEN,), named=True)
    if not node.takes("object"):
        return None
    nodes: list[Node] = []
    values = node.values()
    if values is not None:
        inner = [value[name] for value in values if isinstance(value, dict) and name in value]
        if not inner:
            return None
        nodes.append(Node({"enum": inner}, None, node.draft))
    named = bool(nodes)
    said = list(_said_of(node, name))
    rest = node.schema.get("additionalProperties")
    if not said and rest is not None:
        if rest is False:
            return None
        named = named or _says_something(rest)
        said = [rest]
    elif said:
        named = True
    return Step((*nodes, *(node.below(schema) for schema in said)), named)


def _said_of(node: Node, name: str) -> Iterator[Any]:
    properties = node.schema.get("properties")
    if isinstance(properties, dict) and name in properties:
        yield properties[name]
    patterns = node.schema.get("patternProperties")
    for pattern, schema in patterns.items() if isinstance(patterns, dict) else ():
        if fits_text_pattern(pattern, name):
            # An expression that cannot be read may fit or not, so that it asks nothing.
            yield schema if _is_readable(pattern) else True


def _is_readable(pattern: str) -> bool:
    try:
        jsonschema_rs.validator_for({"pattern": pattern})
    except ValueError:
        return False
    return True


def _evaluates(node: Node, name: str) -> bool:
    if node is UNSEEN or node.schema.get("additionalProperties") is not None:
        return True
    return any(True for _ in _said_of(node, name))


def _says_something(schema: Any) -> bool:
    """Tell whether a schema of further properties makes a map of an object."""
    return isinstance(schema, dict) and bool(schema)


def _takes(branch: Branch, kind: str, python: type) -> bool:
    return all(
        node.takes(kind)
        and ((values := node.values()) is None or any(isinstance(it, python) for it in values))
        for node in branch
    )


def _tuple_items(node: Node) -> list[Any]:
    for keyword in ("prefixItems", "items"):
        found = node.get(keyword)
        if isinstance(found, list):
            return found
    return []


def _element(branch: Branch, index: int) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for node in branch:
        if node is UNSEEN:
            nodes.append(UNSEEN)
            continue
        values = node.values()
        if values is not None:
            inner = [item for value in values if isinstance(value, list) for item in value]
            nodes.append(Node({"enum": inner}, None, node.draft))
        told_apart = _tuple_items(node)
        rest = node.schema.get("items")
        if isinstance(rest, list):
            rest = node.schema.get("additionalItems")
        schema = told_apart[index] if index < len(told_apart) else rest
        if schema is not None:
            nodes.append(node.below(schema))
    return tuple(nodes)
