"""Follows `$ref` within a file and from file to file, always inside the repository."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from eventflow.errors import SchemaError
from eventflow.schemas import Repository

__all__ = ["Place", "SchemaFiles", "schemas_within"]

_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE = (
    *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if"),
    *("items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a schema stands.

    Attributes:
        file: The file, resolved.
        path: The keys and indices that lead to it, as texts.
    """

    file: Path
    path: tuple[str, ...] = ()

    def __truediv__(self, part: str | int) -> "Place":
        return Place(self.file, (*self.path, str(part)))


class SchemaFiles:
    """The files of a repository, read when they are first referred to.

    Args:
        repository: Whose files; what its documents hold is taken from them.
    """

    def __init__(self, repository: Repository) -> None:
        self._root = repository.root.resolve()
        self._files: dict[Path, Any] = {
            document.file.resolve(): document.schema for document in repository.documents
        }

    @cached_property
    def _anchors(self) -> dict[Path, dict[str, Place]]:
        return {}

    @property
    def root(self) -> Path:
        """The repository's directory, resolved."""
        return self._root

    def at(self, place: Place) -> Any:  # Any: a JSON value
        """Return what stands at a place.

        Raises:
            SchemaError: When nothing does, or its file cannot be read.
        """
        value = self._read(place.file)
        for part in place.path:
            value = self._step(value, part, place)
        return value

    def follow(self, origin: Place, reference: str) -> Place:
        """Return the place that a `$ref` means.

        Args:
            origin: The schema that it stands in.
            reference: Its value: relative to the file, with or without a fragment.

        Raises:
            SchemaError: When it leads out of the repository, to another machine, or nowhere.
        """
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            message = f"{self._name(origin)} refers to {reference!r}: what is remote is never read"
            raise SchemaError(message)
        file = (origin.file.parent / unquote(parts.path)).resolve() if parts.path else origin.file
        if not file.is_relative_to(self._root):
            message = f"{self._name(origin)} refers to {reference!r}, outside of the repository"
            raise SchemaError(message)
        fragment = unquote(parts.fragment)
        if fragment and not fragment.startswith("/"):
            return self._anchor(file, fragment, origin)
        names = [part.replace("~1", "/").replace("~0", "~") for part in fragment.split("/")[1:]]
        place = Place(file, tuple(names))
        self.at(place)
        return place

    def _read(self, file: Path) -> Any:
        if file not in self._files:
            try:
                self._files[file] = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError) as error:
                message = f"{self._relative(file)} cannot be read as JSON: {error}"
                raise SchemaError(message) from error
        return self._files[file]

    def _step(self, value: Any, part: str, place: Place) -> Any:
        if isinstance(value, Mapping) and part in value:
            return value[part]
        if isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            return value[int(part)]
        message = f"a $ref leads to {self._name(place)}, where nothing is"
        raise SchemaError(message)

    def _anchor(self, file: Path, name: str, origin: Place) -> Place:
        if file not in self._anchors:
            found: dict[str, Place] = {}
            _find_anchors(self._read(file), Place(file), found)
            self._anchors[file] = found
        place = self._anchors[file].get(name)
        if place is None:
            message = f"{self._name(origin)} refers to the anchor {name!r}, which is not there"
            raise SchemaError(message)
        return place

    def _relative(self, file: Path) -> Path:
        return file.relative_to(self._root) if file.is_relative_to(self._root) else file

    def _name(self, place: Place) -> str:
        return f"{self._relative(place.file)}#/{'/'.join(place.path)}"


def schemas_within(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the schemas that stand directly in a schema, with the keys that lead to them.

    What is data (`const`, `enum`, `default`, `examples`) is passed over, whatever it looks like.

    Args:
        schema: The schema.
    """
    for name in _MAPS:
        value = schema.get(name)
        if isinstance(value, Mapping):
            yield from (((name, key), part) for key, part in value.items())
    for name in _LISTS:
        value = schema.get(name)
        if isinstance(value, list):
            yield from (((name, str(index)), part) for index, part in enumerate(value))
    for name in _SINGLE:
        value = schema.get(name)
        if isinstance(value, Mapping | bool):
            yield (name,), value
    value = schema.get("dependencies")
    if isinstance(value, Mapping):  # of draft-07: a schema, or a list of names
        for key, part in value.items():
            if isinstance(part, Mapping | bool):
                yield ("dependencies", key), part


def _find_anchors(schema: Any, place: Place, found: dict[str, Place]) -> None:
    if not isinstance(schema, Mapping):
        return
    for name in ("$anchor", "$dynamicAnchor", "$id"):
        value = schema.get(name)
        if isinstance(value, str):
            text = value if name != "$id" else value[1:] if value.startswith("#") else ""
            if text:
                found.setdefault(text, place)
    for path, part in schemas_within(schema):
        _find_anchors(part, Place(place.file, (*place.path, *path)), found)
