"""`eventflow deadletters groups`: what failed, where, how often, and since when."""

from typing import Any

import click

from eventflow.cli.deadletters_options import choosing, read_filter, read_state, state_option
from eventflow.cli.deadletters_store import groups_of, opened
from eventflow.cli.listing import Column, Page, paging, show_listing
from eventflow.cli.output import json_option
from eventflow.cli.times import iso, moment
from eventflow.store import DeadLetterFilter
from eventflow.store.groups import FailureGroup
from eventflow.units import system_clock

__all__ = ["groups"]

_MOST_ERROR = 60  # characters of an error in a row


@click.command()
@choosing
@state_option
@paging()
@json_option
def groups(*, state: str, limit: int, after: str | None, as_json: bool, **options: Any) -> None:
    """Group dead letters by target, error and place; the largest group first.

    The message counts without its numbers and ids. `list`, `redrive` and `purge` take a group's id
    as --group.
    """
    filters = read_filter(options, state=state) or DeadLetterFilter(state=read_state(state))
    with opened() as engine:
        found = groups_of(engine, quiet=as_json).list(filters, limit=limit + 1, after=after)
    now = system_clock()
    show_listing(
        Page(found[:limit], found[limit - 1].group_id if len(found) > limit else ""),
        [
            Column("group", lambda group: group.group_id),
            Column("target", lambda group: group.target or "-"),
            Column("#count", lambda group: f"{group.count:,}"),
            Column("error", _error_of, most=_MOST_ERROR),
            Column("place", lambda group: group.place or "-"),
            Column("first seen", lambda group: moment(group.first_seen, now)),
            Column("last seen", lambda group: moment(group.last_seen, now)),
            Column("sample", lambda group: group.sample_id),
        ],
        document=_document_of,
        as_json=as_json,
        empty="No dead letter matches.",
    )


def _error_of(group: FailureGroup) -> str:
    return f"{group.error_type}: {group.error}".strip(": ") or group.reason.value


def _document_of(group: FailureGroup) -> dict[str, object]:
    return {
        "group_id": group.group_id,
        "target": group.target,
        "reason": group.reason.value,
        "error_type": group.error_type,
        "error": group.error,
        "place": group.place,
        "count": group.count,
        "first_seen": iso(group.first_seen),
        "last_seen": iso(group.last_seen),
        "sample_id": group.sample_id,
    }
