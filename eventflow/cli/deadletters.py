"""`eventflow deadletters`: list what died, show one, send it again, or delete it."""

from dataclasses import replace
from typing import Any

import click

from eventflow.cli.actor import record_audit
from eventflow.cli.deadletters_groups import groups
from eventflow.cli.deadletters_options import (
    choosing,
    cursor_of,
    read_cursor,
    read_filter,
    read_state,
    state_option,
    write_options,
)
from eventflow.cli.deadletters_redrive import redrive
from eventflow.cli.deadletters_store import (
    agreed,
    all_option,
    chosen,
    dry_option,
    letters,
    opened,
    yes_option,
)
from eventflow.cli.deadletters_view import advice_of, columns_of, document_of, story_of
from eventflow.cli.flower import flower_link
from eventflow.cli.listing import Page, paging, print_rows, show_listing
from eventflow.cli.output import json_option, print_json, say
from eventflow.settings import load_settings
from eventflow.store import DeadLetterFilter, DeadLetterStore
from eventflow.units import system_clock

__all__ = ["deadletters"]


@click.group()
def deadletters() -> None:
    """See what could not be delivered, send it again, or delete it."""


deadletters.add_command(groups)
deadletters.add_command(redrive)


@deadletters.command("list")
@choosing
@state_option
@paging(most=100_000)
@json_option
def list_letters(
    *, state: str, limit: int, after: str | None, as_json: bool, **options: Any
) -> None:
    """List dead letters, the newest death first."""
    filters = read_filter(options, state=state) or DeadLetterFilter(state=read_state(state))
    with opened() as engine:
        store = DeadLetterStore(engine)
        cursor = None if after is None else read_cursor(after)
        found = store.list(filters, limit=limit + 1, after=cursor)
        is_last = len(found) <= limit
        total = None if is_last else store.count(filters).total
    page = Page(found[:limit], "" if is_last else cursor_of(found[limit - 1]), total)
    show_listing(
        page,
        columns_of(system_clock()),
        document=document_of,
        as_json=as_json,
        empty="No dead letter matches.",
    )


@deadletters.command()
@click.argument("identity", metavar="ID")
@json_option
def show(identity: str, *, as_json: bool) -> None:
    """Show one dead letter whole, with its event's content.

    ID may be cut, as long as no other begins so.
    """
    with opened() as engine:
        store = DeadLetterStore(engine)
        stored = store.get(identity)
    link = flower_link(load_settings(), stored.id if stored.target else "")
    if as_json:
        print_json(document_of(stored) | {"flower": link or None})
        return
    for line in story_of(stored, system_clock()):
        click.echo(line)
    say(advice_of(stored))
    if link:
        say(f"In Flower: {link}")


@deadletters.command()
@click.argument("ids", metavar="[ID]...", nargs=-1)
@choosing
@state_option
@all_option
@dry_option
@yes_option
def purge(
    ids: tuple[str, ...],
    *,
    state: str,
    is_all: bool,
    dry_run: bool,
    yes: bool,
    **options: Any,
) -> None:
    """Delete dead letters for good: by ID, by filter, or --all."""
    filters = chosen(ids, read_filter(options, state=state), is_all=is_all)
    with opened() as engine:
        store = DeadLetterStore(engine)
        if ids:
            filters = DeadLetterFilter(ids=tuple(store.identify(identity) for identity in ids))
        else:
            filters = replace(filters, state=read_state(state))
        count = store.count(filters)
        if dry_run:
            found = store.list(filters)
            if found:
                print_rows(found, columns_of(system_clock()))
        if not agreed(count, "Delete", asks=not (yes or dry_run)) or dry_run:
            return
        # What somebody agreed to, and no letter that came while he thought about it.
        bounded = filters if yes else replace(filters, until=_earlier(filters.until, count.newest))
        number = store.purge(bounded, at_most=None if yes else count.total)
    if number:
        which = [*write_options(options), *ids, f"--state={state}"]
        record_audit(
            "deadletters purge",
            target=options["target"] or "",
            count=number,
            facts={"which": " ".join(which)},
        )
    say(f"{letters(number)} deleted.")


def _earlier(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)
