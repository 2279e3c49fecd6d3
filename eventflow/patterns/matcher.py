"""Many patterns at once: which of them match an event?

Each alternative of each pattern is filed under the one of its conditions that the fewest events
will meet. An event is laid over the fields once; what it finds there are the only candidates, and
each is then checked in full, unless the condition found is all that it asks.
"""

from collections.abc import Mapping
from typing import Any

from eventflow.errors import EventError, PatternError
from eventflow.patterns.fields import meets
from eventflow.patterns.hits import Candidate, Hit
from eventflow.patterns.index import Absence, Absent, plant
from eventflow.patterns.json_text import read_json
from eventflow.patterns.operators.anything_but import AnythingBut
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.pattern import Pattern, check_event
from eventflow.patterns.selectivity import Selectivity
from eventflow.patterns.syntax import Alternative

__all__ = ["Matcher"]


class Matcher:
    """Named patterns, matched together. It never changes, and is safe in threads.

    To change the patterns, make another one; patterns that are read already cost little.
    """

    __slots__ = ("_absences", "_certain", "_count", "_root")

    def __init__(self, patterns: Mapping[str, Pattern | Mapping[str, Any]]) -> None:
        """Read the patterns, and file them.

        Args:
            patterns: By name; each a `Pattern`, or the dict of one.

        Raises:
            PatternError: If one is invalid; the message names it, *path* says where in it.
        """
        filer = _Filer({name: _read(name, given) for name, given in patterns.items()})
        self._root = plant(filer.filings)
        self._absences = tuple(Absence(path, filed) for path, filed in filer.absences.items())
        self._certain = filer.certain
        self._count = len(patterns)

    def match(self, event: dict[str, Any] | bytes | str) -> set[str]:
        """Find the patterns that match an event.

        Args:
            event: The event as EventBridge's dict, with JSON's values; or its JSON, as text or
                in UTF-8.

        Returns:
            Their names.

        Raises:
            EventError: If *event* is no dict, or no JSON of an object.
        """
        parsed: dict[str, Any] = event if isinstance(event, dict) else _parse(event)
        found: set[Any] = set()  # of hits, and of names alone where nothing else is filed
        self._root.find(parsed, found)
        for absence in self._absences:
            absence.find(parsed, found)
        if not found or self._certain:
            return found
        names = {hit for hit in found if isinstance(hit, str)}
        if len(names) < len(found):
            for hit in found:
                if isinstance(hit, Candidate) and hit.name not in names and meets(hit.tree, parsed):
                    names.add(hit.name)
        return names

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"Matcher({self._count} patterns)"


class _Filer:
    """Files the alternatives of patterns."""

    def __init__(self, patterns: Mapping[str, Pattern]) -> None:
        self.filings: list[tuple[str, tuple[Operator, Hit]]] = []
        self.absences: dict[str, list[Absent]] = {}
        self.certain = True
        self._selectivity = Selectivity(
            fields for pattern in patterns.values() for fields in pattern.alternatives
        )
        for name, pattern in patterns.items():
            alternatives = pattern.alternatives
            alone = len(alternatives) == 1
            for index, alternative in enumerate(alternatives):
                self._file(alternative, Candidate(name, pattern, index), alone=alone)

    def _file(self, alternative: Alternative, candidate: Candidate, *, alone: bool) -> None:
        condition = self._selectivity.choose(alternative)
        hit: Hit = candidate.name if len(alternative) == 1 else candidate
        if condition is None:
            condition = alternative[0]
            self.certain = False
            self.absences.setdefault(condition.path, []).append((condition, hit, candidate))
            return
        exclusions = 0
        for operator in condition.operators:
            exclusions += isinstance(operator, AnythingBut)
            # What one of them excludes, another of the same pattern may not.
            if isinstance(operator, AnythingBut) and (exclusions > 1 or not alone):
                self._put(condition.path, operator, candidate.copy())
            else:
                self._put(condition.path, operator, hit)

    def _put(self, path: str, operator: Operator, hit: Hit) -> None:
        self.certain = self.certain and isinstance(hit, str)
        self.filings.append((path, (operator, hit)))


def _read(name: str, given: Pattern | Mapping[str, Any]) -> Pattern:
    if isinstance(given, Pattern):
        return given
    try:
        return Pattern(given)
    except PatternError as exc:
        message = f'{exc.message} (in the pattern "{name}")'
        raise PatternError(message, exc.path) from exc


def _parse(event: object) -> Any:  # a dict, of whatever JSON has
    if isinstance(event, str | bytes):
        try:
            event = read_json(event)
        except RecursionError:
            message = "the event's JSON is nested too deeply to be read"
            raise EventError(message) from None
        except ValueError as exc:
            message = f"the event is no valid JSON: {exc}"
            raise EventError(message) from exc
    check_event(event)
    return event
