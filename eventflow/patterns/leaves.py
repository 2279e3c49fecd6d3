"""What an event has at a field's path: the first values, and where the way to them ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from eventflow.patterns.faults import show
from eventflow.patterns.spelling import unfold
from eventflow.patterns.tree import SEPARATOR

__all__ = ["MOST_COUNTED", "Finding", "find_leaves", "find_name"]

MOST_COUNTED = 1_000
"""Where the counting of a field's values ends."""

_Item = TypeVar("_Item")
_MOST_SHOWN = 5
_MOST_KEPT = 20
_MOST_VISITED = 10_000
_MOST_NAMES = 4


@dataclass(slots=True)
class Finding:
    """What there is at a path.

    Attributes:
        names: The path's names.
        leaves: The first values there.
        count: How many there are, up to `MOST_COUNTED`.
        holders: Objects and empty arrays that stand there in place of a value; the first ones.
        ends: Where the way ends before the field: how many names lead there, and the object
            without the next name, or the value that is no object; the first ones.
    """

    names: tuple[str, ...]
    leaves: list[object] = field(default_factory=list)
    count: int = 0
    holders: list[object] = field(default_factory=list)
    ends: list[tuple[int, object]] = field(default_factory=list)

    @property
    def shown(self) -> tuple[str, ...]:
        """The first values as JSON, each cut; where there is none, what stands in their place."""
        found = [show(leaf) for leaf in self.leaves[:_MOST_SHOWN]]
        return tuple(found or [_show_holder(value) for value in self.holders[:1]])


def find_leaves(event: dict[str, object], path: str) -> Finding:
    """Find what an event has at a path.

    Args:
        event: The event as EventBridge's dict.
        path: The field's path, names joined by dots.

    Returns:
        The finding; of an event with very many values at the path, that of the first 10,000.
    """
    names = tuple(path.split(SEPARATOR))
    finding = Finding(names)
    pending: list[tuple[Iterator[object], int]] = [(iter((event,)), 0)]
    visited = 0
    while pending and visited < _MOST_VISITED and finding.count < MOST_COUNTED:
        values, depth = pending[-1]
        value = next(values, pending)
        if value is pending:
            pending.pop()
            continue
        visited += 1
        if isinstance(value, list | tuple) and (value or depth < len(names)):
            pending.append((iter(value), depth))
        elif depth == len(names):
            _take(finding, value)
        elif isinstance(value, dict):
            inner = unfold(value, names[depth : depth + 1])
            if names[depth] in inner:
                pending.append((iter((inner[names[depth]],)), depth + 1))
            else:
                _keep(finding.ends, (depth, value))
        else:
            _keep(finding.ends, (depth, value))
    return finding


def find_name(event: dict[str, object], name: str) -> Iterator[tuple[str, object]]:
    """Find the fields of a name, wherever they are; those near the root come first.

    Args:
        event: The event.
        name: The field's own name.

    Yields:
        Path and value; arrays are passed through. The search ends after 10,000 values.
    """
    level: list[tuple[str, object]] = [("", event)]
    visited = 0
    while level and visited < _MOST_VISITED:
        below: list[tuple[str, object]] = []
        for path, value in level:
            visited += 1
            if isinstance(value, list | tuple):
                below.extend((path, item) for item in islice(value, _MOST_KEPT))
            elif isinstance(value, dict):
                for key, item in islice(value.items(), MOST_COUNTED):
                    if not isinstance(key, str):
                        continue
                    place = f"{path}.{key}" if path else key
                    if key == name:
                        yield place, item
                    below.append((place, item))
            if visited + len(below) > _MOST_VISITED:
                break
        level = below


def _take(finding: Finding, value: object) -> None:
    if isinstance(value, dict | list | tuple):
        _keep(finding.holders, value)
        return
    finding.count += 1
    _keep(finding.leaves, value)


def _keep(items: list[_Item], item: _Item) -> None:
    if len(items) < _MOST_KEPT:
        items.append(item)


def _show_holder(value: object) -> str:
    if not isinstance(value, dict) or not value:
        return show(value if isinstance(value, dict) else [])
    names = [show(name) for name in islice(value, _MOST_NAMES)]
    more = f" and {len(value) - len(names):,} more" if len(value) > len(names) else ""
    return f"an object with {', '.join(names)}{more}"
