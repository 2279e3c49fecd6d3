"""How much work a schema can be: counted before any event is checked, so that time is bounded.

Alternatives that each go down the same path again double the work at each level of an event: a
small schema and a small event could keep a process for years. So it is counted how often one value
of an event can be looked at, level by level, and an event is checked no deeper than that stays
within a limit.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from eventflow.schemas.keywords import IN_PLACE, MEMBER, MEMBERS, below

__all__ = ["MAX_LEVELS", "MAX_LOOKS", "deepest", "is_deeper"]

MAX_LOOKS = 1000
"""The most schemas that one value of an event may be checked by."""

MAX_LEVELS = 200
"""The most levels that any event may have, see `EVENTFLOW_MAX_EVENT_DEPTH`."""


def deepest(whole: Mapping[str, Any]) -> int:
    """Return how many levels of an event, its data being the first, a schema may be asked about.

    Args:
        whole: A schema in one piece, no `$ref` of which leads back to itself in place.

    Returns:
        `MAX_LEVELS` for all but schemas whose alternatives branch level by level; 0 where one
        level alone is more than `MAX_LOOKS`.
    """
    starts = _starts(whole)
    looks = {key: min(start.count, MAX_LOOKS + 1) for key, start in starts.items()}
    for level in range(MAX_LEVELS):
        if looks[id(whole)] > MAX_LOOKS:
            return level
        above = looks
        looks = {key: start.count_below(above) for key, start in starts.items()}
        if looks == above or not any(looks.values()):
            break
    return MAX_LEVELS


@dataclass(slots=True)
class _Start:
    """What is met at a value that a schema is applied to, those applied with it included.

    Attributes:
        count: How many schemas look at the value.
        named: Which ones look at each member or item, and how often, by its name or place.
        fields: Which ones look at any field of an object.
        items: Which ones look at any item of an array.
    """

    count: int = 0
    named: dict[str | int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    fields: Counter[int] = field(default_factory=Counter)
    items: Counter[int] = field(default_factory=Counter)

    def count_below(self, looks: Mapping[int, int]) -> int:
        """Return how many look at one value further down, of how many look from a level on."""
        most = {True: 0, False: 0}
        for name, schemas in self.named.items():
            is_field = isinstance(name, str)
            most[is_field] = max(most[is_field], _sum(schemas, looks))
        # A value is an object or an array, and one member of it is gone down to.
        of_object = most[True] + _sum(self.fields, looks)
        of_array = most[False] + _sum(self.items, looks)
        return min(max(of_object, of_array), MAX_LOOKS + 1)


def _sum(schemas: Mapping[int, int], looks: Mapping[int, int]) -> int:
    return sum(times * looks[key] for key, times in schemas.items())


def is_deeper(data: object, levels: int) -> bool:
    """Say whether an event's data, itself the first level, has more levels than that."""
    now: list[object] = [data]
    for _ in range(levels):
        following: list[object] = []
        for value in now:
            if isinstance(value, dict):
                following += value.values()
            elif isinstance(value, list):
                following += value
        if not following:
            return False
        now = following
    return True


_OF_ARRAYS = frozenset({"items", "additionalItems", "unevaluatedItems", "contains"})


def _starts(whole: Mapping[str, Any]) -> dict[int, _Start]:
    """Return what is met where, for the whole and for every schema that looks a level further."""
    starts: dict[int, _Start] = {}
    pending: list[Mapping[str, Any]] = [whole]
    while pending:
        schema = pending.pop()
        if id(schema) in starts:
            continue
        start = starts[id(schema)] = _Start()
        for inner, times in _in_place(whole, schema):
            start.count = min(start.count + times, MAX_LOOKS + 1)
            for found in below(inner):
                if found.kind not in {MEMBER, MEMBERS} or not isinstance(found.schema, dict):
                    continue
                if found.kind == MEMBER:
                    start.named[found.path[1]][id(found.schema)] += times
                elif found.path[0] in _OF_ARRAYS:
                    start.items[id(found.schema)] += times
                else:
                    start.fields[id(found.schema)] += times
                pending.append(found.schema)
    return starts


def _in_place(
    whole: Mapping[str, Any], start: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Return every schema that is applied to the value of *start*, and how often."""
    order: list[Mapping[str, Any]] = []
    seen = {id(start)}
    trail = [(start, _applied(whole, start))]
    while trail:
        schema, following = trail[-1]
        inner = next(following, None)
        if inner is None:
            order.append(schema)
            trail.pop()
        elif id(inner) not in seen:
            seen.add(id(inner))
            trail.append((inner, _applied(whole, inner)))
    times = Counter({id(start): 1})
    for schema in reversed(order):  # each comes before those that it applies
        for inner in _applied(whole, schema):
            times[id(inner)] = min(times[id(inner)] + times[id(schema)], MAX_LOOKS + 1)
        yield schema, times[id(schema)]


def _applied(whole: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for found in below(schema):
        if found.kind == IN_PLACE and isinstance(found.schema, dict):
            yield found.schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target: Any = whole
        for part in unquote(reference.removeprefix("#")).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            target = target[int(key)] if isinstance(target, list) else target[key]
        if isinstance(target, dict):
            yield target
