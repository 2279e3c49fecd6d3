"""The command `eventflow`: its sub-commands load when they are called, errors become one line."""

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import click

from eventflow.cli.lazy import LazyGroup, Place
from eventflow.cli.output import cause_lines, say
from eventflow.errors import EventflowError

__all__ = ["COMMANDS", "Talk", "cli", "main"]


COMMANDS = {
    "demo": Place("eventflow.cli.demo", "demo", "Run a day of parcels, start to end."),
    "up": Place("eventflow.cli.up", "up", "Start everything, in this terminal."),
    "router": Place("eventflow.cli.processes", "router", "Start a router."),
    "worker": Place("eventflow.cli.processes", "worker", "Start a worker for targets."),
    "recorder": Place("eventflow.cli.processes", "recorder", "Start the recorder."),
    "publish": Place("eventflow.cli.publish", "publish", "Publish events."),
    "outbox": Place("eventflow.cli.outbox", "outbox", "Publish what an outbox holds."),
    "serve": Place("eventflow.cli.serve", "serve", "Take events over HTTP."),
    "rules": Place("eventflow.cli.rules", "rules", "Check, list, explain and test the rules."),
    "schemas": Place(
        "eventflow.cli.schemas", "schemas", "See the schemas, and check events and models by them."
    ),
    "deadletters": Place(
        "eventflow.cli.deadletters", "deadletters", "List, show, redrive and purge dead letters."
    ),
    "audit": Place("eventflow.cli.audit", "audit", "See who did what, and when."),
    "replay": Place("eventflow.cli.replay", "replay", "Send archived events again."),
    "archive": Place("eventflow.cli.archive", "archive", "See the events that are kept."),
    "targets": Place(
        "eventflow.cli.targets",
        "targets",
        "See the targets; pause them, open and close their breakers.",
    ),
    "generate": Place(
        "eventflow.cli.generate", "generate", "Write a dashboard, alerts and scalers of the rules."
    ),
    "acl": Place("eventflow.cli.acl", "acl", "Print what a user of Redis or RabbitMQ may do."),
    "doctor": Place("eventflow.cli.doctor", "doctor", "Say what is wrong, and what to do."),
    "trace": Place("eventflow.cli.trace", "trace", "Tell where an event went."),
    "retries": Place("eventflow.cli.retries", "retries", "List the deliveries that wait."),
}
"""Each command's name, where it is, and its line in `--help`."""


@dataclass
class Talk:
    """How much the person wants to read.

    Attributes:
        verbose: Whether an error shows its traceback.
    """

    verbose: bool = False


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
