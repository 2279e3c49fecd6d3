"""`eventflow schemas check`: the schemas, and what a change of them breaks for whom."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import click

from eventflow.cli.output import json_option, print_json, say, visible
from eventflow.cli.schemas_affected import Readers
from eventflow.cli.schemas_code import check_code, load_subscribers
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.errors import EventflowError, Problem, SchemaError
from eventflow.rules import RuleSet, load_rules
from eventflow.schemas import Repository
from eventflow.schemas.history import (
    ERROR,
    NOTE,
    WARNING,
    HistoryFinding,
    check_history,
    check_versions,
    new_versions,
)
from eventflow.schemas.loader import load_repository
from eventflow.schemas.revision import RevisionError, read_revision
from eventflow.settings import Settings, load_settings
from eventflow.subscribers import Subscribers
from eventflow.units import system_clock

__all__ = ["check"]


@click.command()
@schemas_option
@click.option(
    "--against",
    "revision",
    metavar="REV",
    help="Hold the schemas against a revision of git, such as origin/main.",
)
@click.option("--strict", is_flag=True, help="Let warnings fail as errors do.")
@click.option(
    "--code/--no-code",
    default=True,
    help="Look at what EVENTFLOW_WORKERS imports too: typed events, subscribers, upcasters.",
)
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    *,
    schemas_path: Path | None,
    revision: str | None,
    strict: bool,
    code: bool,
    as_json: bool,
) -> None:
    """Check the schemas, and say what breaks for whom.

    Every file is read and its examples are tried; each version is held against the earlier ones
    by its compatibility mode. With --against, published versions must be what they were in that
    revision, and only the versions that are new since are held against the earlier ones. Typed
    events must agree with their files.

    A line is FILE: SEVERITY CODE: WHERE: WHAT, and below it who reads the field. Exit code 1 where
    there is an error, or with --strict a warning.
    """
    settings = load_settings()
    path = choose_schemas(schemas_path)
    try:
        repository = load_repository(path)
    except SchemaError as error:
        _report(ctx, _Report([_fault(problem) for problem in error.problems]), as_json=as_json)
        return
    try:
        findings = _find(repository, revision)
    except RevisionError as error:
        raise click.BadParameter(str(error), ctx, param_hint="'--against'") from error
    is_asked = any(finding.breach is not None for finding in findings)
    subscribers = Subscribers()
    if code:
        try:
            subscribers = load_subscribers(settings)
        except EventflowError as error:
            say(f"The code is not looked at: {_first_line(error)}")
        else:
            findings = [*findings, *check_code(subscribers, repository)]
    report = _Report(findings, repository=repository, revision=revision, is_strict=strict)
    if is_asked:
        report.readers = Readers(_load_rules(settings), subscribers.all())
    _report(ctx, report, as_json=as_json)


@dataclass
class _Report:
    """What is to be told."""

    findings: Sequence[HistoryFinding]
    repository: Repository | None = None
    revision: str | None = None
    is_strict: bool = False
    readers: Readers | None = None

    @property
    def is_failed(self) -> bool:
        grave = {ERROR, WARNING} if self.is_strict else {ERROR}
        return any(finding.severity in grave for finding in self.findings)

    def read_by(self, finding: HistoryFinding) -> list[str]:
        if finding.breach is None or self.readers is None:
            return []
        return self.readers.of(finding.breach)


def _find(repository: Repository, revision: str | None) -> Sequence[HistoryFinding]:
    if revision is None:
        return check_versions(repository)
    with read_revision(repository.root, revision) as directory:
        try:
            published = load_repository(directory)
        except SchemaError as error:
            problems = [_name_revision(item, directory, revision) for item in error.problems]
            message = f"the schemas of {revision} cannot be read; name a revision in which they can"
            raise SchemaError(message, problems) from error
        if not published.documents:
            say(f"{revision} has no schemas: every version is new.")
        history = check_history(repository, published, today=_today(), revision=revision)
        return [*history, *check_versions(repository, only=new_versions(repository, published))]


def _name_revision(problem: Problem, directory: Path, revision: str) -> Problem:
    file = problem.file.removeprefix(f"{directory}/")
    return replace(problem, file=f"{revision}:{file}")


def _fault(problem: Problem) -> HistoryFinding:
    return HistoryFinding(ERROR, "fault", problem)


def _load_rules(settings: Settings) -> RuleSet | None:
    try:
        return load_rules(settings.rules)
    except EventflowError as error:
        say(f"Which rules read a field is not told: {_first_line(error)}")
        return None


def _today() -> date:
    return datetime.fromtimestamp(system_clock(), UTC).date()


def _first_line(error: EventflowError) -> str:
    return str(error).splitlines()[0]


def _report(ctx: click.Context, report: _Report, *, as_json: bool) -> None:
    if as_json:
        print_json(_to_json(report))
    else:
        _print(report)
    if report.is_failed:
        ctx.exit(1)


def _print(report: _Report) -> None:
    for finding in report.findings:
        click.echo(visible(" ".join(str(finding).split())))
        for reader in report.read_by(finding):
            click.echo(visible(f"  read by {reader}"))
    counts = [
        _count(sum(item.severity == severity for item in report.findings), severity)
        for severity in (ERROR, WARNING, NOTE)
        if any(item.severity == severity for item in report.findings)
    ]
    told = ", ".join(counts) or "no problems"
    if report.repository is None:
        say(f"{told}; processes keep the last good schemas.", style="red")
        return
    documents = report.repository.documents
    line = f"{_count(len(documents), 'schema')} of {_count(len(report.repository.types), 'event')}"
    line = f"{line}: {told}"
    if report.findings:
        say(line, style="red" if report.is_failed else "yellow")
    else:
        click.echo(line)


def _to_json(report: _Report) -> dict[str, object]:
    counts: dict[str, object] = {}
    if report.repository is not None:
        counts = {
            "events": len(report.repository.types),
            "schemas": len(report.repository.documents),
        }
    problems = [
        {
            "severity": finding.severity,
            "code": finding.code,
            **asdict(finding.problem),
            **_breach_document(finding),
            "read_by": report.read_by(finding),
        }
        for finding in report.findings
    ]
    return {
        "ok": not report.is_failed,
        "against": report.revision,
        **counts,
        "problems": problems,
    }


def _breach_document(finding: HistoryFinding) -> dict[str, object]:
    breach = finding.breach
    if breach is None:
        return {}
    return {
        "direction": breach.direction.value,
        "verdict": breach.difference.verdict.value,
        "old": str(breach.old.name),
        "new": str(breach.new.name),
    }


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
