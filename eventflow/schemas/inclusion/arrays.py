"""Arrays: their elements, by position or all alike."""

from eventflow.schemas.inclusion.comparison import Comparison
from eventflow.schemas.inclusion.difference import Difference
from eventflow.schemas.inclusion.facts import Facts, Written
from eventflow.schemas.inclusion.layout import items
from eventflow.schemas.inclusion.node import Node

__all__ = ["check_arrays"]


def check_arrays(comparison: Comparison, facts: Facts, reader: Node, path: str) -> list[Difference]:
    """Compare arrays, element by element, and then all further ones."""
    first, rest = items(reader)
    layouts = [items(node) for node in facts.nodes]
    longest = max([len(first), *(len(own) for own, _ in layouts)])
    limits = [node.get("maxItems") for node in facts.nodes]
    most = min([limit for limit in limits if isinstance(limit, int | float)], default=None)
    found: list[Difference] = []
    for position in range(longest):
        if most is not None and position >= most:
            return found
        known = tuple(own[position] if position < len(own) else more for own, more in layouts)
        if any(node.is_nothing for node in known):
            return found  # no array is longer
        part = first[position] if position < len(first) else rest
        found += comparison.check(Written(known), part, f"{path}[{position}]")
    known = tuple(more for _, more in layouts)
    if (most is not None and longest >= most) or any(node.is_nothing for node in known):
        return found
    return found + comparison.check(Written(known), rest, f"{path}[]")
