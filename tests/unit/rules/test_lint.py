"""The linter of rules: each kind of warning where it belongs, and none where nothing is wrong."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from eventflow.patterns import Pattern
from eventflow.patterns.complexity import MAX_MEASURED, measure_wildcards
from eventflow.rules.impossible import describe_impossible
from eventflow.rules.lint import CODES, lint
from eventflow.rules.loader import read_rules
from eventflow.rules.schema_lint import SCHEMA_CODES

REFERENCE = Path(__file__).resolve().parents[3] / "rules"
TARGETS = "targets: {a: {task: x}}\n"


@pytest.fixture
def warnings_of(write_rules: Callable[..., Path]) -> Callable[..., list[str]]:
    """Lint rule files; returns each warning as the line that people see."""

    def run(*ignore: str, **files: str) -> list[str]:
        return [str(each) for each in lint(read_rules(write_rules(**files)), ignore=ignore)]

    return run


def test_rules_with_one_pattern(warnings_of):
    """The second of two enabled rules of a bus that ask the same is told, however it is spelt."""
    text = TARGETS + (
        "rules:\n"
        "  one: {pattern: {detail: {a: [x, y]}}, targets: [a]}\n"
        "  two: {pattern: {detail.a: [y, x]}, targets: [a]}\n"
        "  three: {bus: lab, pattern: {detail: {a: [x, y]}}, targets: [a]}\n"
        "  four: {pattern: {detail: {a: [x]}}, targets: [a]}\n"
    )
    assert warnings_of(main=text) == [
        (
            "rules/main.yaml:4:9: warning same-pattern: rules.two.pattern: the rule 'one' at "
            "rules/main.yaml:3 asks the same of the bus 'default'; one rule may name the targets of "
            "both"
        )
    ]


def test_disabled_rule(warnings_of):
    """A rule that is not in force is told, and which rule in force asks the same."""
    text = TARGETS + (
        "rules:\n"
        "  off: {enabled: false, pattern: {source: [x]}, targets: [a]}\n"
        "  on: {pattern: {source: [y]}, targets: [a]}\n"
        "  old: {enabled: false, pattern: {source: [y]}, targets: [a]}\n"
    )
    assert warnings_of(main=text) == [
        (
            "rules/main.yaml:3:9: warning disabled-rule: rules.off.enabled: the rule is not in force; "
            "remove it when it is not coming back"
        ),
        (
            "rules/main.yaml:5:9: warning disabled-rule: rules.old.enabled: the rule is not in force, "
            "and 'on' at rules/main.yaml:4, which is, asks the same"
        ),
    ]


def test_unused_target(warnings_of):
    """A target that no rule names is told, as is one that only disabled rules name."""
    text = (
        "targets:\n  a: {task: x}\n  b: {task: x}\n  c: {task: x}\n"
        "rules:\n"
        "  on: {pattern: {source: [x]}, targets: [a]}\n"
        "  off: {enabled: false, pattern: {source: [y]}, targets: [a, b]}\n"
    )
    assert warnings_of("disabled-rule", main=text) == [
        (
            "rules/main.yaml:3:3: warning unused-target: targets.b: only rules that are not in force "
            "name this target"
        ),
        "rules/main.yaml:4:3: warning unused-target: targets.c: no rule names this target",
    ]


def test_a_breaker_that_never_opens(warnings_of):
    """A rate that never brings enough calls into the window is told, with the numbers."""
    text = (
        "targets:\n"
        "  a:\n    task: x\n    circuit_breaker: {}\n    rate_limit: 15/m\n"
        "  b: {task: x, circuit_breaker: {}, rate_limit: 20/m}\n"
        "rules: {r: {pattern: {source: [x]}, targets: [a, b]}}\n"
    )
    assert warnings_of(main=text) == [
        (
            "rules/main.yaml:4:5: warning never-opens: targets.a.circuit_breaker: the circuit breaker "
            "never opens: at 15/m its window of 1m sees 15 calls, and min_calls is 20; lower min_calls, "
            "or lengthen the window"
        ),
    ]


def test_wildcard_that_is_too_complex(warnings_of):
    """Wildcards of a field are told with their measure, at the field."""
    text = TARGETS + (
        "rules:\n"
        "  r:\n    targets: [a]\n    pattern:\n      detail:\n"
        f"        a.b: [{{wildcard: '*{'a' * 17}*'}}]\n"
        "        c: [{wildcard: '*-NB-*'}]\n"
    )
    (warning,) = warnings_of(main=text)
    assert warning.startswith(
        "rules/main.yaml:7:9: warning complex-wildcard: rules.r.pattern.detail.a.b: the wildcards "
        "of detail.a.b have the complexity 18, and 16 is much already"
    )


def test_pattern_that_never_matches(warnings_of):
    """A pattern that no event can match is told with its reason."""
    text = TARGETS + (
        "rules:\n"
        "  r: {pattern: {type: [CourierArrived]}, targets: [a]}\n"
        "  s: {pattern: {$or: [{source: [x]}, {data: {a: [1]}}]}, targets: [a]}\n"
    )
    assert warnings_of(main=text) == [
        (
            "rules/main.yaml:3:7: warning never-matches: rules.r.pattern: no event can match: events "
            "have no field 'type'; did you mean 'detail-type'?"
        ),
        (
            "rules/main.yaml:4:7: warning never-matches: rules.s.pattern: no event can match 1 of 2 "
            "combinations of $or: events have no field 'data'; did you mean 'detail'?"
        ),
    ]


@pytest.mark.parametrize("code", [code for code in CODES if code not in SCHEMA_CODES])
def test_code_is_ignored(code, warnings_of):
    """Each code that is ignored is not told."""
    text = (
        "targets: {a: {task: x, rate_limit: 1/h, circuit_breaker: {}}, b: {task: x}}\n"
        "rules:\n"
        "  r: {pattern: {type: [CourierArrived]}, targets: [a]}\n"
        f"  s: {{pattern: {{source: [{{wildcard: '*{'a' * 20}'}}]}}, targets: [a]}}\n"
        "  t: {pattern: {type: [CourierArrived]}, targets: [a]}\n"
        "  u: {enabled: false, pattern: {source: [x]}, targets: [a]}\n"
    )
    assert any(f" {code}: " in line for line in warnings_of(main=text))
    assert not any(f" {code}: " in line for line in warnings_of(code, main=text))


def test_reference_deployment_has_no_warning():
    """The reference deployment's rules give no cause for a warning."""
    assert lint(read_rules(REFERENCE)) == ()


