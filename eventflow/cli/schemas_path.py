"""The option `--schemas` of the commands that read the repository of schemas."""

from pathlib import Path

import click

from eventflow.settings import load_settings

__all__ = ["choose_schemas", "schemas_option"]

schemas_option = click.option(
    "--schemas",
    "schemas_path",
    type=click.Path(path_type=Path),
    help="The repository's directory; EVENTFLOW_SCHEMAS unless given.",
)
"""The option itself."""


def choose_schemas(path: Path | None) -> Path:
    """Return the path that was given, or else the setting's."""
    return path if path is not None else load_settings().schemas
