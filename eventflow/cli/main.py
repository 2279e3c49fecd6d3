"""The command `eventflow`: its sub-commands load when they are called, errors become one line."""

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, NoReturn

import click

from eventflow.cli.output import cause_lines, say
from eventflow.errors import EventflowError

__all__ = ["COMMANDS", "LazyGroup", "Talk", "cli", "main"]


class _Place(NamedTuple):
    module: str
    attribute: str
    help: str


COMMANDS = {
    "demo": _Place("eventflow.cli.demo", "demo", "Run a day of parcels, start to end."),
    "up": _Place("eventflow.cli.up", "up", "Start everything, in this terminal."),
    "router": _Place("eventflow.cli.processes", "router", "Start a router."),
    "worker": _Place("eventflow.cli.processes", "worker", "Start a worker for targets."),
    "recorder": _Place("eventflow.cli.processes", "recorder", "Start the recorder."),
    "publish": _Place("eventflow.cli.publish", "publish", "Publish events."),
    "serve": _Place("eventflow.cli.serve", "serve", "Take events over HTTP."),
    "rules": _Place("eventflow.cli.rules", "rules", "Check, list, explain and test the rules."),
    "deadletters": _Place(
        "eventflow.cli.deadletters", "deadletters", "List, show, redrive and purge dead letters."
    ),
    "targets": _Place(
        "eventflow.cli.targets", "targets", "See the targets; open and close their breakers."
    ),
    "acl": _Place("eventflow.cli.acl", "acl", "Print what a user of Redis or RabbitMQ may do."),
    "doctor": _Place("eventflow.cli.doctor", "doctor", "Say what is wrong, and what to do."),
    "retries": _Place("eventflow.cli.retries", "retries", "List the deliveries that wait."),
}
"""Each command's name, where it is, and its line in `--help`."""


@dataclass
class Talk:
    """How much the person wants to read.

    Attributes:
        verbose: Whether an error shows its traceback.
    """

    verbose: bool = False


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, so that `--help` costs nothing.

    Args:
        places: Each command's name, and where it is.
    """

    def __init__(self, *args: object, places: dict[str, _Place], **extra: object) -> None:
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


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - rarely asked

    try:
        number = version("eventflow")
    except PackageNotFoundError:  # a checkout that was never installed
        number = "0.0.0"
    click.echo(f"eventflow {number}")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
@click.pass_obj
def cli(talk: Talk | None, verbose: bool) -> None:
    """Route events to integrations: each with its own queue, retries and dead letters.

    Settings come from the environment (EVENTFLOW_...); with none at all, everything runs on an
    embedded server under .eventflow/. Exit codes: 0 done, 1 it was checked and is not so,
    2 wrong use.
    """
    if talk is not None:
        talk.verbose = verbose


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        argv: The arguments, without the program's name; None takes the process's own.
    """
    sys.exit(_run(list(sys.argv[1:] if argv is None else argv)))


def _run(argv: list[str]) -> int:
    talk = Talk()
    try:
        result = cli.main(args=argv, prog_name="eventflow", standalone_mode=False, obj=talk)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except EventflowError as error:
        if talk.verbose:
            traceback.print_exc()
        for number, line in enumerate(cause_lines(error)):
            say(line, style="red" if number == 0 else None)
        return 1
    except click.Abort as abort:
        say("Stopped.")
        return 130 if isinstance(abort.__cause__, KeyboardInterrupt) else 1
    return result if isinstance(result, int) else 0
