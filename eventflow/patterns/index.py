"""The fields that many patterns ask for, as one tree that is laid over an event once.

At each field stand the tests filed there; what they find is put into one set. An array's elements
are gone through one by one: which of them meets what together, only the candidate's own tree says.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from eventflow.patterns.condition import Condition
from eventflow.patterns.hits import Candidate, Hit
from eventflow.patterns.operators.exists import Exists
from eventflow.patterns.spelling import unfold
from eventflow.patterns.tree import SEPARATOR
from eventflow.patterns.values import Filing, Values

__all__ = ["Absence", "Absent", "Field", "plant"]

Absent = tuple[Condition, Hit, Candidate]
"""A condition, what is found where its field is absent, and the candidate for any other case."""

_MISSING = object()
_NO_VALUES = Values(())
_FEW = 8
_concatenate = "".join


class Field:
    """A field of events, and the fields below it. Once planted, it never changes.

    Args:
        values: The tests of the field itself.
        children: The fields below, by name.

    Attributes:
        values: The tests of the field itself.
        steps: The fields below: name, field, what equal text finds there, what beginnings of
            each length do, and what else a text is looked up with. This is what the inmost loop needs, without a look-up of attributes.
    """

    __slots__ = ("_children", "_is_wide", "steps", "values")

    def __init__(self, values: Values, children: "dict[str, Field]") -> None:
        self.values = values
        self._children = children
        self._is_wide = len(children) > _FEW
        self.steps = tuple(
            (name, child, child.values.texts, child.values.prefixes, child.values.look_ups)
            for name, child in children.items()
        )

    def find(  # noqa: C901 - the inmost loop, where a call costs as much as what it does
        self, value: dict[str, object], found: set[Hit]
    ) -> None:
        """Find the tests that accept a leaf of an object.

        Args:
            value: The object that this field holds, or the event for the root.
            found: Where the hits are put.
        """
        try:
            if SEPARATOR in _concatenate(value):
                value = unfold(value, self._children)
        except TypeError:  # a name that is no text
            value = unfold(value, self._children)
        if self._is_wide and len(self._children) > len(value):
            self._find_by_name(value, found)
            return
        for name, child, texts, prefixes, look_ups in self.steps:
            inner = value.get(name)
            if type(inner) is str:
                if inner in texts:
                    found.update(texts[inner])
                for length, table in prefixes:
                    start = inner[:length]
                    if start in table:
                        found.update(table[start])
                for look_up in look_ups:
                    look_up(inner, found)
            elif type(inner) is dict:
                if child.steps:
                    child.find(inner, found)
            elif inner is not None or name in value:
                child.find_in_value(inner, found)

    def _find_by_name(self, value: dict[str, object], found: set[Hit]) -> None:
        for name, inner in value.items():
            child = self._children.get(name)
            if child is not None:
                child.find_in_value(inner, found)

    def find_in_value(self, value: object, found: set[Hit]) -> None:
        """Find the tests that accept a leaf of what this field holds.

        Args:
            value: What it holds: a leaf, an object or an array.
            found: Where the hits are put.
        """
        if isinstance(value, dict):
            if self.steps:
                self.find(value, found)
        elif isinstance(value, list | tuple):
            self.find_in_array(value, found)
        else:
            self.values.find(value, found)

    def find_in_array(self, array: Sequence[object], found: set[Hit]) -> None:
        """Find the tests that accept a leaf in an array.

        Args:
            array: The array; arrays in it are part of it.
            found: Where the hits are put.
        """
        objects: list[dict[str, object]] = []
        leaves: list[object] = []
        pending = [array]
        while pending:  # a stack, since an event may nest arrays deeply
            for item in pending.pop():
                if isinstance(item, dict):
                    objects.append(item)
                elif isinstance(item, list | tuple):
                    pending.append(item)
                else:
                    leaves.append(item)
        if leaves:
            self.values.find_any(leaves, found)
        if objects and self.steps:
            self._find_in_objects(objects, found)

    def _find_in_objects(self, objects: list[dict[str, object]], found: set[Hit]) -> None:
        try:
            dotted = SEPARATOR in _concatenate(chain.from_iterable(objects))
        except TypeError:
            dotted = True
        fields = sum(map(len, objects))
        if dotted or len(self.steps) * len(objects) > fields:
            for value in objects:
                self.find(value, found)
            return
        # By columns: what a list of points asks of x is asked of all x at once.
        for name, child in self._children.items():
            column = [value[name] for value in objects if name in value]
            if column:
                child.find_in_array(column, found)


class Absence:
    """The alternatives that match without a field, filed under it: looked for by its name.

    Args:
        path: The field's name from the event's root.
        filed: What is filed there.
    """

    __slots__ = ("_candidates", "_hits", "_names", "_values")

    def __init__(self, path: str, filed: Sequence[Absent]) -> None:
        self._names = path.split(SEPARATOR)
        self._hits = tuple(hit for _, hit, _ in filed)
        self._candidates = tuple(candidate for _, _, candidate in filed)
        self._values = Values(
            # Each with a candidate of its own, since each may exclude other values.
            (operator, candidate.copy())
            for condition, _, candidate in filed
            for operator in condition.operators
            if operator != Exists(wanted=False)
        )

    def find(self, event: dict[str, object], found: set[Hit]) -> None:
        """Find the alternatives that an event without the field meets, or with a right value.

        Args:
            event: The event.
            found: Where the hits are put.
        """
        value: object = event
        for name in self._names:
            if not isinstance(value, dict):
                break
            value = unfold(value, (name,)).get(name, _MISSING)
        else:
            if not isinstance(value, dict | list | tuple) and value is not _MISSING:
                self._values.find(value, found)
                return
        if isinstance(value, list | tuple):
            # Which elements lack it, and whether they may be chosen, is the candidates' affair.
            found.update(self._candidates)
        else:
            found.update(self._hits)


def plant(filings: Iterable[tuple[str, Filing]]) -> Field:
    """Make the tree.

    Args:
        filings: Tests, each with the path of its field.

    Returns:
        The root, which stands for the event.
    """
    by_path: dict[str, list[Filing]] = {}
    for path, filing in filings:
        by_path.setdefault(path, []).append(filing)
    names: dict[str, Any] = {}
    for path in by_path:
        below = names
        for name in path.split(SEPARATOR):
            below = below.setdefault(name, {})
    return _grow(None, names, by_path)


def _grow(path: str | None, names: dict[str, Any], by_path: dict[str, list[Filing]]) -> Field:
    # The root has no path; the empty one is that of a field with an empty name.
    children = {
        name: _grow(name if path is None else f"{path}{SEPARATOR}{name}", below, by_path)
        for name, below in names.items()
    }
    values = Values(by_path[path]) if path is not None and path in by_path else _NO_VALUES
    return Field(values, children)
