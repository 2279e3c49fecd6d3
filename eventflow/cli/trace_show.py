"""What `eventflow trace` does: it finds the event, and shows its story, or those that it found."""

from dataclasses import dataclass, replace

import click

from eventflow.cli.listing import Column, Page, show_listing
from eventflow.cli.output import print_json, say
from eventflow.cli.progress import show_progress
from eventflow.cli.times import moment
from eventflow.cli.trace_follow import Following
from eventflow.cli.trace_json import found_document, story_document
from eventflow.cli.trace_lines import head_lines, story_lines
from eventflow.events import split_delivery_id, split_ledger_id
from eventflow.settings import Settings, load_settings
from eventflow.story.conditions import Condition
from eventflow.story.found import Found, Search
from eventflow.story.gathering import gather
from eventflow.story.identifying import find_by_id
from eventflow.story.searching import Wanted, find_where
from eventflow.story.sources import Sources, open_sources
from eventflow.story.story import Story
from eventflow.story.telling import tell
from eventflow.units import system_clock

__all__ = ["Asked", "show_trace"]


_HEADINGS = ("event ", "rules", "deliveries", "timeline")
_COLOURS = {
    "  matches ": "green",
    "  no match ": "yellow",
    "    dead letter ": "red",
    "note ": "yellow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked on the command line.

    Attributes:
        event: An event's id, or its beginning; None where conditions are given.
        conditions: What the event's fields must have.
        bus: Its bus; None for any.
        event_type: Its type; None for any.
        since: Accepted since, seconds since the epoch; None for any time.
        limit: The most events to list.
        replay_name: The replay that is asked about; None for all.
        all_rules: Whether to explain every rule.
        follow: Whether to show what comes.
        as_json: Whether to print JSON.
    """

    event: str | None
    conditions: tuple[Condition, ...]
    bus: str | None
    event_type: str | None
    since: float | None
    limit: int
    replay_name: str | None
    all_rules: bool
    follow: bool
    as_json: bool


def show_trace(asked: Asked) -> int:
    """Find what was asked for, and show it.

    Args:
        asked: What was asked.

    Returns:
        The exit code: 1 where nothing was found, or several begin with the id.
    """
    settings = load_settings()
    with open_sources(settings) as sources:
        search = _search(sources, asked)
        _say_gaps(search)
        if not search.found:
            _say_none(asked.event, search, asked.bus)
            return 1
        if len(search.found) > 1:
            _list(search.found, asked)
            return 0 if asked.event is None else 1
        name = asked.replay_name
        if name is None and asked.event is not None:
            name = _replay_in(asked.event)
        telling = _Telling(sources, search.found[0], name)
        story = telling.tell()
        if not story.runs and name is not None:
            say(f"The event is there, and no replay {name!r} of it.", style="red")
            return 1
        if asked.follow:
            _follow(telling, story, settings, asked)
        elif asked.as_json:
            print_json(story_document(story, settings))
        else:
            for line in story_lines(story, settings, all_rules=asked.all_rules):
                _echo(line)
    return 0


def _search(sources: Sources, asked: Asked) -> Search:
    if asked.event is not None:
        return find_by_id(sources, asked.event, asked.bus)
    wanted = Wanted(
        conditions=asked.conditions,
        bus=asked.bus,
        since=asked.since,
        type=asked.event_type,
        limit=asked.limit,
    )
    with show_progress("looked at", quiet=asked.as_json) as progress:
        return find_where(sources, wanted, looked=progress.reach)


class _Telling:
    """Tells one event's story, as often as it is asked to."""

    def __init__(self, sources: Sources, found: Found, replay_name: str | None) -> None:
        self._sources = sources
        self._found = found
        self._replay_name = replay_name
        self._told: Story | None = None

    def tell(self) -> Story:
        """Ask every place anew; the rules once, since neither they nor the event's content change."""
        evidence = gather(self._sources, self._found.event_id, self._found.bus)
        answers = self._told.answers if self._told is not None else None
        self._told = story = tell(evidence, *self._sources.rules(), answers=answers)
        if self._replay_name is None:
            return story
        runs = tuple(run for run in story.runs if run.replay_name == self._replay_name)
        return replace(story, runs=runs)


def _follow(telling: _Telling, story: Story, settings: Settings, asked: Asked) -> None:
    if not asked.as_json:
        for line in head_lines(story, settings, all_rules=asked.all_rules):
            _echo(line)
        _echo("")
        _echo("timeline")
    try:
        Following(story, settings, as_json=asked.as_json).run(story, telling.tell)
    except KeyboardInterrupt:
        say("Not followed any longer; the event goes on.")


def _echo(line: str) -> None:
    """Print a line of a story; on a terminal with what stands out, and what went wrong, in colour."""
    colour = next((colour for start, colour in _COLOURS.items() if line.startswith(start)), None)
    is_heading = line.startswith(_HEADINGS)
    click.secho(line, fg=colour, bold=is_heading or None)


def _replay_in(text: str) -> str | None:
    """Return the replay that an id names: an event's in a replay, or of a delivery of it."""
    _, name = split_ledger_id(text)
    if name is None or ":" not in name:
        return name
    return split_ledger_id(split_delivery_id(text)[0])[1]


def _list(found: list[Found], asked: Asked) -> None:
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
        as_json=asked.as_json,
        empty="",
    )
    say(f"{len(found)} events; `eventflow trace EVENT-ID` (and --bus) shows one.")
    if asked.event is None and len(found) == asked.limit:
        say(f"These are the newest {asked.limit}; --limit shows more.")


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
