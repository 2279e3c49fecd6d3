"""`eventflow schemas discover`: what events look like, as drafts of their schemas."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from eventflow.cli.event_stream import EventStream
from eventflow.cli.output import json_option, print_json, print_table, say, visible
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.errors import EventError, SchemaError
from eventflow.schemas.canonical import write_schema
from eventflow.schemas.discovery import Proposal, propose
from eventflow.schemas.loader import load_repository
from eventflow.units import parse_duration

__all__ = ["discover"]

_MOST_PROBLEMS = 20
_WORDS = {
    "new": "a new draft",
    "grown": "the draft has grown",
    "unchanged": "as the draft",
    "fits": "all fit",
}


def _read_duration(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> float:
    if value is None:
        return 0
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--write", is_flag=True, help="Write the drafts into the repository.")
@click.option(
    "--follow",
    callback=_read_duration,
    metavar="DURATION",
    help="Read on for so long as the file grows, such as 10m.",
)
@click.option("--events", "limit", type=click.IntRange(min=1), help="Stop after so many events.")
@schemas_option
@json_option
def discover(
    file: Path,
    *,
    write: bool,
    follow: float,
    limit: int | None,
    schemas_path: Path | None,
    as_json: bool,
) -> None:
    """Infer schemas from the events of FILE, and propose them as drafts.

    FILE has one event a line, as `eventflow publish` takes them or as the audit writes them; - is
    standard input. A draft that was discovered before grows by what the events bring. Schemas that
    people made are never touched: of them is said which events do not fit.
    """
    root = choose_schemas(schemas_path)
    repository = load_repository(root)
    stream = EventStream(file, follow, limit)
    proposals = propose(stream.read(), repository)
    for problem in stream.problems[:_MOST_PROBLEMS]:
        say(f"passed over: {problem}", style="yellow")
    if len(stream.problems) > _MOST_PROBLEMS:
        say(f"passed over: {len(stream.problems) - _MOST_PROBLEMS} more lines", style="yellow")
    if not proposals:
        message = f"{file} has no event: it takes one JSON object per line"
        raise EventError(message)
    if as_json:
        print_json([_to_json(proposal) for proposal in proposals])
    else:
        _print(root, proposals)
    if write:
        written = [_write(root, each) for each in proposals if each.schema is not None]
        say(f"{len(written)} draft{'s'[: len(written) != 1]} written into {root}")
    elif not as_json and any(proposal.schema is not None for proposal in proposals):
        say("Nothing was written; --write does it.")


def _print(root: Path, proposals: Sequence[Proposal]) -> None:
    print_table(
        ["SCHEMA", "#EVENTS", "FOUND"],
        [(each.name, f"{each.events:,}", _describe(each)) for each in proposals],
    )
    for proposal in proposals:
        for misfit in proposal.misfits:
            text = f"{proposal.name}: {misfit.path}: {misfit.message} ({misfit.events:,} events)"
            click.echo(visible(" ".join(text.split())))
    for proposal in proposals:
        for line in _diff(root, proposal):
            click.echo(visible(line))


def _describe(proposal: Proposal) -> str:
    if proposal.verdict == "differs":
        return f"{proposal.unfit:,} do not fit; the schema stays as it is"
    return _WORDS[proposal.verdict]


def _diff(root: Path, proposal: Proposal) -> Iterator[str]:
    if proposal.schema is None or proposal.verdict == "unchanged":
        return
    before = write_schema(proposal.before).splitlines() if proposal.before is not None else []
    after = write_schema(proposal.schema).splitlines()
    file = str(root / proposal.name.path)
    old = file if before else "/dev/null"
    yield ""
    yield from difflib.unified_diff(before, after, old, file, lineterm="")


def _write(root: Path, proposal: Proposal) -> Path:
    assert proposal.schema is not None
    path = root / proposal.name.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside it first, so that no one ever reads half a schema.
        part = path.with_name(f".{path.name}.part")
        part.write_text(write_schema(proposal.schema), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise SchemaError(message) from error
    return path


def _to_json(proposal: Proposal) -> dict[str, object]:
    return {
        "schema": str(proposal.name),
        "found": proposal.verdict,
        "events": proposal.events,
        "unfit": proposal.unfit,
        "misfits": [asdict(misfit) for misfit in proposal.misfits],
        "draft": proposal.schema,
    }
