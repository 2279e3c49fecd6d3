"""`eventflow replay`: send archived events again; list, show, resume and cancel replays."""

from typing import Any

import click

from eventflow.cli.actor import record_audit, who
from eventflow.cli.listing import Page, paging, show_listing
from eventflow.cli.output import json_option, print_json, say
from eventflow.cli.progress import show_progress
from eventflow.cli.replay_options import choosing, new_name, rate_option, read_pattern
from eventflow.cli.replay_running import as_wrong_use, opened_replays, replaying, show_run
from eventflow.cli.replay_view import (
    columns_of,
    document_of,
    estimate_document,
    story_of,
    story_of_estimate,
)
from eventflow.cli.times import MOMENT, moment
from eventflow.replay.request import ReplayRequest
from eventflow.settings import load_settings
from eventflow.store import store_exists
from eventflow.store.replay_records import ReplayFilter, ReplayState, StoredReplay
from eventflow.units import system_clock

__all__ = ["replay", "show_estimate"]


@click.group(invoke_without_command=True)
@choosing
@json_option
@click.pass_context
def replay(
    context: click.Context,
    /,
    *,
    since: float | None,
    until: float | None,
    pattern: str | None,
    rate: str | None,
    name: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Send archived events again, in order of time, marked with the replay's name.

    Each event is delivered once in a replay, whether or not it was delivered before, and is not
    archived again. It may be killed at any time: `resume` goes on. Without --rule and --target, all
    rules count.
    """
    if context.invoked_subcommand is not None:
        return
    if since is None:
        message = "say from when on: --from 2h, --from 2026-11-23T19:56:00Z, --from 2026-11-23"
        raise click.UsageError(message)
    with replaying() as replayer, as_wrong_use():
        request = ReplayRequest(
            since=since,
            until=until if until is not None else replayer.now(),
            pattern=read_pattern(pattern),
            rate=rate or "",
            **chosen,
        )
        request.check(replayer.rules)
        name = name or new_name(system_clock())
        if dry_run:
            show_estimate(replayer, request, name, as_json=as_json)
            return
        late = replayer.unarchived(request.bus)
        if late and until is None:
            say(f"{late:,} events are not archived yet, and so no part of it.", style="yellow")
        if not yes and not _is_agreed(request, replayer.count(request, name)):
            return
        run = replayer.start
        code = show_run(
            "replay start", lambda tell: run(request, name, who(), tell), name=name, as_json=as_json
        )
    context.exit(code)


def show_estimate(replayer: Any, request: ReplayRequest, name: str, *, as_json: bool) -> None:
    """Print what a replay would do.

    Args:
        replayer: From `replaying`.
        request: What is replayed.
        name: Its name.
        as_json: Whether to print JSON.
    """
    with show_progress("looked at", quiet=as_json) as progress:
        found = replayer.estimate(request, name, progress.reach)
    if as_json:
        print_json(estimate_document(found))
        return
    for line in story_of_estimate(found, system_clock()):
        click.echo(line)


@replay.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in ReplayState]),
    help="Only those in this state; may be repeated.",
)
@click.option("--since", type=MOMENT, help="Only those started since.")
@click.option("--bus", help="Only this bus's.")
@paging()
@json_option
def list_replays(
    *,
    states: tuple[str, ...],
    since: float | None,
    bus: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List replays, the newest first."""
    chosen = [ReplayState(state) for state in states] or None
    filters, now = ReplayFilter(bus=bus, states=chosen, since=since), system_clock()
    empty = "There was no such replay; `eventflow replay --from 2h` starts one."
    if not store_exists(load_settings().store_url):
        page: Page[StoredReplay] = Page([])
    else:
        with opened_replays() as store:
            cursor = store.get(after).cursor if after is not None else None
            found = store.list(filters, now=now, limit=limit + 1, after=cursor)
            total = store.count(filters, now=now)
        shown = found[:limit]
        page = Page(shown, shown[-1].name if len(found) > limit else "", total)
    show_listing(
        page,
        columns_of(now),
        document=lambda one: document_of(one, now),
        as_json=as_json,
        empty=empty,
    )


@replay.command("show")
@click.argument("name")
@json_option
def show_replay(name: str, *, as_json: bool) -> None:
    """Show one replay: what it sends, how far it is, and who runs it."""
    with opened_replays() as store:
        found = store.get(name)
    now = system_clock()
    if as_json:
        print_json(document_of(found, now))
        return
    for line in story_of(found, now):
        click.echo(line)
    if found.state_at(now) in {ReplayState.INTERRUPTED, ReplayState.FAILED}:
        say(f"`eventflow replay resume {name}` goes on.")


@replay.command("cancel")
@click.argument("name")
@click.pass_context
def cancel_replay(context: click.Context, /, name: str) -> None:
    """End a replay for good; whichever machine runs it stops within a second or so.

    What it sent already is delivered.
    """
    with opened_replays() as store:
        is_cancelled = store.cancel(name, system_clock())
        found = store.get(name)
    if not is_cancelled:
        say(f"The replay {name} was {found.state.value} already.")
        context.exit(1)
    record_audit("replay cancel", count=found.progress.sent, facts={"replay": name})
    say(f"The replay {name} is cancelled; it had sent {found.progress.sent:,} events.")


@replay.command("resume")
@click.argument("name")
@rate_option
@json_option
@click.pass_context
def resume_replay(context: click.Context, /, name: str, *, rate: str | None, as_json: bool) -> None:
    """Go on with a replay that was interrupted, killed, or has failed.

    At the rate that it was started with, unless --rate says another.
    """
    with replaying() as replayer, as_wrong_use():
        code = show_run(
            "replay resume",
            lambda tell: replayer.resume(name, tell, rate),
            name=name,
            as_json=as_json,
            done=replayer.replays.get(name).progress.seen,
        )
    context.exit(code)


def _is_agreed(request: ReplayRequest, number: int) -> bool:
    if not number:
        say("The archive holds no event that it could concern.")
        return False
    now = system_clock()
    whom = ", ".join(request.targets) or "all targets"
    say(f"{number:,} archived events, to {whom}; --dry-run tells which would be sent:")
    say(f"  from {moment(request.since, now)} to {moment(request.until, now)}")
    is_agreed = click.confirm("Replay them?", err=True)
    if not is_agreed:
        say("Nothing was done.")
    return is_agreed
