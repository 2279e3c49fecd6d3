"""`eventflow audit`: who did what to the running system, and when."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from eventflow.cli.output import json_option, print_json, print_table, say
from eventflow.cli.times import MOMENT, moment
from eventflow.settings import load_settings
from eventflow.store import open_engine, store_exists
from eventflow.store.audit import AuditEntry, AuditFilter, AuditStore
from eventflow.units import format_time, system_clock

__all__ = ["audit"]

_COLUMNS = ("when", "who", "what", "target", "#count", "facts")
_MOST_FACTS = 100  # characters of the facts in a row


@click.group()
def audit() -> None:
    """See who redrove, purged, paused or replayed what, and when."""


@audit.command("list")
@click.option("--who", help="Only this person's.")
@click.option("--what", help="Only this deed, such as 'targets pause', or all that begin so.")
@click.option("--target", help="Only to this target.")
@click.option(
    "--since",
    type=MOMENT,
    help="Done since: how long ago, such as 2h, or an RFC 3339 time.",
)
@click.option("--until", type=MOMENT, help="Done until, likewise.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most."
)
@click.option("--after", metavar="ID", help="Go on after this entry: the next page.")
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
    page = found[:limit]
    if as_json:
        print_json([_document_of(entry) for entry in page])
    elif page:
        now = system_clock()
        print_table(_COLUMNS, [_row_of(entry, now) for entry in page])
    else:
        say("Nothing was noted.")
    if len(found) > limit:
        say(f"More are there: --after {page[-1].id} shows the next page.")


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
        "at": format_time(entry.at),
        "who": entry.who,
        "what": entry.what,
        "target": entry.target,
        "count": entry.count,
        "facts": dict(entry.facts),
    }


def _row_of(entry: AuditEntry, now: float) -> list[object]:
    facts = ", ".join(f"{name} {value}" for name, value in entry.facts.items() if value != "")
    return [
        moment(entry.at, now),
        entry.who,
        entry.what,
        entry.target or "-",
        f"{entry.count:,}",
        facts if len(facts) <= _MOST_FACTS else facts[: _MOST_FACTS - 1] + "…",
    ]
