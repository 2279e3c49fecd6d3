"""One field of a rule against the schemas of the events that the rule can match."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eventflow.events import write_path
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.tree import SEPARATOR
from eventflow.rules.faults import suggest
from eventflow.rules.possible import asks_for_text, can_accept, describe_shapes, named_texts
from eventflow.rules.readers import FieldTest
from eventflow.schemas.document import SchemaDocument, Status
from eventflow.schemas.fields import FieldFacts, SchemaFields

__all__ = ["Candidate", "Candidates", "Finding", "check_input", "check_test", "name_kinds"]

_MOST_NAMES = 8
_MOST_KINDS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A schema that an event may follow which the rule can match.

    Attributes:
        document: The schema.
        fields: Its fields.
        enforced: Whether an event that does not fit it can never come.
    """

    document: SchemaDocument
    fields: SchemaFields
    enforced: bool


@dataclass(frozen=True, slots=True)
class Candidates:
    """All schemas that an event may follow which the rule can match.

    Attributes:
        each: The schemas, every version of them; at least one.
        all_known: Whether no event without a schema can come.
    """

    each: tuple[Candidate, ...]
    all_known: bool

    def rule_out(self, holds: Callable[[Candidate], bool]) -> bool:
        """Tell whether something is certain: it holds of every schema, and each is enforced."""
        return self.all_known and all(each.enforced and holds(each) for each in self.each)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one place of a rule.

    Attributes:
        code: Its kind.
        where: The place, from the rule's definition.
        message: What it is.
        certain: Whether what is asked for can never come.
    """

    code: str
    where: tuple[str | int, ...]
    message: str
    certain: bool = False


def check_test(test: FieldTest, candidates: Candidates) -> Iterator[Finding]:
    """Hold a test of a pattern, of a field of the data, against the schemas."""
    names = test.condition.path.split(SEPARATOR)[1:]
    found = [(each, each.fields.find(names)) for each in candidates.each]
    if not any(facts.named for _, facts in found):
        yield _say_unknown_field(test, names, candidates)
        return
    yield from _check_values(test, names, candidates, [facts for _, facts in found])
    yield from _check_deprecated(test.where, test.condition.path, found)


def check_input(
    where: tuple[str | int, ...], steps: Sequence[str | int], candidates: Candidates
) -> Iterator[Finding]:
    """Hold a path of an input, into the data, against the schemas.

    Args:
        where: Where it stands in the rule.
        steps: Its steps from the data's top.
        candidates: The schemas.
    """
    found = [(each, each.fields.follow(steps)) for each in candidates.each]
    path = write_path(["detail", *steps])
    if any(facts.named for _, facts in found):
        yield from _check_deprecated(where, path, found)
        return
    certain = candidates.rule_out(lambda each: not each.fields.follow(steps).possible)
    names = [step for step in steps if isinstance(step, str)]
    if any(each.fields.find(names).named for each in candidates.each):
        hint = "; an array is on the way: say which element, such as [0]"
    else:
        hint = _suggest(names, candidates)
    end = "; no event can have it, so that the path never leads to anything" if certain else ""
    message = f"{name_kinds(candidates)} no {path}{hint}{end}"
    yield Finding("unknown-input-path", where, message, certain)


def name_kinds(candidates: Candidates) -> str:
    """Name the events whose schemas say so, and the verb: ``courier.app/ParcelLeft has``."""
    kinds = list(
        dict.fromkeys(
            f"{it.document.name.source}/{it.document.name.type}" for it in candidates.each
        )
    )
    if len(kinds) == 1:
        return f"{kinds[0]} has"
    if len(kinds) > _MOST_KINDS:
        return f"none of the {len(kinds)} kinds of events that can match, such as {kinds[0]}, has"
    return f"none of {', '.join(kinds)} has"


def _say_unknown_field(test: FieldTest, names: Sequence[str], candidates: Candidates) -> Finding:
    condition = test.condition
    certain = not condition.may_be_absent and candidates.rule_out(
        lambda each: not each.fields.find(names).possible
    )
    hint = _suggest(names, candidates)
    end = ""
    if certain:
        end = "; no event can have it, so that this never matches"
    elif not condition.may_be_present:
        end = "; so exists: false holds whatever comes"
    single = name_kinds(candidates)
    words = f"{single} no field" if not single.startswith("none") else f"{single} a field"
    return Finding("unknown-field", test.where, f"{words} {condition.path}{hint}{end}", certain)


def _suggest(names: Sequence[str], candidates: Candidates) -> str:
    """Name what may be meant: at the first name that leads nowhere, what there is in its place."""
    for count in range(len(names) - 1, -1, -1):
        there = [it for it in candidates.each if it.fields.find(names[:count]).named]
        if not there:
            continue
        known = {name for it in there for name in it.fields.names_below(names[:count])}
        near = suggest(names[count], known)
        if near or not known or len(known) > _MOST_NAMES:
            return near
        place = SEPARATOR.join(["detail", *names[:count]])
        return f"; {place} has {', '.join(sorted(known))}"
    return ""


def _check_values(
    test: FieldTest, names: Sequence[str], candidates: Candidates, found: Sequence[FieldFacts]
) -> Iterator[Finding]:
    shapes = [shape for facts in found for shape in facts.shapes]
    others = [shape for facts in found for shape in facts.other_shapes]
    operators = test.condition.operators
    dead = [
        index
        for index, operator in enumerate(operators)
        if not can_accept(operator, shapes) and not can_accept(operator, others)
    ]
    if not dead:
        return
    certain = len(dead) == len(operators) and candidates.rule_out(
        lambda each: _is_impossible(operators, each.fields.find(names))
    )
    path = test.condition.path
    if not shapes:
        if any(facts.takes_object or facts.takes_array for facts in found):
            message = (
                f"{path} is an object, and a list in a pattern asks for a value: "
                "ask for one of its fields"
            )
        else:
            message = f"nothing can stand at {path}"
        yield Finding("impossible-value", test.where, message, certain)
        return
    for index in dead:
        message = f"{path} is never {operators[index].describe()}: it is {describe_shapes(shapes)}"
        message += _suggest_text(operators[index], named_texts(shapes))
        if certain:
            message += "; no event can match"
        yield Finding("impossible-value", (*test.where, index), message, certain)


def _is_impossible(operators: Sequence[Operator], facts: FieldFacts) -> bool:
    return not facts.open and not any(
        can_accept(operator, (*facts.shapes, *facts.other_shapes)) for operator in operators
    )


def _suggest_text(operator: Operator, texts: Sequence[str]) -> str:
    text = getattr(operator, "text", None)
    if not asks_for_text(operator) or not isinstance(text, str):
        return ""
    return suggest(text, texts)


def _check_deprecated(
    where: tuple[str | int, ...], path: str, found: Sequence[tuple[Candidate, FieldFacts]]
) -> Iterator[Finding]:
    having = [(each.document, facts) for each, facts in found if facts.named]
    if all(facts.deprecated for _, facts in having):
        yield Finding("deprecated-field", where, f"{path} is deprecated by its schema")
        return
    if any(document.status is not Status.DEPRECATED for document, _ in having):
        return
    lacking = [
        each.document
        for each, facts in found
        if not facts.named and each.document.status is Status.ACTIVE
    ]
    if lacking:
        message = f"only deprecated schemas have {path}; {lacking[-1].name} does not"
        yield Finding("deprecated-field", where, message)
