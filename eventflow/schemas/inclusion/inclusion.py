"""The comparison itself: walks the reader's schema, and the writer's along with it.

Pairs of schemas that refer to themselves are taken for granted when met again deeper in the data:
data is finite, so that what is wrong is met before.
"""

from typing import Any

from eventflow.schemas.inclusion.alternatives import check_alternatives
from eventflow.schemas.inclusion.arrays import check_arrays
from eventflow.schemas.inclusion.difference import Difference, Verdict
from eventflow.schemas.inclusion.facts import Facts, Written, expand
from eventflow.schemas.inclusion.identical import identical
from eventflow.schemas.inclusion.leaves import check_leaves
from eventflow.schemas.inclusion.node import Node
from eventflow.schemas.inclusion.objects import check_objects
from eventflow.schemas.inclusion.opaque import check_opaque
from eventflow.schemas.inclusion.references import resolve
from eventflow.schemas.inclusion.wording import Wording

__all__ = ["Inclusion"]

_MOST_STEPS = 10_000
_MOST_STEPS_ASIDE = 500
_DEEPEST = 100
_MOST_IDENTICAL = 4  # facts of a writer that are held against the reader as a whole
_MOST_DIFFERENCES = 200


class Inclusion:
    """Compares what a writer sends with what a reader takes; each object makes one comparison.

    Args:
        writer: What the writer's version is called in messages.
        reader: What the reader's is.
    """

    def __init__(self, *, writer: str, reader: str) -> None:
        self.words = Wording(writer, reader)
        self._steps = 0
        self._most_steps = _MOST_STEPS
        self._is_aside = False
        self._depth = 0
        self._open: dict[tuple[int, ...], str] = {}
        self._clean: set[tuple[int, ...]] = set()
        self._granted = 0
        self._same: dict[tuple[int, int], bool] = {}
        self._kept: list[Any] = []  # what ids were taken of lives as long as the comparison

    def differences(self, writer: Node, reader: Node, path: str = "data") -> tuple[Difference, ...]:
        """Return every place where the reader may refuse what the writer sends; none: it never does.

        Args:
            writer: The schema that data is written by.
            reader: The schema that it is read by.
            path: Where in the event the data is.
        """
        found = self.check(Written((writer,)), reader, path)
        return tuple(sorted(set(found)))[:_MOST_DIFFERENCES]

    def check(self, written: Written, reader: Node, path: str) -> list[Difference]:
        """Compare one part; the checks of objects, arrays and alternatives call this again."""
        self._steps += 1
        if self._steps > self._most_steps or self._depth > _DEEPEST:
            return [self.undecided(path, "a schema of this size")]
        if reader.is_anything or self.is_same(written, reader):
            return []
        facts = expand(written)
        key = self._key(written, reader)
        if not facts.kinds or key in self._clean:
            return []
        if reader.is_nothing:
            return [Difference(path, self.words.refused())]
        if key in self._open:
            return self._meet_again(key, path)
        return self._enter(key, written, facts, reader, path)

    def _enter(
        self, key: tuple[int, ...], written: Written, facts: Facts, reader: Node, path: str
    ) -> list[Difference]:
        granted = self._granted
        self._open[key] = path
        self._depth += 1
        try:
            found = self._check(written, facts, reader, path)
        finally:
            self._depth -= 1
            del self._open[key]
        if not found and granted == self._granted:
            # Nothing was taken for granted on the way, so that it holds anywhere.
            self._clean.add(key)
        return found

    def undecided(self, path: str, what: str) -> Difference:
        """Return the difference that says what cannot be compared."""
        return Difference(path, self.words.undecided(what), Verdict.UNDECIDED)

    def is_same(self, written: Written, reader: Node) -> bool:
        """Tell whether one of the writer's schemas is the reader's."""
        return any(self._is_same(node, reader) for node in written.facts[-_MOST_IDENTICAL:])

    def is_within(self, branch: Node, refused: Node) -> bool:
        """Tell whether what a part of the reader's accepts, a part of the writer's does, surely."""
        if self._is_aside:
            return False
        words = self.words
        aside = Inclusion(writer=words.reader, reader=words.writer)
        aside._most_steps, aside._is_aside = _MOST_STEPS_ASIDE, True
        return not aside.differences(branch, refused)

    def _is_same(self, node: Node, reader: Node) -> bool:
        pair = (id(node.schema), id(reader.schema))
        known = self._same.get(pair)
        if known is None:
            known = identical(node, reader)
            self._same[pair] = known
            self._kept += [node, reader]
        return known

    def _key(self, written: Written, reader: Node) -> tuple[int, ...]:
        self._kept += [written, reader]
        branches = (id(node.schema) for item in written.choices for node in item.branches)
        facts = sorted(id(node.schema) for node in written.facts)
        refused = (id(node.schema) for node in written.refused)
        return (id(reader.schema), -1, *facts, -1, *branches, -1, *refused)

    def _meet_again(self, key: tuple[int, ...], path: str) -> list[Difference]:
        if self._open[key] == path:  # it refers to itself without going deeper
            return [self.undecided(path, "a reference to itself")]
        self._granted += 1
        return []

    def _check(self, written: Written, facts: Facts, reader: Node, path: str) -> list[Difference]:
        found: list[Difference] = []
        if reader.has("$ref"):
            target = resolve(reader, str(reader.get("$ref")))
            if target is None:
                return [self.undecided(path, f"the reference {reader.get('$ref')!r}")]
            found += self.check(written, target, path)
            if reader.is_old:
                return found
        for part in reader.get("allOf", ()):
            found += self.check(written, reader.part(part), path)
        own = _own_keywords(reader)
        if own is None:
            return found
        if facts.choices:
            return found + self._split(written, facts, own, path)
        return found + self._check_own(written, facts, own, path)

    def _split(self, written: Written, facts: Facts, reader: Node, path: str) -> list[Difference]:
        """Compare each branch of the writer's first choice."""
        same = [
            keyword
            for keyword in ("anyOf", "oneOf")
            if reader.has(keyword)
            and any(
                node.has(keyword) and self._is_same(_only(node, keyword), _only(reader, keyword))
                for node in facts.nodes
            )
        ]
        if same:
            reader = reader.part(
                {name: value for name, value in reader.schema.items() if name not in same}
            )
        nodes = tuple(_without_choices(node) for node in facts.nodes)
        choice, *rest = facts.choices
        found: list[Difference] = []
        for branch in choice.branches:
            refused = tuple(node for node in choice.branches if node is not branch)
            now = Written(
                (*nodes, branch),
                tuple(rest),
                (*written.refused, *(refused if choice.is_exclusive else ())),
            )
            found += self.check(now, reader, path)
        return list(dict.fromkeys(found))

    def _check_own(
        self, written: Written, facts: Facts, reader: Node, path: str
    ) -> list[Difference]:
        found, facts = check_leaves(self, facts, reader, path)
        if not facts.kinds:
            return found
        found += check_opaque(self, facts, reader, path)
        if "object" in facts.kinds:
            found += check_objects(self, facts, reader, path)
        if "array" in facts.kinds:
            found += check_arrays(self, facts, reader, path)
        for keyword in ("anyOf", "oneOf"):
            if reader.has(keyword):
                found += check_alternatives(self, written, facts, reader, path, keyword=keyword)
        return found


def _own_keywords(reader: Node) -> Node | None:
    """Return the reader without what was followed already; None where nothing is left."""
    followed = ("$ref", "allOf")
    if not any(reader.has(name) for name in followed):
        return reader
    rest = {name: value for name, value in reader.schema.items() if name not in followed}
    return reader.part(rest) if rest else None


def _only(node: Node, keyword: str) -> Node:
    return node.part({keyword: node.get(keyword)})


def _without_choices(node: Node) -> Node:
    """Return a flat node whose choices were taken out, so that they are not found again."""
    dropped = ("$ref", "allOf", "anyOf", "oneOf")
    containers = any(isinstance(value, dict | list) for value in _values(node))
    names = (*dropped, "enum", "const") if containers else dropped
    if not any(node.has(name) for name in names):
        return node
    return node.part({name: value for name, value in node.schema.items() if name not in names})


def _values(node: Node) -> list[Any]:
    return [node.get("const"), *node.get("enum", ())]
