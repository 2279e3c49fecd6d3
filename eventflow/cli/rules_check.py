"""`eventflow rules check`: every fault of the rule files, and what is most likely not meant."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from eventflow.cli.output import json_option, print_json, say, visible
from eventflow.cli.rules_path import choose_path, path_argument
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.errors import RuleError
from eventflow.rules import RuleSet
from eventflow.rules.lint import CODES, FAULT, LintFinding, lint
from eventflow.rules.loader import read_rules
from eventflow.schemas.fields import FieldIndex
from eventflow.schemas.loader import load_repository

__all__ = ["check"]


@click.command()
@path_argument
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    type=click.Choice(CODES),
    metavar="CODE",
    help="Say nothing of this kind of finding; may be given several times.",
)
@click.option("--strict", is_flag=True, help="Let warnings fail as errors do.")
@schemas_option
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    path: Path | None,
    *,
    ignored: tuple[str, ...],
    strict: bool,
    schemas_path: Path | None,
    as_json: bool,
) -> None:
    """Check the rule files: every fault, and every warning, one a line.

    A line is FILE:LINE:COLUMN: SEVERITY CODE: WHERE: WHAT. A fault (error) keeps the rules from
    being loaded; a warning is of what is allowed and most likely not meant, and is looked for once
    there are no faults. Rules are held against the events' schemas as well: what can never be by
    schemas that are enforced is an error. Exit code 1 where there is an error, or with --strict a
    warning.
    """
    path = choose_path(path)
    rule_set: RuleSet | None = None
    try:
        loaded = read_rules(path)
    except RuleError as error:
        findings = tuple(LintFinding(problem, FAULT) for problem in error.problems)
    else:
        rule_set = loaded.rule_set
        schemas = FieldIndex(load_repository(choose_schemas(schemas_path)))
        findings = lint(loaded, schemas, ignore=ignored)
    failed = (strict and len(findings) > 0) or any(
        finding.severity == "error" for finding in findings
    )
    if as_json:
        print_json(_to_json(rule_set, findings, failed=failed))
    else:
        _print(path, rule_set, findings)
    if failed:
        ctx.exit(1)


def _to_json(
    rule_set: RuleSet | None, findings: Sequence[LintFinding], *, failed: bool
) -> dict[str, object]:
    counts: dict[str, object] = {}
    if rule_set is not None:
        counts = {
            "rules": len(rule_set.rules),
            "targets": len(rule_set.targets),
            "archives": len(rule_set.archives),
        }
    problems = [
        {"severity": finding.severity, "code": finding.code, **asdict(finding.problem)}
        for finding in findings
    ]
    return {"ok": not failed, **counts, "problems": problems}


def _print(path: Path, rule_set: RuleSet | None, findings: Sequence[LintFinding]) -> None:
    for finding in findings:
        click.echo(visible(" ".join(str(finding).split())))
    if rule_set is None:
        number = _count(len(findings), "problem")
        say(f"{number} in {path}; routers keep the last good rules.", style="red")
        return
    counted = f"{_count(len(rule_set.rules), 'rule')}, {_count(len(rule_set.targets), 'target')}"
    if rule_set.archives:
        counted += f", {_count(len(rule_set.archives), 'archive')}"
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = _count(len(findings) - errors, "warning")
    if errors:
        say(f"{counted}: {_count(errors, 'error')}, {warnings}", style="red")
    elif findings:
        say(f"{counted}: {warnings}", style="yellow")
    else:
        click.echo(f"{counted}: no problems")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
