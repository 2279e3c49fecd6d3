"""What is known of the data that a writer sends: schemas that all hold, without `$ref`, `allOf`.

Whatever is not understood here is left out, which makes it more data: that is safe.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.schemas.inclusion.decide import matches
from eventflow.schemas.inclusion.keywords import LEAF
from eventflow.schemas.inclusion.layout import additional, is_open, pattern_parts, properties
from eventflow.schemas.inclusion.node import NOTHING, Node
from eventflow.schemas.inclusion.references import resolve
from eventflow.schemas.inclusion.value import describe, kind_of

__all__ = ["KINDS", "Choice", "Facts", "Written", "expand", "kinds_of", "leaf_of", "write_kinds"]

KINDS = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""The kinds of JSON values; numbers are integers and fractions."""

_MOST_VALUES = 64  # values of an enum that are looked into one by one


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these schemas holds; exactly one, if it is exclusive."""

    branches: tuple[Node, ...]
    is_exclusive: bool


@dataclass(frozen=True, slots=True)
class Written:
    """The data that a writer sends: all of the schemas hold, and one branch of each choice.

    Attributes:
        facts: The schemas.
        choices: What is left to choose.
        refused: Schemas that do not hold.
    """

    facts: tuple[Node, ...]
    choices: tuple[Choice, ...] = ()
    refused: tuple[Node, ...] = ()

    def with_fact(self, node: Node) -> "Written":
        """Return the data of which one thing more is known."""
        return Written((*self.facts, node), self.choices, self.refused)


@dataclass(frozen=True, slots=True)
class Facts:
    """A writer's schemas, flat: none has `$ref` or `allOf` to follow.

    Attributes:
        nodes: The schemas, all of which hold.
        choices: What is left to choose.
        kinds: The kinds of values that may be sent; none: nothing can be.
    """

    nodes: tuple[Node, ...]
    choices: tuple[Choice, ...]
    kinds: frozenset[str]

    @property
    def leaf(self) -> dict[str, Any]:
        """What is known of a value without its parts, as a schema of its own."""
        known = {"type": write_kinds(self.kinds)}
        return {"allOf": [known, *(leaf_of(node) for node in self.nodes)]}

    @property
    def required(self) -> frozenset[str]:
        """The fields that are always sent."""
        return frozenset(name for node in self.nodes for name in node.get("required", ()))

    @property
    def names(self) -> Iterator[str]:
        """The fields that are named, in the order of the schemas."""
        return (name for node in self.nodes for name in properties(node))

    def field(self, name: str) -> tuple[tuple[Node, ...], bool]:
        """Return what is known of a field, and whether any schema speaks of it."""
        found: list[Node] = []
        speaks = name in self.required
        for node in self.nodes:
            own = properties(node).get(name)
            parts = [] if own is None else [node.part(own)]
            hits = [(matches(text, name), part) for text, part in pattern_parts(node).items()]
            parts += [part for hit, part in hits if hit]
            if parts:
                speaks = True
            elif all(hit is False for hit, _ in hits):
                parts = [additional(node)]
                speaks = speaks or not is_open(node)
            found += parts
        return tuple(found), speaks

    def others(self) -> tuple[tuple[Node, ...], bool]:
        """Return what is known of fields that no schema names, and whether any speaks of them."""
        found = tuple(additional(node) for node in self.nodes)
        return found, any(not is_open(node) for node in self.nodes)

    def patterns(self) -> dict[str, tuple[Node, ...]]:
        """Return what is known of the fields whose name matches, by the pattern."""
        found: dict[str, tuple[Node, ...]] = {}
        for text in {text for node in self.nodes for text in pattern_parts(node)}:
            parts: list[Node] = []
            for node in self.nodes:
                own = pattern_parts(node)
                if text in own:
                    parts.append(own[text])
                elif not own:
                    parts.append(additional(node))
            found[text] = tuple(parts)
        return found


def expand(written: Written) -> Facts:
    """Flatten a writer's schemas."""
    nodes: list[Node] = []
    choices = list(written.choices)
    kinds = KINDS
    waiting = list(reversed(written.facts))
    met: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node.is_nothing:
            return Facts((NOTHING,), (), frozenset())
        if not isinstance(node.schema, Mapping) or id(node.schema) in met:
            continue
        met.add(id(node.schema))
        if node.has("$ref"):
            target = resolve(node, str(node.get("$ref")))
            if target is not None:
                waiting.append(target)
            if node.is_old:
                continue
        waiting += [node.part(part) for part in node.get("allOf", ())]
        choices += _choices(node)
        kinds = kinds & kinds_of(node)
        nodes.append(node)
    return Facts(tuple(nodes), tuple(choices), kinds)


def _choices(node: Node) -> Iterator[Choice]:
    for keyword in ("anyOf", "oneOf"):
        if node.has(keyword):
            branches = tuple(node.part(part) for part in node.get(keyword))
            yield Choice(branches, is_exclusive=keyword == "oneOf")
    values = _values(node)
    has_parts = any(kind_of(value) in ("array", "object") for value in values)
    if has_parts and len(values) <= _MOST_VALUES:
        branches = tuple(Node.whole(describe(value)) for value in values)
        yield Choice(branches, is_exclusive=False)


def _values(node: Node) -> list[Any]:
    if node.has("const"):
        return [node.get("const")]
    return list(node.get("enum", ()))


def kinds_of(node: Node) -> frozenset[str]:
    """Return the kinds of values that a schema's own keywords let through."""
    kinds = KINDS
    named = node.get("type")
    if named is not None:
        names = {named} if isinstance(named, str) else set(named)
        if "number" in names:
            names = (names - {"number"}) | {"integer", "fraction"}
        kinds = kinds & names
    if node.has("enum") or node.has("const"):
        kinds = kinds & {kind_of(value) for value in _values(node)}
    return frozenset(kinds)


def write_kinds(kinds: frozenset[str]) -> list[str]:
    """Return JSON Schema's names of kinds, for `type`."""
    if "fraction" in kinds:
        kinds = (kinds - {"fraction", "integer"}) | {"number"}
    return sorted(kinds)


def leaf_of(node: Node) -> dict[str, Any]:
    """Return a schema's keywords that look at one value without its parts, as 2020-12 has them."""
    found = {name: node.get(name) for name in LEAF if node.has(name)}
    for bound, exclusive in (
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ):
        if isinstance(found.get(exclusive), bool):  # draft-04
            is_exclusive = found.pop(exclusive)
            if is_exclusive and bound in found:
                found[exclusive] = found.pop(bound)
    return found