def _reason(pattern: str) -> str:
    (alternative,) = Pattern(yaml.safe_load(pattern)).alternatives
    return describe_impossible(alternative)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{detail_type: [x]}", "events have no field 'detail_type'; did you mean 'detail-type'?"),
        ("{door: [x]}", "events have no field 'door'; an event's own content is in 'detail'"),
        ("{source: {a: [x]}}", "source is text, not an object"),
        ("{resources.a: [x]}", "resources is a list of texts, not an object"),
        ("{source: [1, null, {numeric: ['>', 0]}]}", "source is always text"),
        ("{source: ['']}", "source has 1 to 256 characters"),
        (f"{{detail-type: [{{prefix: {'x' * 129}}}]}}", "detail-type has 1 to 128 characters"),
        ('{source: ["a\\tb"]}', "source has 1 to 256 characters"),
        ("{source: [{wildcard: ''}]}", "source has 1 to 256 characters"),
        ("{source: [{exists: false}]}", "every event has source"),
        ("{version: ['1.0']}", 'version is always "0"'),
        ("{detail: [{exists: true}]}", "detail is an object, and a list in a pattern asks"),
        (
            "{detail: {a: [{numeric: ['>', 0, '<', 5.0e-324]}]}}",
            "no number lies in the range of detail.a",
        ),
    ],
)
def test_impossible_pattern(pattern, reason):
    """What no event can be is told."""
    assert _reason(pattern).startswith(reason)


@pytest.mark.parametrize(
    "pattern",
    [
        "{source: [x], detail-type: [y], detail: {a: [1]}}",
        "{version: ['0'], id: [a], time: [{prefix: '2026'}], account: [''], region: [eu]}",
        "{resources: [{prefix: 'arn:'}], replay-name: [{exists: true}]}",
        "{replay-name: [{exists: false}], resources: [{exists: false}]}",
        "{nonsense: [{exists: false}], detail: [{exists: false}]}",
        "{source: ['', x]}",
        "{source: [{exists: false}, x]}",
        "{source: [10.0.0.1], account: [{cidr: 10.0.0.0/8}]}",
        "{source: [{anything-but: [1]}]}",
        "{detail: {type: [x], a: [{exists: false}], a.b: [1]}}",
        "{detail: {a: [{numeric: ['>', 0, '<', 1.0e-323]}, {numeric: ['<', 0]}]}}",
    ],
)
def test_possible_pattern(pattern):
    """What an event may be is not called impossible."""
    assert _reason(pattern) == ""


@pytest.mark.parametrize(
    ("shapes", "measure"),
    [
        ([], 0),
        (["plain"], 1),
        (["*"], 1),
        (["a*b"], 2),
        (["*-NB-*"], 3),
        (["*a*a*a*a*"], 5),
        (["*aaaa"], 5),
        (["*a", "*aa"], 5),
        (["*" + "a" * 500], MAX_MEASURED),
    ],
)
def test_measure_of_wildcards(shapes, measure):
    """The measure is the most places of a field's wildcards that one text keeps open."""
    operators = [
        node
        for shape in shapes
        for node in Pattern({"a": [{"wildcard": shape}]}).alternatives[0][0].operators
    ]
    assert measure_wildcards(operators) == measure


def test_wildcards_inside_anything_but_count():
    """What anything-but excludes by wildcard is measured too."""
    operators = Pattern({"a": [{"anything-but": {"wildcard": "*aaaa"}}]}).alternatives[0][0]
    assert measure_wildcards(operators.operators) == 5


def test_hostile_wildcards_are_measured_in_bounds():
    """Very many wildcards of very many letters take little time."""
    shapes = [{"wildcard": f"*{chr(0x4E00 + index)}*{index}*"} for index in range(3000)]
    operators = Pattern({"a": shapes}).alternatives[0][0].operators
    begin = time.perf_counter()
    assert measure_wildcards(operators) == MAX_MEASURED
    assert time.perf_counter() - begin < 5
