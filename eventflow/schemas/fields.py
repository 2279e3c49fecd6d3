"""What a schema says of a field: whether there is one of that path, and what may stand there.

A field is looked for as patterns and input paths look for it. A pattern's path looks into every
element of every array on the way, and takes a key with dots (`"door.kind"`) for the names that it
is made of; an input's path takes one key or one element a step.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from eventflow.schemas.branches import MAX_WAYS, UNSEEN, Branch, Node, expand, root_node
from eventflow.schemas.document import SchemaDocument
from eventflow.schemas.leaves import LeafShape, leaf_shape
from eventflow.schemas.repository import Repository
from eventflow.schemas.steps import (
    Step,
    element,
    elements,
    names_of,
    property_of,
    speaks_of_arrays,
    spells,
)

__all__ = ["FieldFacts", "FieldIndex", "SchemaFields"]

_MAX_NESTED = 8


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What a schema says of one field.

    Attributes:
        named: Whether the schema itself speaks of the field.
        shapes: What may stand there by what the schema says, one for each way to fit it.
        other_shapes: What may stand there by what it says of properties that it does not name.
        open: Whether anything may stand there, since objects on the way are open to more
            properties than the schema names.
        takes_object: Whether an object may stand there by what the schema says.
        takes_array: Whether an array may.
        deprecated: Whether the schema calls the field deprecated, however one gets to it.
    """

    named: bool = False
    shapes: tuple[LeafShape, ...] = ()
    other_shapes: tuple[LeafShape, ...] = ()
    open: bool = False
    takes_object: bool = False
    takes_array: bool = False
    deprecated: bool = False

    @property
    def possible(self) -> bool:
        """Whether an event may have the field at all."""
        return self.named or self.open or bool(self.other_shapes)


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to a place: what must hold there, and whether the schema names it."""

    branch: Branch
    named: bool


class SchemaFields:
    """The fields of one schema. It never changes; what was asked once is remembered.

    Args:
        document: The schema.
    """

    def __init__(self, document: SchemaDocument) -> None:
        self._root = [_Way(branch, named=True) for branch in expand((root_node(document),))]
        self._found: dict[tuple[str, ...], FieldFacts] = {}
        self._followed: dict[tuple[str | int, ...], FieldFacts] = {}

    def find(self, names: Sequence[str]) -> FieldFacts:
        """Look for a field as a pattern does.

        Args:
            names: The names from the data's top; none for the data itself.
        """
        key = tuple(names)
        if key not in self._found:
            ways, is_open = self._walk(key)
            self._found[key] = _facts([*_into_arrays(ways)] if key else ways, is_open=is_open)
        return self._found[key]

    def follow(self, steps: Sequence[str | int]) -> FieldFacts:
        """Look for a value as an input's path does.

        Args:
            steps: Names and indexes from the data's top.
        """
        key = tuple(steps)
        if key in self._followed:
            return self._followed[key]
        ways, is_open = self._root, False
        for step in key:
            ways, opened = _take(ways, (_one_step(way.branch, step) for way in ways))
            is_open = is_open or opened
        self._followed[key] = _facts(ways, is_open=is_open)
        return self._followed[key]

    def names_below(self, names: Sequence[str]) -> frozenset[str]:
        """Return the properties that the schema names at a place, arrays looked into."""
        ways, _ = self._walk(tuple(names))
        there = _into_arrays(ways) if names else ways
        return frozenset(name for way in there if way.named for name in names_of(way.branch))

    def _walk(self, names: tuple[str, ...]) -> tuple[list[_Way], bool]:
        """Return the ways to a place, and whether anything may be there beside."""
        at: list[list[_Way]] = [self._root, *([] for _ in names)]
        is_open = False
        for begin in range(len(names)):
            # An event's data is an object, whatever else its schema might let through.
            here = list(_into_arrays(at[begin])) if begin else self._root
            for end in range(begin + 1, len(names) + 1):
                # Several names may be one key with dots: in an event both are one.
                key = ".".join(names[begin:end])
                joined = end > begin + 1
                steps = (_spelt(way.branch, key, joined=joined) for way in here)
                ways, opened = _take(here, steps)
                is_open = is_open or opened
                at[end] = _bounded([*at[end], *ways])
        return at[-1], is_open


class FieldIndex:
    """The fields of every schema of a repository, taken apart when first asked for.

    Args:
        repository: The schemas.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._fields: dict[str, SchemaFields] = {}

    def of(self, document: SchemaDocument) -> SchemaFields:
        """Return the fields of a schema of the repository."""
        name = str(document.name)
        found = self._fields.get(name)
        if found is None:
            found = SchemaFields(document)
            self._fields[name] = found
        return found


def _spelt(branch: Branch, key: str, *, joined: bool) -> Step | None:
    step = property_of(branch, key)
    if step is not None and joined and not spells(branch, key):
        return Step(step.nodes, named=False)
    return step


def _one_step(branch: Branch, step: str | int) -> Step | None:
    return property_of(branch, step) if isinstance(step, str) else element(branch, step)


def _take(ways: Sequence[_Way], steps: Iterable[Step | None]) -> tuple[list[_Way], bool]:
    """Return where steps lead, and whether one of them leads to just anything."""
    found: list[_Way] = []
    is_open = False
    for way, step in zip(ways, steps, strict=True):
        if step is None:
            continue
        named = way.named and step.named
        branches = expand(step.nodes)
        if not named and () in branches:
            is_open = True
            continue
        found += [_Way(branch, named) for branch in branches]
    return _bounded(found), is_open


def _bounded(ways: list[_Way]) -> list[_Way]:
    if len(ways) <= MAX_WAYS:
        return ways
    named = any(way.named for way in ways)
    return [_Way((UNSEEN,), named)]


def _into_arrays(ways: Iterable[_Way]) -> Iterator[_Way]:
    """Yield the ways, and those to the elements where there may be an array; arrays in them too."""
    level = list(ways)
    for depth in range(_MAX_NESTED):
        yield from level
        found = [
            # Whoever says nothing of arrays does not name what is in them.
            _Way(branch, way.named and (bool(branch) or speaks_of_arrays(way.branch)))
            for way in level
            for nodes in elements(way.branch)
            for branch in expand(nodes)
            # What may be anything holds nothing that is not told of it already.
            if branch or way.branch
        ]
        level = _bounded(found)
        if not level:
            return
        if depth == _MAX_NESTED - 2:
            level = [_Way((UNSEEN,), named=any(way.named for way in level))]


def _facts(ways: Sequence[_Way], *, is_open: bool) -> FieldFacts:
    shapes: dict[bool, list[LeafShape]] = {True: [], False: []}
    for way in ways:
        shape = leaf_shape(way.branch)
        if shape.kinds and shape not in shapes[way.named]:
            shapes[way.named].append(shape)
    named = [way.branch for way in ways if way.named]
    return FieldFacts(
        named=bool(named),
        shapes=tuple(shapes[True]),
        other_shapes=tuple(shapes[False]),
        open=is_open,
        takes_object=any(_takes(branch, "object") for branch in named),
        takes_array=any(_takes(branch, "array") for branch in named),
        deprecated=bool(named) and all(_is_deprecated(branch) for branch in named),
    )


def _takes(branch: Branch, kind: str) -> bool:
    return all(node.takes(kind) and _holds(node, kind) for node in branch)


def _holds(node: Node, kind: str) -> bool:
    values = node.values()
    return values is None or any(
        isinstance(value, dict if kind == "object" else list) for value in values
    )


def _is_deprecated(branch: Branch) -> bool:
    return any(node.schema.get("deprecated") is True for node in branch)
