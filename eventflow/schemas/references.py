"""What `$ref` refers to: in the same file or in another one of the repository, and nowhere else.

A `$ref` is relative to its file, or to the file's `$id` where it has one. A relative `$id` is read
from the first folder of the file on (that of the source), so that a tree of schemas which name each
other by `$id` works as it is below one folder. Nothing is ever fetched.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin

from eventflow.schemas.keywords import IN_PLACE, below, read_dialect

__all__ = ["Library", "Place", "ReferenceFault"]

_BASE = "https://repository.invalid/"  # .invalid: RFC 2606 keeps it from ever being a real host
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NOT_READ = ("$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class Place:
    """A schema and where it stands.

    Attributes:
        file: Its file, from the repository's directory on.
        path: Where in the file.
        schema: The schema itself.
        base: The address that its references are relative to.
    """

    file: PurePosixPath
    path: tuple[str | int, ...]
    schema: Any = field(compare=False, repr=False)
    base: str = field(default=_BASE, compare=False)


class ReferenceFault(Exception):  # noqa: N818 - becomes a Problem where it is caught
    """A `$ref` that refers to nothing which may be had; the message says why and what to do."""


class Library:
    """Every readable JSON file of a repository, and what their references mean.

    Args:
        documents: The files' content, by their paths from the repository's directory on.
    """

    def __init__(self, documents: Mapping[PurePosixPath, Any]) -> None:
        self._roots: dict[PurePosixPath, Place] = {}
        self._by_file: dict[str, Place] = {}
        self._by_id: dict[str, list[Place]] = {}
        self._anchors: dict[tuple[str, str], Place] = {}
        self._places: dict[int, Place] = {}
        for file, document in documents.items():
            address = _BASE + str(file)
            folder = f"{_BASE}{file.parts[0]}/" if len(file.parts) > 1 else _BASE
            root = self._index(Place(file, (), document, address), folder)
            self._roots[file] = root
            self._by_file[address] = root

    def root(self, file: PurePosixPath) -> Place:
        """Return a file's whole document."""
        return self._roots[file]

    def resolve(self, place: Place) -> Place | None:
        """Return what the `$ref` of *place* refers to; None where it has none.

        Raises:
            ReferenceFault: When it refers to what is not there, or to what may not be.
        """
        if not isinstance(place.schema, dict):
            return None
        for keyword in _NOT_READ:
            if keyword in place.schema:
                message = f"{keyword} is not read: write $ref"
                raise ReferenceFault(message)
        reference = place.schema.get("$ref")
        if not isinstance(reference, str):  # if it is anything else, the meta-schema says so
            return None
        target, _, fragment = reference.partition("#")
        resource = self._find(_join(place.base, target, reference), reference, place)
        return self._point(resource, unquote(fragment), reference)

    def below(self, place: Place) -> Iterator[tuple[Place, str]]:
        """Return the schemas that stand directly in *place*, and how each is met."""
        for found in below(place.schema):
            known = self._places.get(id(found.schema)) if isinstance(found.schema, dict) else None
            yield (
                known or Place(place.file, (*place.path, *found.path), found.schema, place.base),
                found.kind,
            )

    def reach(self, root: Place) -> dict[Place, Place | ReferenceFault | None]:
        """Return every schema that *root* is made of, here and elsewhere, and what it refers to."""
        reached: dict[Place, Place | ReferenceFault | None] = {}
        pending = [root]
        while pending:
            place = pending.pop()
            if place in reached:
                continue
            try:
                target = reached[place] = self.resolve(place)
            except ReferenceFault as fault:
                reached[place] = fault
                target = None
            if target is not None:
                pending.append(target)
            pending += [found for found, _ in self.below(place)]
        return reached

    def endless(self, reached: Mapping[Place, Place | ReferenceFault | None]) -> list[Place]:
        """Return the places whose `$ref` leads back to themselves without a step into the data."""
        done: set[Place] = set()
        found: list[Place] = []
        for start in reached:
            if start in done:
                continue
            trail: dict[Place, Iterator[Place]] = {start: self._in_place(start, reached)}
            while trail:
                place = next(reversed(trail))
                following = next(trail[place], None)
                if following is None:
                    done.add(place)
                    del trail[place]
                elif following in trail:
                    found.append(_last_reference(list(trail), following, reached))
                elif following not in done:
                    trail[following] = self._in_place(following, reached)
        return sorted(
            set(found), key=lambda place: (place.file, [str(part) for part in place.path])
        )

    def _in_place(
        self, place: Place, reached: Mapping[Place, Place | ReferenceFault | None]
    ) -> Iterator[Place]:
        target = reached.get(place)
        if isinstance(target, Place):
            yield target
        for found, kind in self.below(place):
            if kind == IN_PLACE:
                yield found

    def _index(self, root: Place, folder: str) -> Place:
        """Note every schema, name and anchor of a document; return its root with its base."""
        is_old = (read_dialect(root.schema) or "").endswith("draft-04/schema")
        word = "id" if is_old else "$id"
        pending = [(root, folder)]
        first = root
        while pending:
            place, outer = pending.pop()
            if not isinstance(place.schema, dict):
                continue
            name = place.schema.get(word)
            if isinstance(name, str) and name:
                target, _, anchor = name.partition("#")
                if target:
                    base = target if _SCHEME.match(target) else _absolute(outer, target)
                    place = Place(place.file, place.path, place.schema, base)
                    self._by_id.setdefault(base, []).append(place)
                if anchor:
                    self._anchors[(place.base, anchor)] = place
            anchor = place.schema.get("$anchor")
            if isinstance(anchor, str):
                self._anchors[(place.base, anchor)] = place
            if not place.path:
                first = place
            self._places[id(place.schema)] = place
            for found in below(place.schema):
                path = (*place.path, *found.path)
                inner = Place(place.file, path, found.schema, place.base)
                pending.append((inner, place.base))
        return first

    def _find(self, address: str, reference: str, place: Place) -> Place:
        for name in (address, unquote(address)):
            if name == place.base and place.file in self._roots:
                named = [item for item in self._by_id.get(name, ()) if item.file == place.file]
                return named[0] if named else self._roots[place.file]
            if name in self._by_file:
                return self._by_file[name]
            named = self._by_id.get(name, [])
            if len(named) > 1:
                files = " and ".join(sorted(str(item.file) for item in named[:2]))
                message = f"refers to {reference!r}, which is the $id of both {files}"
                raise ReferenceFault(message)
            if named:
                return named[0]
        if address.startswith(_BASE):
            file = unquote(address.removeprefix(_BASE))
            message = (
                f"refers to {reference!r}, and the repository has no file {file!r} that can be read"
            )
            raise ReferenceFault(message)
        message = (
            f"refers to {reference!r}, which is outside of the repository and is never fetched: "
            "copy it into the repository, and refer to it by its path from this file"
        )
        raise ReferenceFault(message)

    def _point(self, resource: Place, fragment: str, reference: str) -> Place:
        if not fragment:
            return resource
        if not fragment.startswith("/"):
            anchored = self._anchors.get((resource.base, fragment))
            if anchored is None:
                message = f"refers to {reference!r}, and there is no anchor {fragment!r}"
                raise ReferenceFault(message)
            return anchored
        path: tuple[str | int, ...] = resource.path
        value, base = resource.schema, resource.base
        for part in fragment[1:].split("/"):
            key: str | int = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and str(key).isdecimal() and int(key) < len(value):
                key = int(key)
                value = value[key]
            elif isinstance(value, dict) and key in value:
                value = value[key]
            else:
                message = (
                    f"refers to {reference!r}, and {resource.file} has nothing at {fragment!r}"
                )
                raise ReferenceFault(message)
            path = (*path, key)
            known = self._places.get(id(value)) if isinstance(value, dict) else None
            base = known.base if known else base
        if not isinstance(value, dict | bool):
            message = f"refers to {reference!r}, which is no schema"
            raise ReferenceFault(message)
        return Place(resource.file, path, value, base)


def _join(base: str, target: str, reference: str) -> str:
    if not target:
        return base
    if _SCHEME.match(target) or not base.startswith(_BASE):
        return _absolute(base, target)
    if target.startswith("//"):
        return f"https:{target}"
    parts = base.removeprefix(_BASE).split("/")[:-1]
    if target.startswith("/"):
        parts = [".."]  # there is no root to begin at
    for part in target.split("/"):
        if part == "..":
            if not parts:
                parts = [".."]
                break
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    if parts[:1] == [".."]:
        message = (
            f"refers to {reference!r}, which lies outside of the repository: copy the file into "
            "it, and refer to it by its path from this file"
        )
        raise ReferenceFault(message)
    return _BASE + "/".join(parts)


def _absolute(base: str, target: str) -> str:
    try:
        return urljoin(base, target)
    except ValueError:  # brackets that hold no address
        return target


def _last_reference(
    trail: list[Place], again: Place, reached: Mapping[Place, Place | ReferenceFault | None]
) -> Place:
    """Return the last place of a circle that has a `$ref`; a circle has one."""
    circle = trail[trail.index(again) :]
    return next(place for place in reversed(circle) if isinstance(reached.get(place), Place))
