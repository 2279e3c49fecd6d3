"""Follows `$ref` within a document and between the files of one directory, and nowhere else."""

import json
import posixpath
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from eventflow.schemas.inclusion.node import Node

__all__ = ["SchemaFiles"]

_DEEPEST = 256  # the loader allows less


class SchemaFiles:
    """The JSON files below a directory, read once each.

    Its method `resolve` is the `Resolve` that comparisons ask for. What lies outside of the
    directory, what is remote and what is no JSON is not there for it: the loader says so in words.

    Args:
        root: The repository's directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._documents: dict[PurePosixPath, Any] = {}

    def resolve(self, node: Node, ref: str) -> Node | None:
        """Return the schema that *ref*, standing in *node*, means; None where there is none."""
        address, _, fragment = ref.partition("#")
        if address:
            found = self._open(node, address)
            if found is None:
                return None
            node = found
        return _point(Node(node.root, node.root, node.file, node.dialect), unquote(fragment))

    def _open(self, node: Node, address: str) -> Node | None:
        file = PurePosixPath(posixpath.normpath(node.file.parent / unquote(address)))
        if file not in self._documents:
            self._documents[file] = self._read(file)
        document = self._documents[file]
        return None if document is None else Node.whole(document, file, node.dialect)

    def _read(self, file: PurePosixPath) -> Any:
        path = (self._root / file).resolve()
        if not path.is_relative_to(self._root):
            return None
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None


def _point(node: Node, fragment: str) -> Node | None:
    if not fragment:
        return node
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
