"""How a replay is shown: a row, JSON, its story, and what it would do."""

from collections.abc import Iterator
from typing import Any

from eventflow.cli.listing import Column
from eventflow.cli.output import visible
from eventflow.cli.times import ago, iso, moment, span
from eventflow.replay.estimate import Estimate
from eventflow.store.replay_records import ReplayState, StoredReplay

__all__ = ["columns_of", "document_of", "estimate_document", "story_of", "story_of_estimate"]

_SAID = ("archive", "rules", "targets", "sources", "types", "rate")


def columns_of(now: float) -> list[Column[StoredReplay]]:
    """Return the columns of a listing.

    Args:
        now: Seconds since the epoch.
    """
    return [
        Column("name", lambda replay: replay.name),
        Column("bus", lambda replay: replay.bus),
        Column("state", lambda replay: replay.state_at(now).value),
        Column("#done", _share),
        Column("#sent", lambda replay: f"{replay.progress.sent:,}"),
        Column("started", lambda replay: moment(replay.started_at, now)),
        Column("by", lambda replay: replay.started_by),
        Column("of", lambda replay: ", ".join(_parts(replay)), most=60),
    ]


def document_of(replay: StoredReplay, now: float) -> dict[str, Any]:
    """Return what `--json` prints.

    Args:
        replay: The replay.
        now: Seconds since the epoch.
    """
    arguments = dict(replay.arguments)
    progress = replay.progress
    return {
        "name": replay.name,
        "bus": replay.bus,
        "state": replay.state_at(now).value,
        "from": iso(arguments.pop("since", 0.0)),
        "to": iso(arguments.pop("until", 0.0)),
        **{name: value for name, value in arguments.items() if name != "bus"},
        "total": progress.total,
        "seen": progress.seen,
        "sent": progress.sent,
        "reached": iso(progress.cursor_at),
        "note": progress.note,
        "started_by": replay.started_by,
        "started_at": iso(replay.started_at),
        "updated_at": iso(replay.updated_at),
        "ended_at": iso(replay.ended_at),
        "owner": replay.owner,
    }


def story_of(replay: StoredReplay, now: float) -> Iterator[str]:
    """Yield the lines that show one replay.

    Args:
        replay: The replay.
        now: Seconds since the epoch.
    """
    arguments, progress, state = replay.arguments, replay.progress, replay.state_at(now)
    yield f"replay {replay.name} of the bus {replay.bus}: {state.value}"
    yield f"  from      {moment(arguments.get('since', 0.0), now)}"
    yield f"  to        {moment(arguments.get('until', 0.0), now)}"
    for part in _parts(replay):
        yield f"  only      {visible(part)}"
    yield f"  started   {moment(replay.started_at, now)} by {visible(replay.started_by)}"
    yield f"  seen      {progress.seen:,} of {progress.total:,} archived events ({_share(replay)})"
    yield f"  sent      {progress.sent:,}"
    if progress.cursor_at:
        yield f"  reached   {moment(progress.cursor_at, now)}"
    if progress.note:
        label = "failed" if state is ReplayState.FAILED else "waits"
        yield f"  {label:<9} {visible(progress.note)}"
    if state is ReplayState.RUNNING:
        yield f"  runs in   {visible(replay.owner)}, heard of {ago(replay.updated_at, now)}"
    elif replay.ended_at:
        yield f"  ended     {moment(replay.ended_at, now)}"


def estimate_document(found: Estimate) -> dict[str, Any]:
    """Return what `--dry-run --json` prints."""
    return {
        "seen": found.seen,
        "would_send": found.sent,
        "unmatched": found.unmatched,
        "deliveries": dict(found.by_target),
        "rules": dict(found.by_rule),
        "oldest": iso(found.oldest),
        "newest": iso(found.newest),
        "seconds": found.seconds or None,
        "sample": [
            {
                "event_id": selected.event.event_id,
                "source": selected.event.source,
                "type": selected.event.type,
                "accepted_at": iso(selected.event.accepted_at),
                "deliveries": {name: list(rules) for name, rules in selected.deliveries.items()},
            }
            for selected in found.sample
        ],
    }


def story_of_estimate(found: Estimate, now: float) -> Iterator[str]:
    """Yield the lines that tell what a replay would do.

    Args:
        found: What was found.
        now: Seconds since the epoch.
    """
    yield f"{found.sent:,} of {found.seen:,} archived events would be sent"
    if not found.sent:
        return
    yield f"  from {moment(found.oldest, now)} to {moment(found.newest, now)}"
    for target, number in found.by_target.items():
        yield f"  {number:>9,} to {target}"
    if found.unmatched:
        yield f"  {found.unmatched:>9,} that no rule matches, as the rules are here"
    yield "rules: " + (", ".join(f"{name} {n:,}" for name, n in found.by_rule.items()) or "none")
    if found.seconds:
        yield f"takes {span(found.seconds)} at this rate"
    yield "the first of them:"
    for selected in found.sample:
        event = selected.event
        yield (
            f"  {moment(event.accepted_at, now)}  {visible(event.type)} of {visible(event.source)}  "
            f"{visible(event.event_id)}  to {', '.join(selected.deliveries) or 'nobody'}"
        )


def _parts(replay: StoredReplay) -> list[str]:
    """Say what a replay is restricted to."""
    arguments = replay.arguments
    if target := arguments.get("unsent_to"):
        return [f"what {target} was not sent", *_rate(arguments)]
    parts = []
    for name in _SAID[:-1]:
        if value := arguments.get(name):
            shown = value if isinstance(value, str) else ", ".join(value)
            parts.append(f"{name} {shown}")
    if "pattern" in arguments:
        parts.append("a pattern")
    return [*parts, *_rate(arguments)]


def _rate(arguments: Any) -> list[str]:  # Any: a mapping as JSON has it
    return [f"{arguments['rate']}"] if arguments.get("rate") else []


def _share(replay: StoredReplay) -> str:
    total, seen = replay.progress.total, replay.progress.seen
    if replay.state is ReplayState.COMPLETED:
        return "100 %"
    return f"{min(99, 100 * seen // total)} %" if total else "0 %"
