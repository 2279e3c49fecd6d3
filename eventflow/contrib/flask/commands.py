"""`flask eventflow …`: the commands of `eventflow`, with the settings of this application."""

import os
from enum import Enum

import click
from flask import Flask

from eventflow.cli.lazy import LazyGroup
from eventflow.cli.main import COMMANDS
from eventflow.cli.output import cause_lines
from eventflow.errors import EventflowError
from eventflow.settings import Settings

__all__ = ["commands_of"]


def commands_of(app: Flask, settings: Settings) -> click.Group:
    """Return the group `eventflow` for an application's own command line.

    Args:
        app: Where it has Flask-SQLAlchemy, that database is the outbox's.
        settings: What the application publishes with.
    """

    @click.group("eventflow", cls=_Commands, places=COMMANDS)
    def commands() -> None:
        """Run eventflow's own commands with the settings of this application."""
        _export(app, settings)

    return commands


class _Commands(LazyGroup):
    """The commands, whose errors are one line here as well."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command, and exit as it does."""
        try:
            result = super().invoke(ctx)
        except EventflowError as error:
            text = "\n".join(cause_lines(error)).removeprefix("Error: ")
            raise click.ClickException(text) from error
        if isinstance(result, int) and result:
            ctx.exit(result)
        return result


def _export(app: Flask, settings: Settings) -> None:
    """Put the settings into the environment: commands, and processes that they start, read them there."""
    for name, value in settings.model_dump(exclude_unset=True).items():
        os.environ[f"EVENTFLOW_{name.upper()}"] = _written(value)
    if not settings.outbox_url and (url := _url_of_database(app)):
        os.environ["EVENTFLOW_OUTBOX_URL"] = url


def _written(value: object) -> str:
    if value is None:
        return ""
    return str(value.value if isinstance(value, Enum) else value)


def _url_of_database(app: Flask) -> str:
    """Return the address of Flask-SQLAlchemy's database; it alone knows where a relative path leads."""
    extension = app.extensions.get("sqlalchemy")
    with app.app_context():
        engine = getattr(extension, "engine", None)
    return engine.url.render_as_string(hide_password=False) if engine is not None else ""
