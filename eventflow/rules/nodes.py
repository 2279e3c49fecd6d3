"""A YAML document as a tree that remembers where each of its parts stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Entry",
    "MappingNode",
    "Node",
    "Place",
    "ScalarNode",
    "SequenceNode",
    "locate",
    "locate_text",
    "plain",
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; both numbers begin at 1."""

    line: int
    column: int


@dataclass(slots=True, eq=False)
class Node:
    """One part of the document.

    Attributes:
        place: Where it begins.
        size: How many nodes it holds, itself included, with every alias written out.
        height: How many levels it has.
    """

    place: Place
    size: int
    height: int


@dataclass(slots=True, eq=False)
class ScalarNode(Node):
    """A text, a number, a boolean or null."""

    value: str | int | float | bool | None


@dataclass(slots=True, eq=False)
class SequenceNode(Node):
    """A list."""

    items: list[Node]


@dataclass(slots=True, eq=False)
class Entry:
    """One key of a mapping and what it leads to."""

    place: Place
    node: Node


@dataclass(slots=True, eq=False)
class MappingNode(Node):
    """A mapping; its keys are text.

    Attributes:
        entries: Each key once.
        repeated: What stands under a key that was there already, which is a fault.
    """

    entries: dict[str, Entry]
    repeated: list[tuple[str, Entry]] = field(default_factory=list)


def plain(node: Node) -> Any:  # Any: a JSON value
    """Return the JSON value that *node* stands for; the reader has bounded its depth and size."""
    if isinstance(node, MappingNode):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.items]
    assert isinstance(node, ScalarNode)
    return node.value


def locate(
    node: Node, path: Sequence[str | int], *, key: bool = False
) -> tuple[Place, tuple[str | int, ...]]:
    """Find where a path leads, or the deepest part of it that there is.

    Args:
        node: Where the path begins.
        path: Keys and indexes.
        key: Whether the place of the last key is wanted and not that of its value.

    Returns:
        The place, and the steps of *path* that lead there.
    """
    place = node.place
    taken: list[str | int] = []
    for step in path:
        if isinstance(node, MappingNode) and step in node.entries:
            entry = node.entries[str(step)]
            node = entry.node
            last = len(taken) == len(path) - 1
            place = entry.place if key and last else node.place
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            place = node.place
        else:
            break
        taken.append(step)
    return place, tuple(taken)


def locate_text(node: Node, path: str) -> Place:
    """Find where a path that is written out leads, such as ``detail.door.kind[0]``.

    Keys may hold dots and brackets themselves: of the keys that fit, the longest counts.

    Args:
        node: Where the path begins.
        path: Keys joined by dots, indexes in brackets.

    Returns:
        The place of the deepest part that there is.
    """
    rest = path
    while rest:
        rest = rest.removeprefix(".")
        if isinstance(node, MappingNode):
            fitting = [name for name in node.entries if _begins_with(rest, name)]
            if not fitting:
                break
            name = max(fitting, key=len)
            node, rest = node.entries[name].node, rest[len(name) :]
        elif isinstance(node, SequenceNode) and rest.startswith("["):
            index, closed, after = rest[1:].partition("]")
            if not (closed and index.isdecimal() and int(index) < len(node.items)):
                break
            node, rest = node.items[int(index)], after
        else:
            break
    return node.place


def _begins_with(path: str, name: str) -> bool:
    return path.startswith(name) and path[len(name) : len(name) + 1] in {"", ".", "["}
