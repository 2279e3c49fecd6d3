"""Follows `$ref` within a document."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from eventflow.schemas.inclusion.node import Node

__all__ = ["resolve"]

_DEEPEST = 256  # the loader allows less


def resolve(node: Node, ref: str) -> Node | None:
    """Return the schema that *ref*, standing in *node*, means; None where nothing is there.

    A schema's repository gives it in one piece, so that each `$ref` begins with `#`.
    """
    address, _, fragment = ref.partition("#")
    if address:
        return None
    fragment = unquote(fragment)
    if not fragment:
        return node.part(node.root)
    if not fragment.startswith("/"):
        found = _find_anchor(node.root, fragment)
        return None if found is None else node.part(found)
    value = node.root
    for step in fragment[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return node.part(value) if isinstance(value, Mapping | bool) else None


def _find_anchor(value: Any, name: str, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        names = (value.get("$anchor"), value.get("$id"), value.get("id"))
        if name in names[:1] or f"#{name}" in names[1:]:
            return value
        parts = list(value.values())
    else:
        parts = value if isinstance(value, list) else []
    found = (_find_anchor(part, name, depth + 1) for part in parts)
    return next((part for part in found if part is not None), None)
