"""One pattern: read once, laid over as many events as one likes."""

import json
import marshal
from dataclasses import dataclass, field
from typing import Any, cast

from eventflow.errors import EventError
from eventflow.patterns.explain import explain
from eventflow.patterns.explanation import Explanation
from eventflow.patterns.faults import show
from eventflow.patterns.fields import meets
from eventflow.patterns.plain import read_plain
from eventflow.patterns.syntax import Alternative, read_pattern
from eventflow.patterns.tree import Branch, grow

__all__ = ["Pattern"]

_put = object.__setattr__
_WITHOUT_SHARING = 2
"""The version of the format in which what stands at two places is written twice."""


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Pattern:
    """An event pattern in EventBridge's language. It never changes, and is safe in threads.

    Patterns are equal when they ask the same of the same fields, however that is spelt.

    Attributes:
        alternatives: What is asked: of one alternative, every condition must be met. One alone
            when the pattern has no ``$or``.
    """

    alternatives: tuple[Alternative, ...]
    _trees: tuple[Branch, ...] | None = field(compare=False)
    _packed: bytes = field(compare=False)

    def __init__(self, source: object) -> None:
        """Read a pattern.

        Args:
            source: The pattern as `json.loads` gives it: a dict.

        Raises:
            PatternError: If it is invalid; the message says why, *path* where.
        """
        plain = read_plain(source)
        alternatives = (plain,) if plain is not None else read_pattern(source)
        _put(self, "alternatives", alternatives)
        _put(self, "_trees", None)  # they are large, and many patterns are never laid over an event
        # Packed, so that no one can change it: neither the caller's dict nor one given out.
        _put(self, "_packed", _pack(source))

    @property
    def source(self) -> dict[str, Any]:
        """The dict that the pattern was made of; a new copy each time."""
        return cast("dict[str, Any]", marshal.loads(self._packed))  # noqa: S302 - packed here

    @property
    def trees(self) -> tuple[Branch, ...]:
        """The alternatives as trees, to be laid over events."""
        trees = self._trees
        if trees is None:
            # Threads may grow them at once: they are alike, and one of them stays.
            trees = tuple([grow(fields) for fields in self.alternatives])
            _put(self, "_trees", trees)
        return trees

    def matches(self, event: dict[str, Any]) -> bool:
        """Tell whether the pattern matches an event.

        Args:
            event: The event as EventBridge's dict, with JSON's values.

        Returns:
            True when it does.

        Raises:
            EventError: If *event* is no dict.
        """
        check_event(event)
        return any(meets(tree, event) for tree in self._trees or self.trees)

    def explain(self, event: dict[str, Any]) -> Explanation:
        """Tell why the pattern matches an event, or which field failed which test.

        Args:
            event: The event as EventBridge's dict, with JSON's values.

        Returns:
            What became of each condition; with ``$or``, of the nearest combination of branches.

        Raises:
            EventError: If *event* is no dict.
        """
        check_event(event)
        return explain(self.alternatives, event)

    def __reduce__(self) -> tuple[type["Pattern"], tuple[dict[str, Any]]]:
        return type(self), (self.source,)

    def __repr__(self) -> str:
        return f"Pattern({self.source!r})"


def _pack(source: Any) -> bytes:
    try:
        return marshal.dumps(source, _WITHOUT_SHARING)
    except ValueError:  # kinds of dict, list and text that are not Python's own
        return marshal.dumps(json.loads(json.dumps(source)), _WITHOUT_SHARING)


def check_event(event: object) -> None:
    """Check that *event* is an object, as an event is.

    Args:
        event: Whatever a caller gave.

    Raises:
        EventError: If it is not a dict.
    """
    if not isinstance(event, dict):
        message = f"an event to be matched is a dict, not {show(event)}"
        raise EventError(message)
