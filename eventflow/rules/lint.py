"""What is allowed in rules and most likely not meant: warnings, each with a code.

A check is a function from the loaded rules to its warnings, and stands in `_CHECKS`. What the
events' schemas say of rules stands in `schema_lint`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.errors import Problem
from eventflow.patterns import Pattern
from eventflow.patterns.complexity import MAX_MEASURED, measure_wildcards
from eventflow.rules.impossible import describe_impossible
from eventflow.rules.loader import Loaded
from eventflow.rules.placing import problem_at
from eventflow.rules.ruleset import Rule
from eventflow.rules.schema_lint import SCHEMA_CODES, lint_schemas
from eventflow.schemas.fields import FieldIndex
from eventflow.units import format_duration

__all__ = ["CODES", "FAULT", "MAX_COMPLEXITY", "LintFinding", "lint"]

FAULT = "fault"
"""The code of what is no warning but an error: the loader's faults."""

MAX_COMPLEXITY = 16
"""The highest measure of a field's wildcards that is not warned of."""

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class LintFinding:
    """One thing that `rules check` says.

    Attributes:
        problem: Where it is and what it is.
        code: Its kind: `FAULT`, or one of `CODES`.
        certain: Whether by schemas that are enforced it can never do what it is there for.
    """

    problem: Problem
    code: str
    certain: bool = False

    @property
    def severity(self) -> str:
        """``error`` for a fault and for what can never be, else ``warning``.

        A fault keeps the rules from being loaded; what can never be harms nothing but itself.
        """
        return "error" if self.code == FAULT or self.certain else "warning"

    def __str__(self) -> str:
        problem = self.problem
        place = ":".join(
            [problem.file, *(str(number) for number in (problem.line, problem.column) if number)]
        )
        where = f"{problem.path}: " if problem.path else ""
        return f"{place}: {self.severity} {self.code}: {where}{problem.message}"


def lint(
    loaded: Loaded, schemas: FieldIndex | None = None, *, ignore: Collection[str] = ()
) -> tuple[LintFinding, ...]:
    """Look for what is most likely not meant.

    Args:
        loaded: Rules that are without fault.
        schemas: The events' schemas; None where rules are looked at alone.
        ignore: Codes that are of no interest.

    Returns:
        The warnings, sorted by file and line.
    """
    found = [
        LintFinding(problem, code)
        for code, check in _CHECKS.items()
        if code not in ignore
        for problem in check(loaded)
    ]
    if schemas is not None and schemas.repository.documents:
        found += [
            LintFinding(each.problem, each.code, each.certain)
            for each in lint_schemas(loaded, schemas)
            if each.code not in ignore
        ]
    return tuple(sorted(found))


def _check_same_pattern(loaded: Loaded) -> Iterator[Problem]:
    first: dict[object, Rule] = {}
    advice = {
        "rules": "one rule may name the targets of both",
        "archives": "an event is kept once, as long as the longer of them says",
    }
    for rule in loaded.rule_set.patterned:
        if not rule.enabled:
            continue
        earlier = first.setdefault((rule.section, rule.bus, _asked(rule.pattern)), rule)
        if earlier is not rule:
            message = (
                f"the {_noun(rule)} {earlier.name!r} at {earlier.file}:{earlier.line} asks the same "
                f"of the bus {rule.bus!r}; {advice[rule.section]}"
            )
            yield problem_at(loaded, rule.section, rule.name, ("pattern",), message)


def _check_disabled(loaded: Loaded) -> Iterator[Problem]:
    enabled = {
        (rule.section, rule.bus, _asked(rule.pattern)): rule
        for rule in loaded.rule_set.patterned
        if rule.enabled
    }
    for rule in loaded.rule_set.patterned:
        if rule.enabled:
            continue
        message = f"the {_noun(rule)} is not in force; remove it when it is not coming back"
        other = enabled.get((rule.section, rule.bus, _asked(rule.pattern)))
        if other is not None:
            message = (
                f"the {_noun(rule)} is not in force, and {other.name!r} at "
                f"{other.file}:{other.line}, which is, asks the same"
            )
        yield problem_at(loaded, rule.section, rule.name, ("enabled",), message)


