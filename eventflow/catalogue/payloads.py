"""Puts schemas into one document: every `$ref` of each leads to the place that it then has."""

from collections.abc import Mapping
from typing import Any

from eventflow.schemas import SchemaDocument
from eventflow.schemas.keywords import below

__all__ = ["holds_reference", "payload"]

_DATA = ("const", "enum", "default", "examples")


def payload(document: SchemaDocument, pointer: str) -> dict[str, Any]:
    """Return a schema as AsyncAPI's Multi Format Schema Object.

    Args:
        document: Whose schema.
        pointer: The place that the object will have, such as ``#/components/schemas/key``.
    """
    return {
        "schemaFormat": _schema_format(document.dialect),
        "schema": _move(document.whole, f"{pointer}/schema"),
    }


def holds_reference(value: Any) -> bool:  # Any: a JSON value
    """Tell whether data has a key `$ref`, which readers of a document would follow."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            if "$ref" in item:
                return True
            pending.extend(item.values())
        elif isinstance(item, list | tuple):
            pending.extend(item)
    return False


def _schema_format(dialect: str) -> str:
    """Return AsyncAPI's name of a JSON Schema dialect, such as ``…;version=2020-12``."""
    for version in ("draft-04", "draft-06", "draft-07", "2019-09"):
        if version in dialect:
            return f"application/schema+json;version={version}"
    return "application/schema+json;version=2020-12"


def _move(schema: Any, root: str) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    content: dict[str, Any] = {
        name: value
        for name, value in schema.items()
        if not (name in _DATA and holds_reference(value))
    }
    if isinstance(content.get("$ref"), str):
        content["$ref"] = root + content["$ref"].removeprefix("#")
    for found in below(schema):
        _put(content, found.path, _move(found.schema, root))
    return content


def _put(content: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    """Replace a schema within *content*; the map or list that holds it is copied first."""
    name = str(path[0])
    if len(path) == 1:
        content[name] = value
        return
    holder = content[name].copy()
    holder[path[1]] = value
    content[name] = holder
