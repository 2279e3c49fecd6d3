"""`eventflow schemas list`: every schema of the repository, one a line."""

from pathlib import Path

import click

from eventflow.cli.listing import Column, page_of, paging, show_listing
from eventflow.cli.output import json_option
from eventflow.cli.schemas_path import choose_schemas, schemas_option
from eventflow.schemas import Repository, SchemaDocument, load_repository

__all__ = ["describe_schema", "list_"]


@click.command(name="list")
@schemas_option
@click.option("--source", help="Only events of this source.")
@click.option("--type", "event_type", help="Only events of this type.")
@click.option("--owner", help="Only this owner's.")
@click.option("--status", help="Only those with this status, such as published.")
@paging()
@json_option
def list_(
    *,
    schemas_path: Path | None,
    source: str | None,
    event_type: str | None,
    owner: str | None,
    status: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List the schemas: each version of each event, its status and its owner."""
    repository = load_repository(choose_schemas(schemas_path))
    found = [
        item
        for item in repository.documents
        if source in (None, item.name.source)
        and event_type in (None, item.name.type)
        and owner in (None, item.owner)
        and status in (None, item.status)
    ]
    show_listing(
        page_of(found, cursor=lambda item: str(item.name), limit=limit, after=after),
        [
            Column("SCHEMA", lambda item: item.name),
            Column("STATUS", lambda item: _status(repository, item)),
            Column("VALIDATION", lambda item: item.validation or repository.policy.validation),
            Column("OWNER", lambda item: item.owner),
            Column("DESCRIPTION", lambda item: item.description),
        ],
        document=lambda item: describe_schema(repository, item),
        as_json=as_json,
        empty=f"No schema in {repository.root} is like that."
        if repository.documents
        else f"There are no schemas in {repository.root}.",
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
