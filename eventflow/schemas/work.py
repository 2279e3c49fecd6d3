"""How much work a schema can be: counted before any event is checked, so that time is bounded.

Alternatives that each go down the same path again double the work at each level of an event: a
small schema and a small event could keep a process for years. So it is counted how often one value
of an event can be looked at, level by level, and an event is checked no deeper than that stays
within a limit.
"""

from collections.abc import Iterator, Mapping
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
    order = _in_order(whole)
    looks: dict[int, int] = {}
    for level in range(MAX_LEVELS + 1):
        above, looks = looks, {}
        for schema in order:
            looks[id(schema)] = _count(whole, schema, looks, above, is_first=level == 0)
        if looks[id(whole)] > MAX_LOOKS:
            return level
        if looks == above or not any(looks.values()):
            break
    return MAX_LEVELS


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


def _count(
    whole: Mapping[str, Any],
    schema: Mapping[str, Any],
    looks: Mapping[int, int],
    above: Mapping[int, int],
    *,
    is_first: bool,
) -> int:
    count = int(is_first)
    member = 0
    for inner, kind in _met(whole, schema):
        if kind == IN_PLACE:
            count += looks[id(inner)]
        elif not is_first and kind == MEMBERS:
            count += above[id(inner)]
        elif not is_first:  # a value is one member, so that only the worst of them counts
            member = max(member, above[id(inner)])
    return min(count + member, MAX_LOOKS + 1)


def _met(
    whole: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], str]]:
    for found in below(schema):
        if found.kind in {IN_PLACE, MEMBER, MEMBERS} and isinstance(found.schema, dict):
            yield found.schema, found.kind
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target: Any = whole
        for part in unquote(reference.removeprefix("#")).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            target = target[int(key)] if isinstance(target, list) else target[key]
        if isinstance(target, dict):
            yield target, IN_PLACE


def _in_order(whole: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return every schema that can be met, each after those that apply to the same value."""
    order: list[Mapping[str, Any]] = []
    seen: set[int] = set()
    pending: list[Mapping[str, Any]] = [whole]
    while pending:
        start = pending.pop()
        if id(start) in seen:
            continue
        seen.add(id(start))
        trail = [(start, _met(whole, start))]
        while trail:
            schema, following = trail[-1]
            inner = next(following, None)
            if inner is None:
                order.append(schema)
                trail.pop()
            elif inner[1] != IN_PLACE:
                pending.append(inner[0])
            elif id(inner[0]) not in seen:
                seen.add(id(inner[0]))
                trail.append((inner[0], _met(whole, inner[0])))
    return order
