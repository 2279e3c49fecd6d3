"""The fields that many patterns ask for, as one tree that is laid over an event once.

At each field stand the tests filed there; what they find is put into one set. An array's elements
are gone through one by one: which of them meets what together, only the candidate's own tree says.
"""

from collections.abc import Iterable, Sequence

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


class Field:
    """A field of events, and the fields below it. Once planted, it never changes.

    Attributes:
        children: The fields below, by name.
        values: The tests of the field itself.
    """

    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.children: dict[str, Field] = {}
        self.values = _NO_VALUES

    def find(self, value: dict[str, object], found: set[Hit]) -> None:
        """Find the tests that accept a leaf of an object.

        Args:
            value: The object that this field holds, or the event for the root.
            found: Where the hits are put.
        """
        children = self.children
        try:
            if SEPARATOR in "".join(value):
                value = unfold(value, children)
        except TypeError:  # a name that is no text
            value = unfold(value, children)
        for name in children if len(children) <= len(value) else value:
            child = children.get(name)
            if child is None:
                continue
            inner = value.get(name, _MISSING)
            values = child.values
            if values.simple and isinstance(inner, str):
                # What most rules ask, without a call.
                here = values.texts.get(inner)
                if here:
                    found.update(here)
            elif inner is not _MISSING:
                child.find_in_value(inner, found)

    def find_in_value(self, value: object, found: set[Hit]) -> None:
        """Find the tests that accept a leaf of what this field holds.

        Args:
            value: What it holds: a leaf, an object or an array.
            found: Where the hits are put.
        """
        if isinstance(value, dict):
            if self.children:
                self.find(value, found)
        elif isinstance(value, list | tuple):
            self._find_in_array(value, found)
        else:
            self.values.find(value, found)

    def _find_in_array(self, array: Sequence[object], found: set[Hit]) -> None:
        below = bool(self.children)
        pending = [array]
        while pending:  # a stack, since an event may nest arrays deeply
            for item in pending.pop():
                if isinstance(item, dict):
                    if below:
                        self.find(item, found)
                elif isinstance(item, list | tuple):
                    pending.append(item)
                else:
                    self.values.find(item, found)


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
            (operator, Candidate(candidate.name, candidate.tree))
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
    root = Field()
    for path, filed in by_path.items():
        field = root
        for name in path.split(SEPARATOR):
            field = field.children.setdefault(name, Field())
        field.values = Values(filed)
    return root
