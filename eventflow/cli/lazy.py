"""A group of commands that are imported when they run, so that `--help` costs nothing."""

from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import click

__all__ = ["LazyGroup", "Place"]


class Place(NamedTuple):
    """Where a command is.

    Attributes:
        module: The module.
        attribute: The command's name in it.
        help: Its line in the group's `--help`.
    """

    module: str
    attribute: str
    help: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, so that `--help` costs nothing.

    Args:
        places: Each command's name, and where it is.
    """

    def __init__(self, *args: object, places: dict[str, Place], **extra: object) -> None:
        super().__init__(*args, **extra)  # type: ignore[arg-type]
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands that exist here, in the order of the table."""
        return [name for name, place in self._places.items() if find_spec(place.module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None when there is none of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        place = self._places[cmd_name]
        command: click.Command = getattr(import_module(place.module), place.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        rows = [(name, self._places[name].help) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
