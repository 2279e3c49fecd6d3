"""What the events' schemas say of rules: fields that there are not, values that cannot be.

All versions of a schema count, deprecated ones and drafts too: an event names the version that it
follows, so that each of them may come, in a replay of old events if not from a publisher. So a
field is unknown when no version of any event that the rule can match has it.

A finding is certain only where each of these schemas is enforced, takes nothing beside what it
names, and no event without a schema can match. Everything else is a warning.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from eventflow.errors import Problem
from eventflow.patterns.syntax import Alternative
from eventflow.rules.event_lint import check_events
from eventflow.rules.field_lint import Candidate, Candidates, Finding, check_input, check_test
from eventflow.rules.kinds import KindFinder
from eventflow.rules.loader import Loaded
from eventflow.rules.placing import problem_at
from eventflow.rules.readers import field_tests, input_reads
from eventflow.rules.ruleset import Rule
from eventflow.schemas.fields import FieldIndex

__all__ = ["SCHEMA_CODES", "SchemaFinding", "lint_schemas"]

SCHEMA_CODES = (
    "deprecated-field",
    "deprecated-schema",
    "impossible-value",
    "unknown-event",
    "unknown-field",
    "unknown-input-path",
)
"""The codes of what is found by schemas, sorted."""

_DETAIL = "detail"


@dataclass(frozen=True, slots=True)
class SchemaFinding:
    """One thing that the schemas say of a rule.

    Attributes:
        problem: Where it is and what it is.
        code: Its kind, one of `SCHEMA_CODES`.
        certain: Whether what the rule asks for can never come.
    """

    problem: Problem
    code: str
    certain: bool


def lint_schemas(loaded: Loaded, schemas: FieldIndex) -> Iterator[SchemaFinding]:
    """Hold every rule and archive, enabled or not, against the schemas of the events that it can match.

    Args:
        loaded: Rules that are without fault.
        schemas: The schemas.
    """
    linting = _Linting(schemas, KindFinder(schemas.repository))
    for rule in loaded.rule_set.patterned:
        for finding in dict.fromkeys(linting.check(rule)):
            problem = problem_at(loaded, rule.section, rule.name, finding.where, finding.message)
            yield SchemaFinding(problem, finding.code, finding.certain)


@dataclass(frozen=True, slots=True)
class _Linting:
    schemas: FieldIndex
    kinds: KindFinder

    def check(self, rule: Rule) -> Iterator[Finding]:
        yield from check_events(rule, self.kinds, self.schemas.repository)
        alternatives = rule.pattern.alternatives
        for test in field_tests(rule):
            first, dot, _ = test.condition.path.partition(".")
            if first != _DETAIL or not dot:
                continue  # the envelope has no schema
            having = [each for each in alternatives if test.condition in each]
            candidates = self._candidates(rule, having)
            if candidates is not None:
                yield from check_test(test, candidates)
        candidates = self._candidates(rule, alternatives)
        if candidates is None:
            return
        for index, each in enumerate(rule.targets):
            for below, steps in input_reads(each.input) if each.input is not None else ():
                if steps[:1] == (_DETAIL,) and len(steps) > 1:
                    where: tuple[str | int, ...] = ("targets", index, "input", *below)
                    yield from check_input(where, steps[1:], candidates)

    def _candidates(self, rule: Rule, alternatives: Iterable[Alternative]) -> Candidates | None:
        """Return the schemas that count; None where they are not all that can be expected."""
        found = [self.kinds.find(alternative, rule.bus) for alternative in alternatives]
        # A part that says nothing of whose events it is about may be about those without a schema,
        # and so may one that matches no event that has one.
        if not found or not all(kinds.chosen and kinds.known for kinds in found):
            return None
        names = dict.fromkeys(kind for kinds in found for kind in kinds.known)
        documents = [
            document
            for source, type_ in names
            for document in self.schemas.repository.versions(source, type_)
        ]
        return Candidates(
            tuple(
                Candidate(each, self.schemas.of(each), self.kinds.is_enforced(each, rule.bus))
                for each in documents
            ),
            all_known=all(kinds.all_known for kinds in found),
        )
