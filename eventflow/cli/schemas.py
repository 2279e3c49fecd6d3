"""`eventflow schemas`: see the repository of schemas, and check events and models by it."""

import click

from eventflow.cli.lazy import LazyGroup, Place

__all__ = ["schemas"]

_COMMANDS = {
    "list": Place("eventflow.cli.schemas_list", "list_", "List the schemas."),
    "show": Place("eventflow.cli.schemas_show", "show", "Show one schema."),
    "validate": Place("eventflow.cli.schemas_validate", "validate", "Check events of a file."),
    "check": Place("eventflow.cli.schemas_check", "check", "Check the schemas and what changed."),
    "export": Place("eventflow.cli.schemas_export", "export", "Write schemas of models."),
    "generate": Place("eventflow.cli.schemas_generate", "generate", "Write models of schemas."),
    "discover": Place("eventflow.cli.schemas_discover", "discover", "Propose schemas of events."),
    "docs": Place("eventflow.cli.schemas_docs", "docs", "Write pages and an AsyncAPI document."),
}


@click.group(cls=LazyGroup, places=_COMMANDS)
def schemas() -> None:
    """See the schemas, and check events and models by them.

    The repository is the directory EVENTFLOW_SCHEMAS, which is `schemas` unless set.
    """
