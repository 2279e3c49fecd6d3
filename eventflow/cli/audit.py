"""`eventflow audit`: who did what to the running system, and when."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from eventflow.cli.listing import Column, Page, paging, show_listing
from eventflow.cli.output import json_option
from eventflow.cli.times import MOMENT, iso, moment
from eventflow.settings import load_settings
from eventflow.store import open_engine, store_exists
from eventflow.store.audit import AuditEntry, AuditFilter, AuditStore
from eventflow.units import system_clock

__all__ = ["audit"]

_MOST_FACTS = 100  # characters of the facts in a row


@click.group()
def audit() -> None:
    """See who redrove, purged, paused or replayed what, and when."""


@audit.command("list")
@click.option("--who", help="Only this person's.")
@click.option("--what", help="Only this deed, such as 'targets pause', or all that begin so.")
@click.option("--target", help="Only to this target.")
@click.option(
    "--since", type=MOMENT, help="Done since: how long ago, such as 2h, or a date or time."
)
@click.option("--until", type=MOMENT, help="Done until, likewise.")
@paging()
@json_option
def list_audit(
    *,
    who: str | None,
    what: str | None,
    target: str | None,
    since: float | None,
    until: float | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List what people did, the newest first."""
    filters = AuditFilter(who=who, what=what, target=target, since=since, until=until)
    with _opened() as store:
        cursor = store.find(after).cursor if store is not None and after else None
        found = list(store.list(filters, limit=limit + 1, after=cursor)) if store else []
    more = found[limit - 1].id if len(found) > limit else ""
    now = system_clock()
    show_listing(
        Page(found[:limit], more),
        [
            Column("when", lambda entry: moment(entry.at, now)),
            Column("who", lambda entry: entry.who),
            Column("what", lambda entry: entry.what),
            Column("target", lambda entry: entry.target or "-"),
            Column("#count", lambda entry: f"{entry.count:,}"),
            Column("facts", _facts_of, most=_MOST_FACTS),
        ],
        document=_document_of,
        as_json=as_json,
        empty="Nothing was noted.",
    )


@contextmanager
def _opened() -> Iterator[AuditStore | None]:
    """Give the audit of the settings; None where there is no store, which looking does not make."""
    url = load_settings().store_url
    if not store_exists(url):
        yield None
        return
    engine = open_engine(url)
    try:
        yield AuditStore(engine)
    finally:
        engine.dispose()


def _document_of(entry: AuditEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "who": entry.who,
        "what": entry.what,
        "target": entry.target,
        "count": entry.count,
        "facts": dict(entry.facts),
    }


def _facts_of(entry: AuditEntry) -> str:
    return ", ".join(f"{name} {value}" for name, value in entry.facts.items() if value != "")
