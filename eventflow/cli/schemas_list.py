"""`eventflow schemas list`: every schema of the repository, one a line."""

from pathlib import Path

import click

from eventflow.cli.output import json_option, print_json, print_table, say
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.schemas import Repository, SchemaDocument, load_repository

__all__ = ["describe_schema", "list_"]


@click.command(name="list")
@schemas_option
@json_option
def list_(schemas_path: Path | None, as_json: bool) -> None:
    """List the schemas: each version of each event, its status and its owner."""
    repository = load_repository(choose_schemas(schemas_path))
    if as_json:
        print_json([describe_schema(repository, item) for item in repository.documents])
        return
    if not repository.documents:
        say(f"There are no schemas in {repository.root}.")
        return
    print_table(
        ["SCHEMA", "STATUS", "VALIDATION", "OWNER", "DESCRIPTION"],
        [
            (
                item.name,
                _status(repository, item),
                item.validation or repository.policy.validation,
                item.owner,
                " ".join(item.description.split()),
            )
            for item in repository.documents
        ],
    )


def _status(repository: Repository, item: SchemaDocument) -> str:
    if item.successor is not None:
        return f"{item.status}, use {item.successor}"
    is_current = repository.current(item.name.source, item.name.type) is item
    return f"{item.status}, current" if is_current else item.status


def describe_schema(repository: Repository, item: SchemaDocument) -> dict[str, object]:
    """Return what `--json` says of one schema, the JSON Schema itself left out."""
    return {
        "name": str(item.name),
        "source": item.name.source,
        "type": item.name.type,
        "version": str(item.name.version),
        "file": str(item.file),
        "dialect": item.dialect,
        "owner": item.owner,
        "description": item.description,
        "status": item.status,
        "current": repository.current(item.name.source, item.name.type) is item,
        "deprecated_on": item.deprecated_on.isoformat() if item.deprecated_on else None,
        "successor": str(item.successor) if item.successor else None,
        "compatibility": item.compatibility or repository.policy.compatibility,
        "validation": item.validation or repository.policy.validation,
        "examples": len(item.examples),
    }
