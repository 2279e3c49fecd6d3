"""`eventflow doctor`: what is wrong with a deployment, and what to do about it."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from eventflow.cli.output import json_option, print_json, say, visible
from eventflow.units import format_time

if TYPE_CHECKING:
    from celery import Celery

    from eventflow.diagnosis import Examination, Finding
    from eventflow.settings import Settings

__all__ = ["doctor"]


@click.command()
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="CODE",
    help="Say nothing of this kind of finding; may be given several times.",
)
@json_option
@click.pass_context
def doctor(ctx: click.Context, ignored: tuple[str, ...], *, as_json: bool) -> None:
    """Examine Redis, broker, store, rules and every process, and say what is wrong.

    A line is WHERE: SEVERITY CODE: WHAT IS WRONG: WHAT TO DO. Nothing is changed. Exit code 1
    where there is an error or a warning; notes are for you to know.
    """
    from eventflow.diagnosis import CODES, Severity, examine  # noqa: PLC0415 - not for --help
    from eventflow.settings import load_settings  # noqa: PLC0415

    unknown = sorted(set(ignored) - set(CODES))
    if unknown:
        message = f"no finding has the code {unknown[0]!r}; the codes are: {', '.join(CODES)}"
        raise click.UsageError(message)
    settings = load_settings()
    app, first = _load(settings)
    examination = examine(settings, app)
    findings = [one for one in (*first, *examination.findings) if one.code not in ignored]
    failed = any(one.severity is not Severity.NOTE for one in findings)
    if as_json:
        print_json(_to_json(examination, findings, failed=failed))
    else:
        _print(examination, findings)
    if failed:
        ctx.exit(1)


def _load(settings: "Settings") -> "tuple[Celery, list[Finding]]":
    """Return the user's app, which knows its broker; where there is none, one made for the settings."""
    from eventflow.cli.application import load_app  # noqa: PLC0415
    from eventflow.diagnosis import Finding  # noqa: PLC0415
    from eventflow.errors import StartError  # noqa: PLC0415
    from eventflow.worker import configure_app, make_app  # noqa: PLC0415

    try:
        return load_app(settings), []
    except StartError as error:
        app = make_app(settings)
        configure_app(app)
        is_missing = error.__cause__ is None and "there is no module" in error.message
        code = "application-missing" if is_missing else "application-broken"
        message, _, advice = error.message.partition(": ")
        finding = Finding(code, "application", message, advice)
    return app, [finding]


def _to_json(
    examination: "Examination", findings: "Sequence[Finding]", *, failed: bool
) -> dict[str, object]:
    return {
        "ok": not failed,
        "findings": [
            {
                "severity": one.severity.value,
                "code": one.code,
                "where": one.where,
                "message": one.message,
                "advice": one.advice,
            }
            for one in findings
        ],
        "targets": list(examination.targets),
        "processes": [
            {
                "name": one.name,
                "host": one.host,
                "pid": one.pid,
                "queues": list(one.queues),
                "started_at": format_time(one.started_at),
                "clock_offset": round(one.clock_offset, 3) + 0.0,  # no -0.0
                "versions": one.versions,
                "rules": one.rules,
            }
            for one in examination.processes
        ],
    }


def _print(examination: "Examination", findings: "Sequence[Finding]") -> None:
    for one in findings:
        click.echo(visible(" ".join(str(one).split())))
    counted = f"{_count(examination.processes, 'process', 'processes')}, "
    counted += _count(examination.targets, "target")
    counts = Counter(one.severity.value for one in findings)
    if not counts:
        click.echo(f"{counted}: nothing is wrong")
        return
    told = [
        f"{counts[word]} {word}{'' if counts[word] == 1 else 's'}"
        for word in ("error", "warning", "note")
        if counts[word]
    ]
    style = "red" if counts["error"] else "yellow" if counts["warning"] else None
    say(f"{counted}: {', '.join(told)}", style=style)


def _count(items: Collection[object], one: str, many: str = "") -> str:
    return f"{len(items)} {one if len(items) == 1 else many or one + 's'}"
