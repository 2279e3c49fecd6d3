"""The kinds of events that a rule names, against those that have a schema."""

from collections.abc import Iterator

from eventflow.patterns.operators.exact import ExactString
from eventflow.rules.faults import suggest
from eventflow.rules.field_lint import Finding
from eventflow.rules.kinds import EventKinds, KindFinder
from eventflow.rules.readers import FieldTest, field_tests
from eventflow.rules.ruleset import Rule
from eventflow.schemas.document import SchemaDocument, Status
from eventflow.schemas.repository import Repository

__all__ = ["check_events"]

_TYPE = "detail-type"
_CODE = "unknown-event"


def check_events(rule: Rule, finder: KindFinder, repository: Repository) -> Iterator[Finding]:
    """Say which events a rule waits for that no schema knows, or that are deprecated.

    Args:
        rule: The rule.
        finder: Knows which events its alternatives can match.
        repository: The schemas.
    """
    tests = list(field_tests(rule))
    for alternative in rule.pattern.alternatives:
        kinds = finder.find(alternative, rule.bus)
        places = {
            condition.path: test
            for condition in alternative
            for test in tests
            if condition.path in ("source", _TYPE) and test.condition == condition
        }
        yield from _check_unknown(
            kinds, places, repository, refused=finder.refuses_unknown(rule.bus)
        )
        if _TYPE in places:
            yield from _check_deprecated(kinds, places[_TYPE], repository)


def _check_unknown(
    kinds: EventKinds, places: dict[str, FieldTest], repository: Repository, *, refused: bool
) -> Iterator[Finding]:
    end = "; an event without a schema is refused here" if refused else ""
    if kinds.exact is None:
        if refused and not kinds.known:
            where = next((test.where for test in places.values()), ("pattern",))
            yield Finding(_CODE, where, f"no event that has a schema can match{end}")
        return
    sources = {source for source, _ in repository.types}
    for source, type_ in kinds.exact:
        if (source, type_) in kinds.known:
            continue
        if source in sources:
            types = {each for owner, each in repository.types if owner == source}
            message = f"{source} has no event {type_!r} by the schemas{suggest(type_, types)}{end}"
            yield Finding(_CODE, _place(places[_TYPE], type_), message)
        else:
            near = suggest(source, sources)
            # A source of which no schema speaks may have none yet.
            if near or refused:
                message = f"no schema is of the source {source!r}{near}{end}"
                yield Finding(_CODE, _place(places["source"], source), message)


def _check_deprecated(
    kinds: EventKinds, test: FieldTest, repository: Repository
) -> Iterator[Finding]:
    for operator in test.condition.operators:
        if not isinstance(operator, ExactString):
            continue
        named = [kind for kind in kinds.known if kind[1] == operator.text]
        current = [repository.current(*kind) for kind in named]
        documents = [each for each in current if each is not None]
        if documents and all(each.status is Status.DEPRECATED for each in documents):
            where = _place(test, operator.text)
            yield Finding("deprecated-schema", where, _say_deprecated(documents[0]))


def _say_deprecated(document: SchemaDocument) -> str:
    name = document.name
    since = f" ({document.deprecated_on.isoformat()})" if document.deprecated_on else ""
    after = f"; its successor is {document.successor}" if document.successor else ""
    return f"{name.source}/{name.type} is deprecated{since}{after}"


def _place(test: FieldTest, text: str) -> tuple[str | int, ...]:
    for index, operator in enumerate(test.condition.operators):
        if operator.describe() == ExactString(text).describe():
            return (*test.where, index)
    return test.where
