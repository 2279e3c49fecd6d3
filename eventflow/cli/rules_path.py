"""Which rules a command of `eventflow rules` is about."""

from pathlib import Path

import click

from eventflow.settings import load_settings

__all__ = ["choose_path", "path_argument"]

path_argument = click.argument("path", type=click.Path(path_type=Path), required=False)
"""The argument PATH that each of these commands has."""


def choose_path(path: Path | None) -> Path:
    """Return *path*, or the directory that EVENTFLOW_RULES names where there is none."""
    return path if path is not None else load_settings().rules
