"""What `eventflow replay` is told: which events, for whom, how fast; and the request made of it."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from eventflow.cli.quantities import RATE
from eventflow.cli.times import MOMENT
from eventflow.units import Rate

__all__ = [
    "choosing",
    "dry_option",
    "name_option",
    "new_name",
    "rate_option",
    "read_pattern",
    "since_option",
    "yes_option",
]

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_MOST_PATTERN = 1024 * 1024  # bytes of a file


def _as_text(_ctx: click.Context, _parameter: click.Parameter, value: Rate | None) -> str | None:
    return None if value is None else str(value)  # as the request keeps it


since_option = click.option(
    "--from",
    "since",
    type=MOMENT,
    help="Events since: how long ago, such as 2h, an RFC 3339 time, or a date.",
)
rate_option = click.option(
    "--rate", type=RATE, callback=_as_text, help="At most so many, such as 50/s."
)
name_option = click.option("--name", help="What it is called; one is made up unless given.")
dry_option = click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")

_OPTIONS = (
    since_option,
    click.option(
        "--to", "until", type=MOMENT, help="Events before then, likewise; now if missing."
    ),
    click.option("--archive", help="Events of this archive alone."),
    click.option("--rule", "rules", multiple=True, help="By this rule alone; may be repeated."),
    click.option("--target", "targets", multiple=True, help="To this target alone; likewise."),
    click.option(
        "--pattern", metavar="JSON|@FILE", help="Events that match this event pattern alone."
    ),
    click.option("--source", "sources", multiple=True, help="Events of this source; repeatable."),
    click.option("--type", "types", multiple=True, help="Events of this type; repeatable."),
    click.option("--bus", default="default", show_default=True, help="The bus."),
    rate_option,
    name_option,
    dry_option,
    yes_option,
)


def choosing(command: CommandT) -> CommandT:
    """Give a command the options that say what is replayed."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_pattern(text: str | None) -> dict[str, Any] | None:
    """Read the option ``--pattern``: JSON, or ``@`` and the name of a file of it.

    Raises:
        click.UsageError: When it cannot be read, or is no object.
    """
    if text is None:
        return None
    try:
        if text.startswith("@"):
            with Path(text[1:]).open(encoding="utf-8") as file:
                text = file.read(_MOST_PATTERN)
        pattern = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        message = f"--pattern cannot be read: {error}"
        raise click.UsageError(message) from error
    if not isinstance(pattern, dict):
        message = '--pattern is a JSON object, such as \'{"detail": {"kind": ["garage"]}}\''
        raise click.UsageError(message)
    return pattern


def new_name(now: float) -> str:
    """Make up a replay's name, which nobody else has made up.

    Args:
        now: Seconds since the epoch.
    """
    return f"replay-{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
