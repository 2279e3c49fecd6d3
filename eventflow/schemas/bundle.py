"""One schema out of several files: what it refers to elsewhere is taken in, below its `$defs`."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from eventflow.schemas.keywords import STORED, below
from eventflow.schemas.references import Place, ReferenceFault

__all__ = ["MAX_SCHEMAS", "BundleFault", "bundle"]

MAX_SCHEMAS = 50_000
"""The most schemas that one may be made of, those within it included."""

_NAMES = ("$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor")


class BundleFault(Exception):  # noqa: N818 - becomes a Problem where it is caught
    """A schema that grows too large once it is put together."""


def bundle(
    root: Place, dialect: str, targets: Mapping[Place, Place | ReferenceFault | None]
) -> dict[str, Any] | bool:
    """Return the schema of *root* with every reference leading into itself.

    Args:
        root: A file's whole document.
        dialect: What it is read by.
        targets: What each schema of it refers to, as `Library.reach` says.

    Raises:
        BundleFault: When it has more than `MAX_SCHEMAS` schemas.
    """
    if not isinstance(root.schema, dict):
        return bool(root.schema)
    return _Bundling(root, dialect, targets).run()


class _Bundling:
    def __init__(
        self, root: Place, dialect: str, targets: Mapping[Place, Place | ReferenceFault | None]
    ) -> None:
        self._root = root
        self._targets = targets
        self._store = "$defs" if "draft/20" in dialect else "definitions"
        self._is_draft_4 = dialect.endswith("draft-04/schema")
        self._taken = set(root.schema.get(self._store) or ())
        self._names: dict[Place, str] = {}
        self._pending: list[Place] = []
        self._count = 0

    def run(self) -> dict[str, Any]:
        whole: dict[str, Any] = self._copy(self._root, self._root.schema, ())
        parts: dict[str, Any] = {}
        while self._pending:
            place = self._pending.pop(0)
            parts[self._names[place]] = self._copy(place, place.schema, ())
        if parts:
            whole[self._store] = {**(whole.get(self._store) or {}), **parts}
        return whole

    def _copy(self, start: Place, schema: Any, path: tuple[str | int, ...]) -> Any:
        """Copy what stands at *path* below *start*, without names that no reference needs now."""
        if not isinstance(schema, dict):
            return schema
        self._count += 1
        if self._count > MAX_SCHEMAS:
            message = (
                f"is made of more than {MAX_SCHEMAS:,} schemas once its references are followed"
            )
            raise BundleFault(message)
        is_part = start is not self._root
        copy = {key: value for key, value in schema.items() if key not in _NAMES}
        if self._is_draft_4 and isinstance(copy.get("id"), str):
            del copy["id"]
        if is_part:
            copy.pop("$schema", None)
        for found in below(schema):
            key = found.path[0]
            if is_part and found.kind == STORED:
                copy.pop(str(key), None)
                continue
            inner = self._copy(start, found.schema, (*path, *found.path))
            if len(found.path) == 1:
                copy[str(key)] = inner
                continue
            if copy[str(key)] is schema[key]:
                copy[str(key)] = schema[key].copy()
            copy[str(key)][found.path[1]] = inner
        target = self._targets.get(Place(start.file, (*start.path, *path), schema))
        if isinstance(target, Place):
            copy["$ref"] = self._refer(target)
        return copy

    def _refer(self, target: Place) -> str:
        if target.file == self._root.file:
            return "#" + "".join(f"/{_escape(str(part))}" for part in target.path)
        name = self._names.get(target)
        if name is None:
            name = self._names[target] = self._name(target)
            self._pending.append(target)
        return f"#/{self._store}/{_escape(name)}"

    def _name(self, target: Place) -> str:
        file = target.file.name.removesuffix(".json").removesuffix(".schema")
        folder = f"{target.file.parts[-2]}-" if re.match(r"\d", file) else ""
        last = [str(part) for part in target.path[-1:]]
        wanted = re.sub(r"[^A-Za-z0-9_.-]+", "-", "-".join([folder + file, *last]))
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}-{number}"
        self._taken.add(name)
        return name


def _escape(part: str) -> str:
    return quote(part.replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@")
