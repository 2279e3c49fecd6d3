"""Keywords that look at one value without its parts: types, enums, bounds, lengths, formats."""

from dataclasses import replace
from typing import Any

from eventflow.schemas.inclusion.comparison import Comparison
from eventflow.schemas.inclusion.decide import accepts
from eventflow.schemas.inclusion.difference import Difference
from eventflow.schemas.inclusion.facts import Facts, kinds_of, leaf_of
from eventflow.schemas.inclusion.keywords import LEAF
from eventflow.schemas.inclusion.node import Node
from eventflow.schemas.inclusion.value import key_of, kind_of

__all__ = ["check_leaves"]

_KINDS = {"number": frozenset({"integer", "fraction"})}


def check_leaves(
    comparison: Comparison, facts: Facts, reader: Node, path: str
) -> tuple[list[Difference], Facts]:
    """Compare single values.

    Returns:
        What differs; and the facts of the kinds of values that both have, so that one difference
        is told once.
    """
    found: list[Difference] = []
    own = leaf_of(reader)
    taken = kinds_of(reader.part({"type": own["type"]})) if "type" in own else facts.kinds
    if facts.kinds - taken:
        found.append(Difference(path, comparison.words.kinds(facts.kinds, taken)))
        facts = replace(facts, kinds=facts.kinds & taken)
        if not facts.kinds:
            return found, facts
    sent = facts.leaf
    for keyword, value in own.items():
        if keyword == "type" or not _concerns(keyword, facts) or _is_kept(facts, keyword, value):
            continue
        answer = accepts({keyword: value}, sent)
        if answer is True:
            continue
        if keyword in ("enum", "const"):
            found.append(Difference(path, _say_values(comparison, facts, keyword, value)))
        elif answer is None and _is_bound(facts, keyword):
            found.append(comparison.undecided(path, f"{keyword!r}"))
        else:
            found.append(Difference(path, comparison.words.bound(keyword, value)))
    return found, facts


def _concerns(keyword: str, facts: Facts) -> bool:
    about = LEAF[keyword]
    return not about or bool(facts.kinds & _KINDS.get(about, frozenset({about})))


def _is_kept(facts: Facts, keyword: str, value: Any) -> bool:
    wanted = key_of(value)
    return any(
        keyword in leaf and key_of(leaf[keyword]) == wanted
        for leaf in (leaf_of(node) for node in facts.nodes)
    )


def _is_bound(facts: Facts, keyword: str) -> bool:
    """Tell whether the writer says something by the same keyword, or names its values."""
    return any(
        node.has(name) for node in facts.nodes for name in (keyword, "enum", "const", "pattern")
    )


def _say_values(comparison: Comparison, facts: Facts, keyword: str, value: Any) -> str:
    taken = [value] if keyword == "const" else list(value)
    keys = {key_of(item) for item in taken}
    refused = [
        item
        for node in facts.nodes
        for item in ([node.get("const")] if node.has("const") else node.get("enum", ()))
        if kind_of(item) in facts.kinds and key_of(item) not in keys
    ]
    return comparison.words.values(refused, taken)
