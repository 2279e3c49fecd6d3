"""`eventflow schemas show NAME`: one schema, with what is said about it."""

import json
from pathlib import Path

import click

from eventflow.cli.output import json_option, print_json, visible
from eventflow.cli.schemas_list import describe_schema
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.errors import SchemaError
from eventflow.schemas import Repository, SchemaDocument, SchemaName, load_repository

__all__ = ["show"]


@click.command()
@click.argument("name")
@click.option("--whole", is_flag=True, help="Take in what it refers to in other files.")
@schemas_option
@json_option
def show(name: str, *, whole: bool, schemas_path: Path | None, as_json: bool) -> None:
    """Show one schema.

    NAME is SOURCE/TYPE/VERSION, as an event's dataschema has it, or SOURCE/TYPE for the version
    that events without one are checked by.
    """
    repository = load_repository(choose_schemas(schemas_path))
    item = _find(repository, name)
    said = describe_schema(repository, item)
    schema = item.whole if whole else item.schema
    if as_json:
        print_json({**said, "schema": schema})
        return
    for key, value in said.items():
        if value not in (None, "", 0) and key not in {"source", "type", "version"}:
            text = " ".join(visible(str(value)).split())
            click.echo(f"{key + ':':15}{text}")
    click.echo()
    click.echo(visible(json.dumps(schema, indent=2, ensure_ascii=False)))


def _find(repository: Repository, text: str) -> SchemaDocument:
    known = {str(item.name): item for item in repository.documents}
    for source, event_type in repository.types:
        current = repository.current(source, event_type)
        if current is not None:
            known.setdefault(str(current.name).rpartition("/")[0], current)
            known.setdefault(f"{source}/{event_type}", current)
    if text in known:
        return known[text]
    try:
        found = repository.get(SchemaName.parse(text))
    except SchemaError:
        found = None
    if found is not None:
        return found
    from difflib import get_close_matches  # noqa: PLC0415 - for a fault alone

    near = get_close_matches(text, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`eventflow schemas list` lists them"
    message = f"no schema in {repository.root} goes by the name {text!r}: {hint}"
    raise SchemaError(message)
