"""`eventflow rules test`: the tests beside the rules, and where what is differs from what must be."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from eventflow.cli.output import json_option, print_json, say, visible
from eventflow.cli.rules_cases import ABSENT, CaseResult, MissingTarget, run_case
from eventflow.cli.rules_path import choose_path
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.rules import load_rules
from eventflow.rules.cases import read_cases
from eventflow.rules.templates import compact
from eventflow.schemas.loader import load_repository
from eventflow.schemas.validation import SchemaCheck

__all__ = ["run_tests"]

_LONGEST_SHOWN = 200
_SCHEMA = "schema"


@click.command(name="test")
@click.argument("path", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    type=click.Choice([_SCHEMA]),
    help="Do not check the tests' events by their schemas.",
)
@schemas_option
@json_option
@click.pass_context
def run_tests(
    ctx: click.Context,
    path: Path | None,
    *,
    ignored: tuple[str, ...],
    schemas_path: Path | None,
    as_json: bool,
) -> None:
    """Run the tests beside the rules: does each event reach just the targets that it must?

    PATH is a directory of rules; its tests are the files that end in .test.yaml. Nothing is
    published, and no server is needed. A test fails as well where its event would be refused by
    its schema. Exit code 1 where a test fails, or where there is none.
    """
    path = choose_path(path)
    rules = load_rules(path)
    schemas = None
    if _SCHEMA not in ignored:
        schemas = SchemaCheck(load_repository(choose_schemas(schemas_path)))
    results = [run_case(case, rules, schemas) for case in read_cases(path, rules.targets)]
    failed = sum(not result.passed for result in results)
    if as_json:
        tests = [_to_json(result) for result in results]
        print_json({"ok": bool(results) and not failed, "tests": tests})
    else:
        _print(path, results, failed)
    if failed or not results:
        ctx.exit(1)


def _print(path: Path, results: Sequence[CaseResult], failed: int) -> None:
    if not results:
        say(f"{path} holds no test: write one into a file that ends in .test.yaml", style="red")
        return
    for result in results:
        if not result.passed:
            for line in _describe(result):
                click.echo(visible(line))
            click.echo()
    count = f"{len(results):,} test{'s'[: len(results) != 1]}"
    if failed:
        say(f"{count}: {failed:,} failed", style="red")
    else:
        click.echo(f"{count}: all passed")


def _describe(result: CaseResult) -> Iterator[str]:
    case = result.case
    yield f"{case.file}:{case.line}: {' '.join(case.name.split())}"
    for missing in result.missing:
        yield f"  missing     {missing.target}"
        yield from _describe_missing(missing, case.event.bus)
    for target, rules in result.unexpected:
        yield f"  unexpected  {target}, by {', '.join(rules)}"
    for difference in result.inputs:
        yield f"  input       {difference.target} at {difference.path}"
        yield f"    expected  {_show(difference.expected)}"
        yield f"    actual    {_show(difference.actual)}"
    for target, fault in result.faults:
        yield f"  fault       {target}: {fault}"
    if result.unfit:
        first, *more = result.unfit.splitlines()
        yield f"  schema      {first}"
        yield from (f"  {line}" for line in more)


def _describe_missing(missing: MissingTarget, bus: str) -> Iterator[str]:
    explanation = missing.explanation
    if explanation is None:
        yield f"    no rule in force on the bus {bus} names it"
        return
    yield f"    nearest is the rule {missing.rule}:"
    for report in explanation.failed:
        yield f"    {report.path}: wanted {report.wanted}; found {report.describe_found()}"
        if report.hint:
            yield f"      hint: {report.hint}"


def _show(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    text = compact(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _to_json(result: CaseResult) -> dict[str, Any]:
    case = result.case
    return {
        "name": case.name,
        "file": case.file,
        "line": case.line,
        "ok": result.passed,
        "reached": list(result.reached),
        "missing": [
            {
                "target": missing.target,
                "rule": missing.rule or None,
                "explanation": missing.explanation.to_json() if missing.explanation else None,
            }
            for missing in result.missing
        ],
        "unexpected": [
            {"target": target, "rules": list(rules)} for target, rules in result.unexpected
        ],
        "inputs": [
            {
                "target": each.target,
                "path": each.path,
                **({"expected": each.expected} if each.expected is not ABSENT else {}),
                **({"actual": each.actual} if each.actual is not ABSENT else {}),
            }
            for each in result.inputs
        ],
        "faults": [{"target": target, "message": fault} for target, fault in result.faults],
        "schema": result.unfit or None,
    }
