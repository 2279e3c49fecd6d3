"""`eventflow deadletters redrive`: some by their ids at once, or many as a plan."""

from typing import Any

import click
from sqlalchemy import Engine

from eventflow.cli.deadletters_follow import follow, send_now
from eventflow.cli.deadletters_options import choosing, read_filter, write_options
from eventflow.cli.deadletters_plan import report_sent
from eventflow.cli.deadletters_store import (
    all_option,
    chosen,
    dry_option,
    groups_of,
    opened,
    sending,
    yes_option,
)
from eventflow.cli.output import json_option
from eventflow.cli.quantities import DURATION, RATE
from eventflow.redrive import Outcome, Pace, make_plan, preview
from eventflow.settings import load_settings
from eventflow.store import DeadLetterFilter, DeadLetterStore
from eventflow.units import Rate

__all__ = ["redrive"]


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--id", "more_ids", metavar="ID", multiple=True, help="As ID; may be repeated.")
@choosing
@all_option
@click.option("--limit", type=click.IntRange(1), help="At most so many, the newest deaths first.")
@dry_option
@click.option(
    "--canary",
    type=click.IntRange(0),
    help="Send so many of each target first, and wait how they fare; 1 of 100 unless said, 10 at "
    "most.",
)
@click.option(
    "--rate", type=RATE, default="100/s", show_default=True, help="Send the rest so quickly."
)
@click.option(
    "--max-failures",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    default=10.0,
    show_default=True,
    help="Stop when more of the last outcomes are failures.",
)
@click.option(
    "--wait",
    type=DURATION,
    default="1m",
    show_default=True,
    help="Wait so long while there is no outcome at all.",
)
@click.option("--no-watch", is_flag=True, help="Send all at once, and do not look how they fare.")
@click.option("--force", is_flag=True, help="Send also what was redriven too often.")
@yes_option
@json_option
@click.pass_context
def redrive(
    ctx: click.Context,
    /,
    ids: tuple[str, ...],
    *,
    more_ids: tuple[str, ...],
    is_all: bool,
    limit: int | None,
    dry_run: bool,
    canary: int | None,
    rate: Rate,
    max_failures: float,
    wait: float,
    no_watch: bool,
    force: bool,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Send dead letters to their targets again, each with a fresh budget.

    By ID they are sent as they are. By filter, or with --all, it is a plan: it says what would go
    and asks, sends a canary, waits how it fares, sends the rest at a rate, and stops when failures
    come back (exit code 1). It may be repeated, whatever cut it off: nothing is sent twice.
    """
    ids = (*ids, *more_ids)
    filters = chosen(ids, read_filter(options), is_all=is_all)
    most_redrives = None if force else load_settings().max_redrives
    pace = Pace(rate.count / rate.seconds, wait, max_failures / 100)
    with opened() as engine:
        if ids and canary is None:
            is_well = _by_id(engine, ids, most_redrives, dry_run=dry_run, as_json=as_json)
        else:
            store = DeadLetterStore(engine)
            if ids:
                filters = DeadLetterFilter(ids=tuple(store.identify(item) for item in ids))
            plan = make_plan(
                store,
                groups_of(engine, quiet=as_json),
                filters,
                limit=limit,
                canary=canary,
                most_redrives=most_redrives,
            )
            is_well = follow(
                store,
                plan,
                pace,
                which=[f"--canary={canary}", *ids] if ids else write_options(options),
                asks=not (yes or dry_run),
                is_dry=dry_run,
                is_watched=not no_watch,
                as_json=as_json,
            )
    if not is_well:
        ctx.exit(1)


def _by_id(
    engine: Engine,
    ids: tuple[str, ...],
    most_redrives: int | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> bool:
    """Send letters as they are; False where one of them was asked for and cannot go."""
    store = DeadLetterStore(engine)
    # All are looked up before anything is done to any of them.
    found = {stored.id: stored for stored in [store.get(identity) for identity in ids]}
    batch = list(found.values())
    if dry_run:
        told = list(preview([batch], most_redrives=most_redrives))
        report_sent(told, as_json=as_json)
    else:
        with sending(store) as sender:
            told = send_now(
                store, sender, [batch], most_redrives=most_redrives, which=ids, as_json=as_json
            )
    return not any(item.outcome is Outcome.REFUSED for item in told)
