"""`eventflow trace`: an event's whole story, by its id or by what its fields have."""

import click

from eventflow.cli.listing import limit_option
from eventflow.cli.output import json_option
from eventflow.cli.times import MOMENT
from eventflow.errors import EventError
from eventflow.story.conditions import Condition, read_condition

__all__ = ["trace"]


def _read_conditions(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[Condition, ...]:
    try:
        return tuple(read_condition(value) for value in values)
    except EventError as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


@click.command()
@click.argument("event", metavar="[EVENT-ID]", required=False)
@click.option(
    "--where",
    "conditions",
    metavar="FIELD=VALUE",
    multiple=True,
    callback=_read_conditions,
    help="Instead of an id: events whose field has this value, such as detail.order_id=42. "
    "Several must all fit.",
)
@click.option("--bus", help="Only on this bus; any unless given.")
@click.option("--type", "event_type", help="With --where: only events of this type.")
@click.option(
    "--since",
    type=MOMENT,
    help="With --where: accepted since: how long ago, such as 2h, or a date or time.",
)
@limit_option(default=20, most=1_000)
@click.option("--replay", "replay_name", metavar="NAME", help="Only what this replay did.")
@click.option("--all-rules", is_flag=True, help="Explain every rule, not only the nearest.")
@click.option("--follow", is_flag=True, help="Show what comes, until all deliveries are final.")
@json_option
@click.pass_context
def trace(
    ctx: click.Context,
    /,
    *,
    event: str | None,
    conditions: tuple[Condition, ...],
    bus: str | None,
    event_type: str | None,
    since: float | None,
    limit: int,
    replay_name: str | None,
    all_rules: bool,
    follow: bool,
    as_json: bool,
) -> None:
    """Tell where an event went: its rules, its deliveries, each attempt, and what waits.

    EVENT-ID may be cut, as long as no other begins so; the id of one of its deliveries does, too.
    """
    if (event is None) == (not conditions):
        message = "say which event: its id, or --where FIELD=VALUE"
        raise click.UsageError(message)
    from eventflow.cli.trace_show import Asked, show_trace  # noqa: PLC0415 - `--help` is quick

    asked = Asked(
        event=event,
        conditions=conditions,
        bus=bus,
        event_type=event_type,
        since=since,
        limit=limit,
        replay_name=replay_name,
        all_rules=all_rules,
        follow=follow,
        as_json=as_json,
    )
    ctx.exit(show_trace(asked))
