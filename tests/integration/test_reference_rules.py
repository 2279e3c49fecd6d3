"""The reference deployment's rules: faultless, complete, and sending each event where it belongs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from eventflow import EventModel
from eventflow.cli.demo_day import make_day
from eventflow.cli.main import main
from eventflow.cli.rules_cases import run_case
from eventflow.routing import plan
from eventflow.rules import load_rules
from eventflow.rules.cases import RuleCase, read_cases
from workers import events

_RULES = Path(__file__).resolve().parents[2] / "rules"
_RULE_SET = load_rules(_RULES)
_CASES = read_cases(_RULES, _RULE_SET.targets)
_MODELS = {
    model.event_type: model
    for model in vars(events).values()
    if isinstance(model, type) and issubclass(model, EventModel) and model.event_type
}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_event_reaches_its_targets(case: RuleCase) -> None:
    """Each test beside the rules holds: the event reaches its targets, with the words it should."""
    result = run_case(case, _RULE_SET)

    assert ((), (), (), ()) == (result.missing, result.unexpected, result.inputs, result.faults)


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_event_is_a_declared_one(case: RuleCase) -> None:
    """The events of the tests are those that the workers declare, field by field."""
    model = _MODELS[case.event.type]
    model.model_validate(case.event.data)

    assert model.event_source == case.event.source


def test_every_rule_is_shown_by_a_test() -> None:
    """No rule is without a test whose event it matches, and no kind of event without a test."""
    matched = {
        rule.name
        for case in _CASES
        for rule in _RULE_SET.matching(case.event.bus, case.event.to_eventbridge())
    }

    assert matched == {rule.name for rule in _RULE_SET.rules}
    assert {case.event.type for case in _CASES} == set(_MODELS)


def test_command_runs_the_tests(capsys: pytest.CaptureFixture[str]) -> None:
    """`eventflow rules test` on the reference deployment says that all is well."""
    with pytest.raises(SystemExit) as done:
        main(["rules", "test", str(_RULES)])

    assert (0, f"{len(_CASES)} tests: all passed\n") == (done.value.code, capsys.readouterr().out)


def test_every_operator_family_occurs() -> None:
    """The rules show each operator of the pattern language at work."""
    found = {name for rule in _RULE_SET.rules for name in _operators(rule.pattern.source)}

    assert found == {
        "exact",
        "prefix",
        "suffix",
        "equals-ignore-case",
        "wildcard",
        "anything-but",
        "numeric",
        "exists",
        "cidr",
        "$or",
    }


def test_every_rule_and_target_has_an_owner_and_a_word() -> None:
    """Whoever reads the rules finds whom to ask, and why a rule is there."""
    rules = _RULE_SET
    entries = {
        **{rule.name: (rule.owner, rule.description) for rule in rules.rules},
        **{name: (target.owner, target.description) for name, target in rules.targets.items()},
    }

    assert [name for name, words in entries.items() if not all(words)] == []


def test_every_task_is_there() -> None:
    """Each target's task is a function of the module that its integration has."""
    for target in _RULE_SET.targets.values():
        module, _, function = target.task.rpartition(".")
        assert module == f"workers.{target.integration.replace('-', '_')}"
        assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("seed", [1, 2])
def test_day_is_made_of_the_declared_events(seed: int) -> None:
    """The demo's made-up events fit the models, and every input that a rule shapes is complete."""
    rules = _RULE_SET
    day = make_day(300, seed=seed, date=datetime.now(UTC))
    for event in day:
        assert _MODELS[event.type].event_source == event.source
        _MODELS[event.type].model_validate(event.data)
        assert [item.fault for item in plan(event, rules, accepted_at=0.0) if item.fault] == []

    assert {event.type for event in day} == set(_MODELS)


def _operators(pattern: dict[str, Any]) -> Iterator[str]:
    for name, value in pattern.items():
        if name == "$or":
            yield name
            for member in value:
                yield from _operators(member)
        elif isinstance(value, dict):
            yield from _operators(value)
        else:
            for leaf in value:
                yield from leaf if isinstance(leaf, dict) else ["exact"]
