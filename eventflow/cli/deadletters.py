"""`eventflow deadletters`: list what died, show one, send it again, or delete it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import click

from eventflow.cli.deadletters_options import (
    choosing,
    cursor_of,
    read_cursor,
    read_filter,
    read_state,
    state_option,
)
from eventflow.cli.deadletters_redrive import (
    Outcome,
    Redriven,
    Redriver,
    batches_of,
    preview,
    redrive_letters,
)
from eventflow.cli.deadletters_view import (
    advice_of,
    columns_of,
    document_of,
    groups_of,
    story_of,
)
from eventflow.cli.flower import flower_link
from eventflow.cli.listing import Page, paging, print_rows, show_listing
from eventflow.cli.output import json_option, print_json, print_table, say
from eventflow.errors import EventflowError
from eventflow.settings import load_settings
from eventflow.store import (
    DeadLetterCount,
    DeadLetterFilter,
    DeadLetterStore,
    State,
    StoredDeadLetter,
    open_engine,
    store_exists,
)
from eventflow.units import system_clock

__all__ = ["deadletters"]

all_option = click.option("--all", "is_all", is_flag=True, help="All of them.")
dry_option = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


@click.group()
def deadletters() -> None:
    """See what could not be delivered, send it again, or delete it."""


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
    with _opened() as store:
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
    with _opened() as store:
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
@all_option
@click.option("--limit", type=click.IntRange(1), help="At most so many, the newest deaths first.")
@dry_option
@yes_option
@json_option
@click.pass_context
def redrive(
    ctx: click.Context,
    /,
    ids: tuple[str, ...],
    *,
    is_all: bool,
    limit: int | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Send dead letters to their targets again, each with a fresh budget.

    By ID, by filter, or --all. It asks first, unless IDs are given. It may be repeated: what is on
    its way is not sent twice.
    """
    filters = _chosen(ids, read_filter(options), is_all=is_all)
    with _opened() as store:
        if ids:
            batches: Iterable[list[StoredDeadLetter]] = [_all_of(store, ids)]
        else:
            dead = replace(filters, state=State.DEAD)
            if not _agreed(store.count(dead), "Send", limit=limit, asks=not (yes or dry_run)):
                return
            batches = batches_of(store, dead, limit)
        told: list[Redriven] = []
        try:
            if dry_run:
                told.extend(preview(batches))
            else:
                with _sending() as flow:
                    for item in redrive_letters(store, flow, batches):
                        told.append(item)  # noqa: PERF402 - what was told before an error is kept
        except EventflowError:
            _report(told, as_json=as_json)
            say("Then it failed. Call it again when that is mended: nothing is sent twice.")
            raise
    _report(told, as_json=as_json)
    if ids and any(item.outcome is Outcome.REFUSED for item in told):
        ctx.exit(1)


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
    filters = _chosen(ids, read_filter(options, state=state), is_all=is_all)
    with _opened() as store:
        if ids:
            filters = DeadLetterFilter(ids=tuple(store.identify(identity) for identity in ids))
        else:
            filters = replace(filters, state=read_state(state))
        count = store.count(filters)
        if dry_run:
            found = store.list(filters)
            if found:
                print_rows(found, columns_of(system_clock()))
        if not _agreed(count, "Delete", limit=None, asks=not (yes or dry_run)) or dry_run:
            return
        # What somebody agreed to, and no letter that came while he thought about it.
        bounded = filters if yes else replace(filters, until=_earlier(filters.until, count.newest))
        number = store.purge(bounded, at_most=None if yes else count.total)
    say(f"{_letters(number)} deleted.")


@contextmanager
def _opened() -> Iterator[DeadLetterStore]:
    """Give the store of the settings; an empty one where nothing was ever recorded."""
    url = load_settings().store_url
    with ExitStack() as stack:
        if not store_exists(url):
            # Looking must not make a store in whatever folder one happens to stand.
            say(f"There is no store yet ({url.removeprefix('sqlite:///')}): nothing was recorded.")
            place = stack.enter_context(TemporaryDirectory(prefix="eventflow-"))
            url = f"sqlite:///{place}/empty.db"
        engine = open_engine(url)
        stack.callback(engine.dispose)
        yield DeadLetterStore(engine)


@contextmanager
def _sending() -> Iterator[Redriver]:
    """Give what sends dead letters again; the embedded server runs meanwhile, if it is the one."""
    from eventflow.app import EventFlow  # noqa: PLC0415 - the other commands need no Celery
    from eventflow.embedded import running_server  # noqa: PLC0415

    flow = EventFlow()
    with ExitStack() as stack:
        is_alone = False
        if flow.settings.embedded:
            is_alone = stack.enter_context(running_server(flow.settings)).owned
        yield flow
    if is_alone:
        say("Nothing runs here now: `eventflow up` delivers what was sent.")


def _chosen(
    ids: tuple[str, ...], filters: DeadLetterFilter | None, *, is_all: bool
) -> DeadLetterFilter:
    """Return the filter; refuse what says nothing, or two things at once."""
    if sum((bool(ids), filters is not None, is_all)) != 1:
        message = "say which: IDs, or filters such as --target, or --all"
        raise click.UsageError(message)
    return filters if filters is not None else DeadLetterFilter()


def _all_of(store: DeadLetterStore, ids: tuple[str, ...]) -> list[StoredDeadLetter]:
    """Return each letter once, or raise before anything is done to any of them."""
    found = [store.get(identity) for identity in ids]
    return list({stored.id: stored for stored in found}.values())


def _agreed(count: DeadLetterCount, deed: str, *, limit: int | None, asks: bool) -> bool:
    """Say what fits, and ask; False where nothing does, or the answer is no."""
    if not count.total:
        say("No dead letter matches.")
        return False
    say(f"{_letters(count.total)} {'matches' if count.total == 1 else 'match'}:")
    for line in groups_of(count):
        say(line)
    if not asks:
        return True
    number = count.total if limit is None else min(limit, count.total)
    is_agreed = click.confirm(f"{deed} {number:,} of them?", err=True)
    if not is_agreed:
        say("Nothing was done.")
    return is_agreed


def _report(told: Sequence[Redriven], *, as_json: bool) -> None:
    """Print what became of each, and how many of which."""
    if as_json:
        print_json(
            [
                {
                    "id": item.letter.id,
                    "target": item.letter.target,
                    "event_type": item.letter.event_type,
                    "outcome": item.outcome.value,
                    "why": item.why,
                }
                for item in told
            ]
        )
    elif told:
        print_table(
            ("id", "target", "type", "outcome", "why"),
            [
                (
                    item.letter.id,
                    item.letter.target or "-",
                    item.letter.event_type or "-",
                    item.outcome.value,
                    item.why,
                )
                for item in told
            ],
        )
    numbers = Counter(item.outcome for item in told)
    parts = [f"{numbers[outcome]:,} {outcome.value}" for outcome in Outcome if numbers[outcome]]
    say(f"{', '.join(parts) or 'None was redriven'}.")


def _earlier(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)


def _letters(number: int) -> str:
    return "1 dead letter" if number == 1 else f"{number:,} dead letters"
