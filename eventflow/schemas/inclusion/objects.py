"""Objects: what is required, and the fields that are named, match a pattern, or are neither."""

from eventflow.schemas.inclusion.comparison import Comparison
from eventflow.schemas.inclusion.decide import matches
from eventflow.schemas.inclusion.difference import Difference, Verdict
from eventflow.schemas.inclusion.facts import Facts, Written
from eventflow.schemas.inclusion.layout import additional, pattern_parts, properties
from eventflow.schemas.inclusion.node import Node

__all__ = ["check_objects"]


def check_objects(
    comparison: Comparison, facts: Facts, reader: Node, path: str
) -> list[Difference]:
    """Compare objects, field by field."""
    found = _check_required(comparison, facts, reader, path)
    for name in dict.fromkeys([*facts.names, *properties(reader)]):
        found += _check_field(comparison, facts, reader, name, f"{path}.{name}")
    return found + _check_unnamed(comparison, facts, reader, path)


def _check_required(
    comparison: Comparison, facts: Facts, reader: Node, path: str
) -> list[Difference]:
    sent = facts.required
    found = [
        Difference(f"{path}.{name}", comparison.words.required())
        for name in reader.get("required", ())
        if name not in sent
    ]
    for trigger, names in reader.get("dependentRequired", {}).items():
        known, _ = facts.field(trigger)
        if any(node.is_nothing for node in known):
            continue  # it is never sent
        promised = set(sent).union(
            *(node.get("dependentRequired", {}).get(trigger, ()) for node in facts.nodes)
        )
        found += [
            Difference(f"{path}.{name}", comparison.words.depends(name, trigger))
            for name in names
            if name not in promised and name != trigger
        ]
    return found


def _check_field(
    comparison: Comparison, facts: Facts, reader: Node, name: str, path: str
) -> list[Difference]:
    known, speaks = facts.field(name)
    if any(node.is_nothing for node in known):
        return []
    found = []
    for part in _parts(reader, name):
        found += comparison.check(Written(known), part, path)
    if not speaks and name in reader.get("required", ()):
        return []  # that it is missing is told already
    return found if speaks else _assume(comparison, found, path)


def _parts(reader: Node, name: str) -> list[Node]:
    """Return the reader's schemas of a field; one too many rather than one too few."""
    own = properties(reader).get(name)
    parts = [] if own is None else [reader.part(own)]
    hits = [(matches(text, name), part) for text, part in pattern_parts(reader).items()]
    parts += [part for hit, part in hits if hit is not False]
    is_sure = own is not None or any(hit for hit, _ in hits)
    return parts if is_sure else [*parts, additional(reader)]


def _check_unnamed(
    comparison: Comparison, facts: Facts, reader: Node, path: str
) -> list[Difference]:
    others, speaks = facts.others()
    by_pattern = facts.patterns()
    asked = pattern_parts(reader)
    found = []
    for text, part in asked.items():
        if text in by_pattern:
            # Each name that matches is held to the writer's own schema of that pattern.
            found += comparison.check(Written(by_pattern[text]), part, f"{path}.*")
            continue
        for known in by_pattern.values():
            found += comparison.check(Written(known), part, f"{path}.*")
        found += _check_others(comparison, others, speaks, part, f"{path}.*")
    rest = additional(reader)
    for text, known in by_pattern.items():
        if text not in asked:
            found += comparison.check(Written(known), rest, f"{path}.*")
    return found + _check_others(comparison, others, speaks, rest, f"{path}.*")


def _check_others(
    comparison: Comparison, others: tuple[Node, ...], speaks: bool, part: Node, path: str
) -> list[Difference]:
    if any(node.is_nothing for node in others):
        return []
    found = comparison.check(Written(others), part, path)
    return found if speaks else _assume(comparison, found, path)


def _assume(comparison: Comparison, found: list[Difference], path: str) -> list[Difference]:
    """Of a field that the writer's schema says nothing of, take it that none is sent."""
    if not found:
        return []
    is_of_others = path.endswith(".*")
    words = comparison.words.others_refused() if is_of_others else comparison.words.assumed()
    return [Difference(path, words, Verdict.ASSUMED)]
