"""`eventflow trace`: an event's whole story, by its id or by what its fields have."""

from dataclasses import replace

import click

from eventflow.cli.listing import Column, Page, limit_option, show_listing
from eventflow.cli.output import json_option, print_json, say
from eventflow.cli.progress import show_progress
from eventflow.cli.times import MOMENT, moment
from eventflow.cli.trace_follow import Following
from eventflow.cli.trace_json import found_document, story_document
from eventflow.cli.trace_lines import head_lines, story_lines
from eventflow.errors import EventError
from eventflow.events import split_delivery_id, split_ledger_id
from eventflow.settings import Settings, load_settings
from eventflow.story.conditions import Condition, read_condition
from eventflow.story.found import Found, Search
from eventflow.story.gathering import gather
from eventflow.story.identifying import find_by_id
from eventflow.story.searching import Wanted, find_where
from eventflow.story.sources import Sources, open_sources
from eventflow.story.story import Story
from eventflow.story.telling import tell
from eventflow.units import system_clock

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
    settings = load_settings()
    with open_sources(settings) as sources:
        if event is not None:
            search = find_by_id(sources, event, bus)
            replay_name = replay_name or _replay_in(event)
        else:
            wanted = Wanted(
                conditions=conditions, bus=bus, since=since, type=event_type, limit=limit
            )
            with show_progress("looked at", quiet=as_json) as progress:
                search = find_where(sources, wanted, looked=progress.reach)
        _say_gaps(search)
        if not search.found:
            _say_none(event, search, bus)
            ctx.exit(1)
        if len(search.found) > 1:
            _list(search.found, as_json=as_json)
            ctx.exit(0 if event is None else 1)
        telling = _Telling(sources, search.found[0], replay_name)
        story = telling.tell()
        if not story.runs and replay_name:
            say(f"The event is there, and no replay {replay_name!r} of it.")
            ctx.exit(1)
        if follow:
            _follow(telling, story, settings, all_rules=all_rules, as_json=as_json)
        elif as_json:
            print_json(story_document(story, settings))
        else:
            for line in story_lines(story, settings, all_rules=all_rules):
                click.echo(line)


class _Telling:
    """Tells one event's story, as often as it is asked to."""

    def __init__(self, sources: Sources, found: Found, replay_name: str | None) -> None:
        self._sources = sources
        self._found = found
        self._replay_name = replay_name

    def tell(self) -> Story:
        """Ask every place anew."""
        evidence = gather(self._sources, self._found.event_id, self._found.bus)
        story = tell(evidence, *self._sources.rules())
        if self._replay_name is None:
            return story
        runs = tuple(run for run in story.runs if run.replay_name == self._replay_name)
        return replace(story, runs=runs)


def _follow(
    telling: _Telling, story: Story, settings: Settings, *, all_rules: bool, as_json: bool
) -> None:
    if not as_json:
        for line in head_lines(story, settings, all_rules=all_rules):
            click.echo(line)
        click.echo("\ntimeline")
    try:
        Following(story, settings, as_json=as_json).run(story, telling.tell)
    except KeyboardInterrupt:
        say("Not followed any longer; the event goes on.")


def _replay_in(text: str) -> str | None:
    """Return the replay that an id names: an event's in a replay, or of a delivery of it."""
    _, name = split_ledger_id(text)
    if name is None or ":" not in name:
        return name
    return split_ledger_id(split_delivery_id(text)[0])[1]


def _list(found: list[Found], *, as_json: bool) -> None:
    now = system_clock()
    show_listing(
        Page(found),
        [
            Column[Found]("event", lambda each: each.event_id),
            Column[Found]("bus", lambda each: each.bus),
            Column[Found]("type", lambda each: each.type or "-"),
            Column[Found]("source", lambda each: each.source or "-"),
            Column[Found]("accepted", lambda each: moment(each.accepted_at, now)),
            Column[Found]("found in", lambda each: each.place),
        ],
        document=found_document,
        as_json=as_json,
        empty="",
    )
    say(f"{len(found)} events; `eventflow trace EVENT-ID` (and --bus) shows one.")


def _say_gaps(search: Search) -> None:
    """Say what the search did not see."""
    for place, why in search.away.items():
        say(f"The {place} could not be asked: {why}", style="yellow")
    for place in search.cut:
        number = search.looked_at.get(place, 0)
        say(
            f"Only {number:,} were looked at in the {place}, and more are there: --since, --type "
            "and --bus narrow the search.",
            style="yellow",
        )


def _say_none(event: str | None, search: Search, bus: str | None) -> None:
    where = f"on the bus {bus}" if bus is not None else "on any bus"
    if event is not None:
        say(f"No event {where} has the id {event!r}, or one that begins so.", style="red")
        say(
            "Searched: what is in flight and what the ledger remembers (for "
            "EVENTFLOW_DEDUPLICATION_WINDOW), the journal (for EVENTFLOW_JOURNAL_RETENTION), dead "
            "letters, the archive. Was it published to another deployment, or refused?"
        )
        return
    parts = [f"{number:,} in the {place}" for place, number in search.looked_at.items()]
    say(f"No event {where} is like that.", style="red")
    say(
        f"Looked at: {', '.join(parts) or 'nothing'}. What was delivered is found in an archive "
        "alone; the rule files say what is archived."
    )
