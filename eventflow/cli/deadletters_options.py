"""The options that choose dead letters, the same for every command that takes them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from eventflow.cli.times import MOMENT, iso
from eventflow.records import Reason
from eventflow.store import Cursor, DeadLetterFilter, DeadLetterSummary, State

__all__ = [
    "ALL_STATES",
    "choosing",
    "cursor_of",
    "read_cursor",
    "read_filter",
    "read_state",
    "state_option",
    "write_options",
]

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

ALL_STATES = "all"
_FIELDS = ("target", "reason", "event_type", "source", "event_id", "rule", "error", "group")
_TIMES = ("since", "until")


_OPTIONS = (
    click.option("--target", help="Only this target's."),
    click.option(
        "--reason",
        type=click.Choice([reason.value for reason in Reason]),
        help="Only those that died for this reason.",
    ),
    click.option("--type", "--event-type", "event_type", help="Only events of this type."),
    click.option("--source", help="Only events of this source."),
    click.option("--event", "event_id", metavar="ID", help="Only those of this event."),
    click.option("--rule", help="Only those of this rule."),
    click.option(
        "--error", help="Only those whose error, or its class, contains this, in any case."
    ),
    click.option("--group", metavar="ID", help="Only this group's; `deadletters groups` has them."),
    click.option(
        "--since", type=MOMENT, help="Died since: how long ago, such as 2h, or a date or time."
    ),
    click.option("--until", type=MOMENT, help="Died until, likewise."),
)

state_option = click.option(
    "--state",
    type=click.Choice([*(state.value for state in State), ALL_STATES]),
    default=State.DEAD.value,
    show_default=True,
    help="Where they stand.",
)


def choosing(command: CommandT) -> CommandT:
    """Give *command* the options that choose dead letters."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_filter(options: dict[str, Any], *, state: str | None = None) -> DeadLetterFilter | None:
    """Return what the options of `choosing` ask for; None when none of them was given.

    Args:
        options: Their values by name; those of other options are passed over.
        state: The value of `state_option`, where the command has it.
    """
    given = {name: options[name] for name in (*_FIELDS, *_TIMES) if options[name] is not None}
    if not given:
        return None
    if "reason" in given:
        given["reason"] = Reason(given["reason"])
    return DeadLetterFilter(**given, state=read_state(state))


def write_options(options: dict[str, Any]) -> list[str]:
    """Return the options of `choosing` as one would write them.

    Args:
        options: As for `read_filter`.
    """
    names = {"event_type": "type", "event_id": "event"}
    return [
        f"--{names.get(name, name)}={iso(options[name]) if name in _TIMES else options[name]}"
        for name in (*_FIELDS, *_TIMES)
        if options[name] is not None
    ]


def read_state(state: str | None) -> State | None:
    """Return the state that *state* names; None for any."""
    return None if state in {None, ALL_STATES} else State(state)


def cursor_of(summary: DeadLetterSummary) -> str:
    """Return what ``--after`` takes to go on behind a dead letter."""
    return f"{summary.cursor.died_at!r},{summary.cursor.id}"


def read_cursor(text: str) -> Cursor:
    """Read what `cursor_of` wrote.

    Raises:
        click.UsageError: When it is none.
    """
    died_at, separator, identity = text.partition(",")
    try:
        if separator:
            return Cursor(float(died_at), identity)
    except ValueError:
        pass
    message = f"--after {text!r} is no cursor of this listing: take it from the page before"
    raise click.UsageError(message)
