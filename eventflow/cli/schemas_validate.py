"""`eventflow schemas validate FILE`: whether events of a file fit their schemas, each fault told."""

from pathlib import Path

import click

from eventflow.cli.event_files import MalformedEvent, read_lines
from eventflow.cli.output import json_option, print_json, say, visible
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.events import Event
from eventflow.schemas import load_repository
from eventflow.schemas.validation import Action, SchemaCheck

__all__ = ["validate"]


@click.command()
@click.argument(
    "path",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@click.option("--strict", is_flag=True, help="Let warnings fail as refusals do.")
@schemas_option
@json_option
@click.pass_context
def validate(
    ctx: click.Context, path: Path, *, strict: bool, schemas_path: Path | None, as_json: bool
) -> None:
    """Check the events of FILE by their schemas; nothing is published.

    FILE has one event a line, or is one JSON event or a list of them, with eventflow's or
    EventBridge's names; - is standard input. Each event gets what publishing it would: an event
    that would be refused ends this with exit code 1, one that would be warned of does so with
    --strict.
    """
    check = SchemaCheck(load_repository(choose_schemas(schemas_path)))
    source = Path("/dev/stdin") if str(path) == "-" else path
    results = []
    for line, item in read_lines(source):
        results.append({"line": line, **_judge(check, item)})
    bad = [each for each in results if each["action"] == Action.REFUSE]
    warned = [each for each in results if each["action"] == Action.WARN]
    failed = bool(bad) or (strict and bool(warned))
    if as_json:
        print_json({"ok": not failed, "events": results})
    else:
        for each in (*bad, *warned):
            click.echo(visible(f"{path}:{each['line']}: {each['action']}: {each['message']}"))
        total = f"{len(results)} event{'' if len(results) == 1 else 's'}"
        say(
            f"{total}: {len(bad)} refused, {len(warned)} warned of", style="red" if failed else None
        )
    if failed:
        ctx.exit(1)


def _judge(check: SchemaCheck, item: Event | MalformedEvent) -> dict[str, object]:
    if isinstance(item, MalformedEvent):
        return {
            "source": None,
            "type": None,
            "action": Action.REFUSE,
            "schema": None,
            "faults": [],
            "message": str(item),
        }
    result = check.check(item.source, item.type, item.dataschema, item.bus, item.data)
    return {
        "source": item.source,
        "type": item.type,
        "action": result.action,
        "schema": str(result.schema) if result.schema else None,
        "faults": [{"path": fault.path, "message": fault.message} for fault in result.faults],
        "message": result.message,
    }
