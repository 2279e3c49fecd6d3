"""How a schema lays out objects and arrays, the same for every dialect."""

from collections.abc import Mapping
from typing import Any

from eventflow.schemas.inclusion.node import ANYTHING, Node

__all__ = ["additional", "is_open", "items", "pattern_parts", "properties"]


def properties(node: Node) -> Mapping[str, Any]:
    """Return the schemas of the fields that are named."""
    found: Mapping[str, Any] = node.get("properties", {})
    return found


def pattern_parts(node: Node) -> dict[str, Node]:
    """Return the schemas of fields by the pattern of their names."""
    return {text: node.part(part) for text, part in node.get("patternProperties", {}).items()}


def additional(node: Node) -> Node:
    """Return the schema of the fields that are not named."""
    if not node.has("additionalProperties"):
        return ANYTHING
    return node.part(node.get("additionalProperties"))


def is_open(node: Node) -> bool:
    """Tell whether it lets fields through of which it says nothing."""
    return additional(node).is_anything


def items(node: Node) -> tuple[list[Node], Node]:
    """Return the schemas of an array's first elements, and that of all further ones."""
    first, rest = node.get("prefixItems", []), node.get("items", True)
    if isinstance(rest, list):  # until 2019-09
        first, rest = rest, node.get("additionalItems", True)
    elif node.is_old:
        first = []
    return [node.part(part) for part in first], node.part(rest)