def _check_never_matches(loaded: Loaded) -> Iterator[Problem]:
    for rule in loaded.rule_set.patterned:
        alternatives = rule.pattern.alternatives
        reasons = [describe_impossible(alternative) for alternative in alternatives]
        impossible = [reason for reason in reasons if reason]
        if not impossible:
            continue
        message = f"no event can match: {impossible[0]}"
        if len(alternatives) > 1:
            count = f"{len(impossible):,} of {len(alternatives):,}"
            message = f"no event can match {count} combinations of $or: {impossible[0]}"
        yield problem_at(loaded, rule.section, rule.name, ("pattern",), message)


def _check_unused_targets(loaded: Loaded) -> Iterator[Problem]:
    named: dict[str, bool] = {}
    for rule in loaded.rule_set.rules:
        for each in rule.targets:
            named[each.target] = named.get(each.target, False) or rule.enabled
    for name in loaded.rule_set.targets:
        if name not in named:
            yield problem_at(loaded, "targets", name, (), "no rule names this target")
        elif not named[name]:
            message = "only rules that are not in force name this target"
            yield problem_at(loaded, "targets", name, (), message)


def _check_wildcards(loaded: Loaded) -> Iterator[Problem]:
    for rule in loaded.rule_set.patterned:
        conditions = dict.fromkeys(
            condition for alternative in rule.pattern.alternatives for condition in alternative
        )
        for condition in conditions:
            measure = measure_wildcards(condition.operators)
            if measure <= MAX_COMPLEXITY:
                continue
            more = " or more" if measure >= MAX_MEASURED else ""
            message = (
                f"the wildcards of {condition.path} have the complexity {measure}{more}, and "
                f"{MAX_COMPLEXITY} is much already; it matches quickly here, but AWS may refuse "
                "it: use fewer stars, fewer repeated characters, or prefix and suffix"
            )
            yield problem_at(
                loaded, rule.section, rule.name, _find_field(rule, condition.path), message
            )


def _check_never_opens(loaded: Loaded) -> Iterator[Problem]:
    for name, target in loaded.rule_set.targets.items():
        breaker, rate = target.circuit_breaker, target.rate_limit
        if breaker is None or rate is None:
            continue
        calls = rate.count / rate.seconds * breaker.window
        if calls < breaker.min_calls:
            message = (
                f"the circuit breaker never opens: at {rate} its window of "
                f"{format_duration(breaker.window)} sees {int(calls)} calls, and min_calls is "
                f"{breaker.min_calls}; lower min_calls, or lengthen the window"
            )
            yield problem_at(loaded, "targets", name, ("circuit_breaker",), message)


_Check = Callable[[Loaded], Iterator[Problem]]

_CHECKS: Mapping[str, _Check] = {
    "complex-wildcard": _check_wildcards,
    "disabled-rule": _check_disabled,
    "never-matches": _check_never_matches,
    "never-opens": _check_never_opens,
    "same-pattern": _check_same_pattern,
    "unused-target": _check_unused_targets,
}

CODES = tuple(sorted((*_CHECKS, *SCHEMA_CODES)))
"""The codes of warnings, sorted."""


def _noun(rule: Rule) -> str:
    return rule.section.removesuffix("s")


def _asked(pattern: Pattern) -> object:
    """Return what patterns that ask the same have in common, however their lists are sorted."""
    return frozenset(
        frozenset((condition.path, frozenset(condition.operators)) for condition in alternative)
        for alternative in pattern.alternatives
    )


def _find_field(rule: Rule, path: str) -> _Path:
    """Return where in a rule a field of its pattern stands; the pattern's place if `$or` hides it."""
    taken: list[str | int] = ["pattern"]
    value: Any = rule.pattern.source
    rest = path
    while rest and isinstance(value, dict):
        name = next((key for key in value if rest == key or rest.startswith(f"{key}.")), None)
        if name is None:
            return ("pattern",)
        taken.append(name)
        value, rest = value[name], rest[len(name) + 1 :]
    return tuple(taken)
