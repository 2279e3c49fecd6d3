"""Writes the schemas of several files into one document, every `$ref` leading to a place in it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from eventflow.catalogue.keys import safe_key
from eventflow.catalogue.references import Place, SchemaFiles, schemas_within
from eventflow.schemas import SchemaDocument

__all__ = ["Bundle"]

_BASES = frozenset({"$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor"})
"""What gives a schema a name of its own: in one document it goes by its place alone."""

_IN_FRAGMENTS = "~!$&'()*+,;=:@"  # beside letters, digits and _.-

_DATA = ("const", "enum", "default", "examples")


class Bundle:
    """Schemas that are put under one key each, as the `components.schemas` of AsyncAPI.

    Args:
        files: Where `$ref` is followed.
        keys: The key of each document that is to be in it.
        prefix: The pointer to the object that will hold the schemas.
    """

    def __init__(self, files: SchemaFiles, keys: Mapping[str, SchemaDocument], prefix: str) -> None:
        self._files = files
        self._prefix = prefix
        self._documents = dict(keys)
        self._key_of = {document.file.resolve(): key for key, document in self._documents.items()}

    def write(self) -> dict[str, dict[str, Any]]:
        """Return each schema by its key, and the files that they share by keys of their own.

        Raises:
            SchemaError: When a `$ref` leads nowhere, or out of the repository.
        """
        written: dict[str, dict[str, Any]] = {}
        pending = {key: document.file.resolve() for key, document in self._documents.items()}
        dialects = {key: document.dialect for key, document in self._documents.items()}
        while pending:
            key = next(iter(pending))
            place = Place(pending.pop(key))
            schema = self._files.at(place)
            dialect = dialects[key]
            used: dict[str, Place] = {}
            content = self._rewrite(schema, place, used)
            written[key] = {"schemaFormat": schema_format(dialect), "schema": content}
            for name, target in used.items():
                if name not in written and name not in pending:
                    pending[name] = target.file
                    # What is shared is read by its own dialect, or by that of who refers to it.
                    shared = self._files.at(Place(target.file))
                    own = shared.get("$schema") if isinstance(shared, Mapping) else None
                    dialects[name] = own if isinstance(own, str) else dialect
        return {key: written[key] for key in sorted(written)}

    def _rewrite(self, schema: Any, place: Place, used: dict[str, Place]) -> Any:
        if not isinstance(schema, Mapping):
            return schema
        content: dict[str, Any] = {
            name: value
            for name, value in schema.items()
            if name not in _BASES and not (name in _DATA and holds_reference(value))
        }
        if isinstance(content.get("id"), str) and content["id"].startswith(("http", "#")):
            del content["id"]  # draft-04's word for $id
        for name in ("$ref", "$dynamicRef", "$recursiveRef"):
            if isinstance(content.get(name), str):
                target = self._files.follow(place, content.pop(name))
                content["$ref"] = self._pointer(target, used)
        for path, part in schemas_within(schema):
            inner = Place(place.file, (*place.path, *path))
            _put(content, path, self._rewrite(part, inner, used))
        return content

    def _pointer(self, target: Place, used: dict[str, Place]) -> str:
        key = self._key_of.get(target.file)
        if key is None:
            key = self._share(target)
        used[key] = target
        parts = "".join(f"/{_escape(part)}" for part in target.path)
        return f"{self._prefix}/{key}/schema{parts}"

    def _share(self, target: Place) -> str:
        path = target.file.relative_to(self._files.root).with_suffix("").as_posix()
        taken = set(self._key_of.values())
        key = safe_key(f"shared.{path.replace('/', '.')}")
        if key in taken:  # by a file whose name has dots where this one has folders
            key = safe_key(f"shared.{path}")
        self._key_of[target.file] = key
        return key


def schema_format(dialect: str) -> str:
    """Return AsyncAPI's name of a JSON Schema dialect, such as ``…;version=2020-12``."""
    for version in ("draft-04", "draft-06", "draft-07", "2019-09"):
        if version in dialect:
            return f"application/schema+json;version={version}"
    return "application/schema+json;version=2020-12"


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


def _put(content: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Replace a schema within *content*; the map or list that holds it is copied first."""
    if len(path) == 1:
        content[path[0]] = value
        return
    name, key = path
    holder = content[name]
    if isinstance(holder, list):
        content[name] = [value if index == int(key) else item for index, item in enumerate(holder)]
    else:
        content[name] = {**holder, key: value}


def _escape(part: str) -> str:
    return quote(part.replace("~", "~0").replace("/", "~1"), safe=_IN_FRAGMENTS)
