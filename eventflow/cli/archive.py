"""`eventflow archive`: what is kept, and until when; one event whole; a key to encrypt with."""

import base64
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from eventflow.cli.archive_view import (
    cursor_of,
    document_of,
    event_columns,
    gather,
    line_columns,
    line_document,
    read_cursor,
    story_of,
    text_of,
)
from eventflow.cli.listing import Page, page_of, paging, show_listing
from eventflow.cli.output import json_option, print_json, say
from eventflow.cli.times import MOMENT
from eventflow.errors import StoreError
from eventflow.rules import Archive, load_rules
from eventflow.settings import load_settings
from eventflow.store import ArchiveFilter, ArchiveStore, open_engine, store_exists
from eventflow.units import system_clock

__all__ = ["archive"]

_CHOICES = 5  # ids to name when a beginning fits several
_KEY_BYTES = 32
_bus_option = click.option("--bus", help="Only of this bus.")


@click.group()
def archive() -> None:
    """See the events that are kept.

    Which those are is said in the rule files, under `archives:`.
    """


@archive.command("list")
@_bus_option
@paging()
@json_option
def list_archives(bus: str | None, limit: int, after: str | None, *, as_json: bool) -> None:
    """List the archives, with what each of them holds.

    It looks at every archived event, which takes some seconds for each million. An event that
    several archives hold counts in each, and is stored once. One that has no retention is in no
    rule file here: its events are kept until their time.
    """
    with _opened() as store:
        holdings = store.holdings() if store is not None else []
    lines = gather(_archives(), holdings)
    chosen = [line for line in lines if bus is None or line.bus == bus]
    show_listing(
        page_of(chosen, cursor=lambda line: f"{line.bus}/{line.name}", limit=limit, after=after),
        line_columns(system_clock()),
        document=line_document,
        as_json=as_json,
        empty="No archives: write some under `archives:` in a rule file.",
    )


@archive.command()
@_bus_option
@click.option("--archive", "name", help="Only what this archive holds.")
@click.option("--type", "types", multiple=True, help="Only this type; may be given several times.")
@click.option("--source", "sources", multiple=True, help="Only this source, likewise.")
@click.option(
    "--since", type=MOMENT, help="Accepted since: how long ago, such as 2h, or a date or time."
)
@click.option("--until", type=MOMENT, help="Accepted before that, likewise.")
@paging()
@json_option
def events(
    *,
    bus: str | None,
    name: str | None,
    types: tuple[str, ...],
    sources: tuple[str, ...],
    since: float | None,
    until: float | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List archived events, the newest first."""
    filters = ArchiveFilter(
        bus=bus,
        archive=name,
        since=since,
        until=until,
        sources=sources or None,
        types=types or None,
    )
    cursor = None if after is None else read_cursor(after)
    with _opened() as store:
        found = (
            store.list(filters, after=cursor, limit=limit + 1, newest_first=True)
            if store is not None
            else []
        )
    shown = found[:limit]
    show_listing(
        Page(shown, cursor_of(shown[-1]) if len(found) > limit else ""),
        event_columns(system_clock()),
        document=document_of,
        as_json=as_json,
        empty="No archived event matches.",
    )


@archive.command()
@click.argument("event_id", metavar="EVENT-ID")
@_bus_option
@json_option
def show(event_id: str, bus: str | None, *, as_json: bool) -> None:
    """Show one archived event whole, with its content.

    EVENT-ID may be cut, as long as no other begins so.
    """
    with _opened() as store:
        if store is None:
            raise _unknown(event_id, ())
        event = store.get(event_id, bus)
        if event is None:
            similar = store.find(event_id, bus, limit=_CHOICES + 1)
            event = store.get(similar[0], bus) if len(similar) == 1 else None
            if event is None:
                raise _unknown(event_id, similar)
    if as_json:
        print_json(document_of(event))
        return
    for line in story_of(event, system_clock()):
        click.echo(line)
    click.echo()
    click.echo(text_of(event))


@archive.command()
def key() -> None:
    """Print a new key for EVENTFLOW_ARCHIVE_KEY.

    Keep it where secrets are kept: without it, what was archived with it cannot be read.
    """
    click.echo(base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode())


def _archives() -> tuple[Archive, ...]:
    """Return the archives of the rule files; none on a machine that has no rule files."""
    path = load_settings().rules
    return load_rules(path).archives if path.exists() else ()


@contextmanager
def _opened() -> Iterator[ArchiveStore | None]:
    """Give the archive of the settings; None where there is no store, which looking does not make."""
    settings = load_settings()
    if not store_exists(settings.store_url):
        yield None
        return
    engine = open_engine(settings.store_url)
    try:
        yield ArchiveStore(engine, settings.archive_keys)
    finally:
        engine.dispose()


def _unknown(event_id: str, similar: Sequence[str]) -> StoreError:
    if not similar:
        say("`eventflow archive events` lists what is archived.")
        return StoreError(f"no archived event has the id {event_id!r}, or one that begins so")
    names = ", ".join(similar[:_CHOICES]) + (", …" if len(similar) > _CHOICES else "")
    return StoreError(
        f"{event_id!r} is the beginning of several archived events' ids: {names}: write more of it"
    )
