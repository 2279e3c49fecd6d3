"""How archives and archived events look: as rows, as JSON, and one event as its whole story."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from eventflow.cli.listing import Column
from eventflow.cli.output import visible
from eventflow.cli.times import iso, moment
from eventflow.rules import Archive
from eventflow.rules.archives import FOREVER
from eventflow.store import ArchiveCursor, ArchivedEvent, ArchivedSummary, ArchiveHolding
from eventflow.units import format_duration

__all__ = [
    "ArchiveLine",
    "cursor_of",
    "document_of",
    "event_columns",
    "gather",
    "line_columns",
    "line_document",
    "read_cursor",
    "story_of",
    "text_of",
]

_STEP = 1024
_FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class ArchiveLine:
    """One archive, and what it holds.

    Attributes:
        bus: Its bus.
        name: Its name.
        archive: What the rule files say of it; None where they do not name it any more.
        events: How many events it holds.
        oldest: When the oldest was accepted, seconds since the epoch; 0 where there is none.
        newest: When the newest was; likewise.
        size: Bytes that its events have.
        stored: Bytes that they take in the store.
    """

    bus: str
    name: str
    archive: Archive | None = None
    events: int = 0
    oldest: float = 0.0
    newest: float = 0.0
    size: int = 0
    stored: int = 0


def gather(archives: Sequence[Archive], holdings: Iterable[ArchiveHolding]) -> list[ArchiveLine]:
    """Bring together what the rule files say and what is stored.

    Args:
        archives: Those of the rule files.
        holdings: What is stored.

    Returns:
        A line for each archive of each bus, sorted.
    """
    lines = {
        (archive.bus, archive.name): ArchiveLine(archive.bus, archive.name, archive)
        for archive in archives
    }
    for holding in holdings:
        for name in holding.archives:
            key = (holding.bus, name)
            lines[key] = _add(lines.get(key, ArchiveLine(holding.bus, name)), holding)
    return [lines[key] for key in sorted(lines)]


def _add(line: ArchiveLine, holding: ArchiveHolding) -> ArchiveLine:
    return replace(
        line,
        events=line.events + holding.events,
        oldest=min(line.oldest or holding.oldest, holding.oldest),
        newest=max(line.newest, holding.newest),
        size=line.size + holding.size,
        stored=line.stored + holding.stored,
    )


def line_columns(now: float) -> list[Column[ArchiveLine]]:
    """Return the columns of a table of archives.

    Args:
        now: Seconds since the epoch.
    """
    return [
        Column("archive", lambda line: line.name),
        Column("bus", lambda line: line.bus),
        Column("state", _state),
        Column("retention", _retention),
        Column("#events", lambda line: f"{line.events:,}"),
        Column("oldest", lambda line: moment(line.oldest, now) if line.events else "-"),
        Column("newest", lambda line: moment(line.newest, now) if line.events else "-"),
        Column("#size", lambda line: _bytes(line.size)),
        Column("#stored", lambda line: _bytes(line.stored)),
    ]


def line_document(line: ArchiveLine) -> dict[str, object]:
    """Return what `--json` prints of an archive."""
    archive = line.archive
    has_end = archive is not None and archive.retention != FOREVER
    return {
        "archive": line.name,
        "bus": line.bus,
        "state": _state(line),
        "description": archive.description if archive is not None else "",
        "owner": archive.owner if archive is not None else "",
        "pattern": archive.pattern.source if archive is not None else None,
        "retention": archive.retention if archive is not None and has_end else None,
        "events": line.events,
        "oldest": iso(line.oldest),
        "newest": iso(line.newest),
        "size": line.size,
        "stored": line.stored,
    }


def event_columns(now: float) -> list[Column[ArchivedSummary]]:
    """Return the columns of a table of archived events.

    Args:
        now: Seconds since the epoch.
    """
    return [
        Column("id", lambda event: event.event_id),
        Column("bus", lambda event: event.bus),
        Column("source", lambda event: event.source),
        Column("type", lambda event: event.type),
        Column("accepted", lambda event: moment(event.accepted_at, now)),
        Column("archives", lambda event: ", ".join(event.archives)),
        Column("#size", lambda event: _bytes(event.size)),
    ]


def document_of(event: ArchivedSummary) -> dict[str, Any]:
    """Return what `--json` prints of an event; with its content where the store gave it so."""
    document: dict[str, Any] = {
        "id": event.event_id,
        "bus": event.bus,
        "source": event.source,
        "type": event.type,
        "accepted_at": iso(event.accepted_at),
        "archives": list(event.archives),
        "targets": list(event.targets),
        "kept_until": None if event.kept_until == FOREVER else iso(event.kept_until),
        "size": event.size,
    }
    if isinstance(event, ArchivedEvent):
        document["event"] = json.loads(event.body)
    return document


def story_of(event: ArchivedEvent, now: float) -> Iterator[str]:
    """Tell what is known of an event, line by line.

    Args:
        event: The event.
        now: Seconds since the epoch.
    """
    until = _FOREVER if event.kept_until == FOREVER else moment(event.kept_until, now)
    facts = {
        "id": event.event_id,
        "bus": event.bus,
        "source": event.source,
        "type": event.type,
        "accepted": moment(event.accepted_at, now),
        "archives": ", ".join(event.archives),
        "sent to": ", ".join(event.targets) or "-",
        "kept until": until,
        "size": _bytes(event.size),
    }
    for name, value in facts.items():
        yield visible(f"{name:<12}{value}")


def text_of(event: ArchivedEvent) -> str:
    """Return an event's content as JSON for people."""
    return visible(json.dumps(json.loads(event.body), indent=2, ensure_ascii=False))


def cursor_of(event: ArchivedSummary) -> str:
    """Return what ``--after`` takes to go on behind an event."""
    return f"{event.accepted_at!r},{event.bus},{event.event_id}"


def read_cursor(text: str) -> ArchiveCursor:
    """Read what `cursor_of` wrote.

    Raises:
        click.UsageError: When it is none.
    """
    accepted_at, _, rest = text.partition(",")
    bus, separator, event_id = rest.partition(",")
    try:
        if separator:
            return ArchiveCursor(float(accepted_at), event_id, bus)
    except ValueError:
        pass
    message = f"--after {text!r} is no cursor of this listing: take it from the page before"
    raise click.UsageError(message)


def _state(line: ArchiveLine) -> str:
    if line.archive is None:
        return "not in the rules"
    return "enabled" if line.archive.enabled else "disabled"


def _retention(line: ArchiveLine) -> str:
    if line.archive is None:
        return "-"
    retention = line.archive.retention
    return _FOREVER if retention == FOREVER else format_duration(retention)


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _STEP:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} TiB"
