"""Keywords that are not looked into: the same on both sides, provable as a whole, or undecided."""

from eventflow.schemas.inclusion.comparison import Comparison
from eventflow.schemas.inclusion.decide import accepts
from eventflow.schemas.inclusion.difference import Difference
from eventflow.schemas.inclusion.facts import Facts, Written
from eventflow.schemas.inclusion.keywords import OPAQUE
from eventflow.schemas.inclusion.node import Node

__all__ = ["check_opaque"]

_TOGETHER = {
    "if": ("if", "then", "else"),
    "contains": ("contains", "minContains", "maxContains"),
}
_OF_NEIGHBOURS = frozenset({"unevaluatedItems", "unevaluatedProperties"})


def check_opaque(comparison: Comparison, facts: Facts, reader: Node, path: str) -> list[Difference]:
    """Compare keywords as a whole."""
    found = []
    for keyword, about in OPAQUE.items():
        if not reader.has(keyword) or (about and about not in facts.kinds):
            continue
        names = _TOGETHER.get(keyword, (keyword,))
        if keyword == "if" and not (reader.has("then") or reader.has("else")):
            continue
        if keyword in _OF_NEIGHBOURS:
            # It depends on all that stands beside it; only a whole that is the same will do.
            if not reader.part(reader.get(keyword)).is_anything:
                found.append(comparison.undecided(path, f"{keyword!r}"))
            continue
        own = _only(reader, names)
        if comparison.is_same(Written(tuple(_only(node, names) for node in facts.nodes)), own):
            continue
        if not own.is_old and accepts(own.schema, facts.leaf) is True:
            continue
        found.append(comparison.undecided(path, f"{keyword!r}"))
    return found


def _only(node: Node, names: tuple[str, ...]) -> Node:
    return node.part({name: node.get(name) for name in names if node.has(name)})
