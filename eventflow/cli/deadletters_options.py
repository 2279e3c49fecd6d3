"""The options that choose dead letters, the same for every command that takes them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from eventflow.records import Reason
from eventflow.store import DeadLetterFilter, State
from eventflow.units import parse_duration, system_clock

__all__ = ["ALL_STATES", "choosing", "read_filter", "read_moment", "read_state", "state_option"]

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

ALL_STATES = "all"
_FIELDS = ("target", "reason", "event_type", "source", "event_id", "rule", "error")
_TIMES = ("since", "until")


def read_moment(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read a time, or how long ago it was, as seconds since the epoch."""
    if value is None:
        return None
    try:
        return system_clock() - parse_duration(value)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = (
            f"{value!r} is neither how long ago, such as 2h or 3d, nor a time with its zone, such "
            "as 2026-11-23T19:56:00Z"
        )
        raise click.BadParameter(message, ctx, parameter)
    return moment.timestamp()


_OPTIONS = (
    click.option("--target", help="Only this target's."),
    click.option(
        "--reason",
        type=click.Choice([reason.value for reason in Reason]),
        help="Only those that died for this reason.",
    ),
    click.option("--type", "event_type", help="Only events of this type."),
    click.option("--source", help="Only events of this source."),
    click.option("--event", "event_id", metavar="ID", help="Only those of this event."),
    click.option("--rule", help="Only those of this rule."),
    click.option("--error", help="Only those whose error contains this, in any case."),
    click.option(
        "--since",
        metavar="TIME",
        callback=read_moment,
        help="Died since: how long ago, such as 2h, or an RFC 3339 time.",
    ),
    click.option("--until", metavar="TIME", callback=read_moment, help="Died until, likewise."),
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


def read_state(state: str | None) -> State | None:
    """Return the state that *state* names; None for any."""
    return None if state in {None, ALL_STATES} else State(state)
