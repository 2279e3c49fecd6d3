"""`eventflow rules`: check the rule files, list what they say, explain what they decide."""

from pathlib import Path

import click

from eventflow.cli.output import json_option, print_json, print_table
from eventflow.cli.rules_check import check
from eventflow.cli.rules_explain import explain
from eventflow.cli.rules_path import choose_path, path_argument
from eventflow.cli.rules_tests import run_tests
from eventflow.rules import Rule, RuleSet, Target, load_rules
from eventflow.units import format_duration

__all__ = ["rules"]


@click.group()
def rules() -> None:
    """Check, list, explain and test the rules.

    PATH is a directory of rule files, or one file; EVENTFLOW_RULES unless given, which is the
    directory `rules` unless set.
    """


rules.add_command(check)
rules.add_command(explain)
rules.add_command(run_tests)


@rules.command(name="list")
@path_argument
@json_option
def list_(path: Path | None, as_json: bool) -> None:
    """List the rules and their targets."""
    rule_set = load_rules(choose_path(path))
    if as_json:
        print_json(
            {
                "rules": [_rule_document(rule) for rule in rule_set.rules],
                "targets": [target.model_dump(mode="json") for target in rule_set.targets.values()],
            }
        )
        return
    _print_rules(rule_set)
    click.echo()
    _print_targets(rule_set)


def _print_rules(rule_set: RuleSet) -> None:
    print_table(
        ["RULE", "BUS", "ENABLED", "TARGETS", "OWNER", "DESCRIPTION"],
        [
            (
                rule.name,
                rule.bus,
                "yes" if rule.enabled else "no",
                ", ".join(each.target for each in rule.targets),
                _one_line(rule.owner),
                _one_line(rule.description),
            )
            for rule in rule_set.rules
        ],
    )


def _print_targets(rule_set: RuleSet) -> None:
    print_table(
        ["TARGET", "TASK", "QUEUE", "INTEGRATION", "TIMEOUT", "RETRY", "OWNER", "DESCRIPTION"],
        [
            (
                target.name,
                target.task,
                target.queue,
                target.integration,
                format_duration(target.timeout),
                _describe_retry(target),
                _one_line(target.owner),
                _one_line(target.description),
            )
            for target in rule_set.targets.values()
        ],
    )


def _describe_retry(target: Target) -> str:
    policy = target.retry
    return f"{policy.max_attempts} in {format_duration(policy.max_age)}"


def _rule_document(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "description": rule.description,
        "owner": rule.owner,
        "bus": rule.bus,
        "enabled": rule.enabled,
        "pattern": rule.pattern.source,
        "targets": [
            {"target": each.target, "input": dict(each.input.document) if each.input else None}
            for each in rule.targets
        ],
        "file": rule.file,
        "line": rule.line,
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())
