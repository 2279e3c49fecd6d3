"""Many patterns at once: which of them match an event?"""

from collections.abc import Mapping
from typing import Any

from eventflow.errors import PatternError
from eventflow.patterns.pattern import Pattern, check_event

__all__ = ["Matcher"]


class Matcher:
    """Named patterns, matched together. It never changes, and is safe in threads.

    To change the patterns, make another one.
    """

    __slots__ = ("_patterns",)

    def __init__(self, patterns: Mapping[str, Pattern | Mapping[str, Any]]) -> None:
        """Read the patterns.

        Args:
            patterns: By name; each a `Pattern`, or the dict of one.

        Raises:
            PatternError: If one is invalid; the message names it, *path* says where in it.
        """
        self._patterns = tuple((name, _read(name, given)) for name, given in patterns.items())

    def match(self, event: dict[str, Any]) -> set[str]:
        """Find the patterns that match an event.

        Args:
            event: The event as EventBridge's dict, with JSON's values.

        Returns:
            Their names.

        Raises:
            EventError: If *event* is no dict.
        """
        check_event(event)
        return {name for name, pattern in self._patterns if pattern.matches(event)}

    def __len__(self) -> int:
        return len(self._patterns)

    def __repr__(self) -> str:
        return f"Matcher({len(self._patterns)} patterns)"


def _read(name: str, given: Pattern | Mapping[str, Any]) -> Pattern:
    if isinstance(given, Pattern):
        return given
    try:
        return Pattern(given)
    except PatternError as exc:
        message = f'{exc.message} (in the pattern "{name}")'
        raise PatternError(message, exc.path) from exc
