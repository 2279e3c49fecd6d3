"""Bundling: schemas with all that they refer to, in one document and one dialect, 2020-12."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from eventflow.errors import Problem, SchemaError
from eventflow.schemas.document import SchemaDocument

__all__ = ["Bundler", "Part"]

_SCHEMA = frozenset(
    {
        *("additionalItems", "additionalProperties", "contains", "else", "if", "items", "not"),
        *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
    }
)
_LIST = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_NAMED = frozenset({"dependencies", "dependentSchemas", "patternProperties", "properties"})
_DROPPED = frozenset(
    {
        *("$anchor", "$comment", "$defs", "$id", "$recursiveAnchor", "$schema", "definitions"),
        *("id", "x-eventflow"),
    }
)
_OLD = ("draft-03", "draft-04", "draft-06", "draft-07")  # in which nothing counts beside a $ref

Part = tuple[Path, str]
"""A part of a file: the file, and a JSON pointer."""


class Bundler:
    """Takes schemas in, one after the other, with the parts that they share.

    A `$ref` becomes `#/$defs/KEY`, where KEY stands for one part of one file; what a schema says in
    an older dialect is said in 2020-12.

    Attributes:
        parts: Each part that something refers to, by its key, in the order of being met.
        places: Where each part is.
    """

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}  # Any: JSON
        self.places: dict[str, Part] = {}
        self._keys: dict[Part, str] = {}
        self._files: dict[Path, Any] = {}

    def add(self, document: SchemaDocument) -> dict[str, Any]:
        """Take a schema in.

        Args:
            document: The schema; what it refers to is read from beside its file.

        Returns:
            The schema itself, without `$defs`; those are in `parts`.

        Raises:
            SchemaError: When it refers to what is not there.
        """
        file = document.file.absolute()
        self._files[file] = document.schema
        walker = _Walker(file, document.dialect, self._refer)
        schema: Any = walker.walk(document.schema)
        seen: set[str] = set()
        # A schema that is another one by reference alone is that one.
        while set(schema) - _ANNOTATIONS == {"$ref"} and schema["$ref"] not in seen:
            seen.add(schema["$ref"])
            target = self.parts[schema["$ref"].rpartition("/")[2]]
            words = {name: value for name, value in schema.items() if name != "$ref"}
            schema = {**target, **words} if isinstance(target, Mapping) else {}
        return dict(schema)

    def _refer(self, file: Path, reference: str, dialect: str) -> str:
        """Take in what a `$ref` refers to, and return its key."""
        path, _, fragment = unquote(reference).partition("#")
        target = Path(_normal(file.parent / path)) if path else file
        place = (target, fragment)
        if place not in self._keys:
            key = f"part-{len(self._keys)}"
            self._keys[place], self.places[key] = key, place
            self.parts[key] = {}  # holds its place while what it refers to is taken in
            whole = self._read(target, file, reference)
            part = _find(whole, fragment)
            if part is None:
                raise _fault(file, f"{reference!r} refers to what {target.name} does not have")
            own = whole.get("$schema", dialect) if isinstance(whole, Mapping) else dialect
            self.parts[key] = _Walker(target, str(own), self._refer).walk(part)
        return self._keys[place]

    def _read(self, target: Path, file: Path, reference: str) -> Any:
        if target not in self._files:
            try:
                self._files[target] = json.loads(target.read_bytes())
            except (OSError, ValueError, RecursionError) as error:
                message = f"{reference!r} refers to {target}, which cannot be read: {error}"
                raise _fault(file, message) from error
        return self._files[target]


_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "deprecated"})


class _Walker:
    """Goes through one file's schema, where schemas stand and nowhere else."""

    def __init__(self, file: Path, dialect: str, refer: Callable[[Path, str, str], str]) -> None:
        self._file = file
        self._dialect = dialect
        self._is_old = any(name in dialect for name in _OLD)
        self._refer = refer

    def walk(self, schema: Any) -> Any:
        if not isinstance(schema, Mapping):
            return schema  # true or false
        if isinstance(reference := schema.get("$ref"), str):
            key = self._refer(self._file, reference, self._dialect)
            own = {} if self._is_old else dict(self._walk_keywords(schema))
            return {**own, "$ref": f"#/$defs/{key}"}
        return dict(self._walk_keywords(schema))

    def _walk_keywords(self, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, value in _modern(schema).items():
            if name in _DROPPED or name == "$ref":
                continue
            if name in _LIST and isinstance(value, list):
                yield name, [self.walk(item) for item in value]
            elif name in _NAMED and isinstance(value, Mapping):
                # As a value rather than as a type: where an `allOf` narrows a property to null, the
                # generator of models gives the type what an earlier part says of it.
                yield (
                    name,
                    {
                        key: {"enum": [None]} if item == {"type": "null"} else self.walk(item)
                        for key, item in value.items()
                    },
                )
            else:
                yield name, self.walk(value) if name in _SCHEMA else value


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


def _find(schema: Any, fragment: str) -> Any:
    """Return the part of a schema that a fragment names; None where there is none."""
    if fragment and not fragment.startswith("/"):
        return next(_anchored(schema, fragment), None)
    for step in fragment.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, Mapping) and name in schema:
            schema = schema[name]
        elif isinstance(schema, list) and name.isdecimal() and int(name) < len(schema):
            schema = schema[int(name)]
        else:
            return None
    return schema


def _anchored(schema: Any, anchor: str) -> Iterator[Any]:
    if isinstance(schema, Mapping):
        names = (schema.get("$anchor"), schema.get("$id"), schema.get("id"))
        if anchor == names[0] or f"#{anchor}" in names:
            yield schema
        for value in schema.values():
            yield from _anchored(value, anchor)
    elif isinstance(schema, list):
        for value in schema:
            yield from _anchored(value, anchor)


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return str(Path(*parts))


def _fault(file: Path, message: str) -> SchemaError:
    return SchemaError("a schema is faulty", [Problem(str(file), 0, 0, "", message)])
