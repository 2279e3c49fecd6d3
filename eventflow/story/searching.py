"""Finding events by what their fields have: in flight, dead, or archived."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from eventflow.store import ArchiveCursor, ArchiveFilter, Cursor, DeadLetterFilter
from eventflow.story.conditions import Condition, fits_all
from eventflow.story.found import Found, Search
from eventflow.story.identifying import MOST_IN_FLIGHT, buses_of, ids_in_flight
from eventflow.story.sources import Asking, Sources

__all__ = ["MOST_ARCHIVED", "MOST_LETTERS", "Wanted", "find_where"]

MOST_LETTERS = 20_000
"""Dead letters that a search looks at, the newest deaths first."""

MOST_ARCHIVED = 200_000
"""Archived events that it looks at, the newest first."""

_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What events are searched for.

    Attributes:
        conditions: All of them must fit.
        bus: Their bus; None for any.
        since: Accepted then or later, seconds since the epoch; None for any time.
        type: Their type; None for any.
        limit: So many at most, the newest.
    """

    conditions: tuple[Condition, ...]
    bus: str | None = None
    since: float | None = None
    type: str | None = None
    limit: int = 20

    def fits(self, event: dict[str, Any], bus: str, accepted_at: float) -> bool:  # Any: JSON
        """Whether an event is one of them.

        Args:
            event: The event by EventBridge's names.
            bus: Its bus.
            accepted_at: When it was accepted, seconds since the epoch.
        """
        is_of_type = self.type is None or event.get("detail-type") == self.type
        is_late = self.since is None or accepted_at >= self.since
        return (
            self.bus in (None, bus) and is_of_type and is_late and fits_all(self.conditions, event)
        )


def find_where(
    sources: Sources, wanted: Wanted, *, looked: Callable[[int], object] = lambda _: None
) -> Search:
    """Find events by what their fields have.

    Args:
        sources: Where to look.
        wanted: What is searched for.
        looked: Is told how many were looked at in all, now and then.

    Returns:
        The events, those accepted last first.
    """
    asking = Asking()
    searching = _Searching(sources, wanted, asking, looked)
    buses = [wanted.bus] if wanted.bus is not None else buses_of(sources, asking)
    found = asking.ask("ledger", lambda: list(searching.in_ledger(buses))) or []
    found += asking.ask("store", lambda: list(searching.in_letters())) or []
    if "store" not in asking.away:
        found += asking.ask("archive", lambda: list(searching.in_archive())) or []
    first: dict[tuple[str, str], Found] = {}
    for each in found:
        first.setdefault((each.event_id, each.bus), each)
    newest = sorted(first.values(), key=lambda each: (-each.accepted_at, each.event_id))
    cut = list(dict.fromkeys(searching.cut))
    return Search(newest[: wanted.limit], asking.away, searching.looked_at, cut)


class _Searching:
    """One search, which counts what it looks at."""

    def __init__(
        self, sources: Sources, wanted: Wanted, asking: Asking, looked: Callable[[int], object]
    ) -> None:
        self.looked_at: dict[str, int] = {}
        self.cut: list[str] = []
        self._sources = sources
        self._wanted = wanted
        self._asking = asking
        self._looked = looked

    def in_ledger(self, buses: list[str]) -> Iterator[Found]:
        """Give those in flight."""
        for bus in buses:
            ledger, ids = self._sources.ledger(bus), ids_in_flight(self._sources, bus)
            for start in range(0, len(ids), _PAGE):
                part = ids[start : start + _PAGE]
                for identity, body in ledger.bodies(part):
                    event = _read(body)
                    if event is not None and fits_all(self._wanted.conditions, event):
                        sight = ledger.look(identity, ())
                        at = sight.accepted_at if sight is not None else 0.0
                        yield from self._fitting(event, bus, at, "ledger")
                self._count("ledger", len(part))
            if len(ids) >= MOST_IN_FLIGHT:
                self.cut.append("ledger")

    def in_letters(self) -> Iterator[Found]:
        """Give those that have a dead letter."""
        store = self._sources.letters
        if store is None:
            return
        # Who died since may have been accepted before, so this only spares the older deaths.
        filters = DeadLetterFilter(event_type=self._wanted.type, since=self._wanted.since)
        after: Cursor | None = None
        for _ in range(0, MOST_LETTERS, _PAGE):
            page = store.read(filters, limit=_PAGE, after=after)
            for stored in page:
                event = stored.letter.event or {}
                yield from self._fitting(event, stored.bus, stored.accepted_at, "dead letters")
            self._count("dead letters", len(page))
            if len(page) < _PAGE:
                return
            after = page[-1].cursor
        self.cut.append("dead letters")

    def in_archive(self) -> Iterator[Found]:
        """Give those that are archived, the newest first, until there are as many as wanted."""
        store, wanted = self._sources.archive, self._wanted
        if store is None:
            return
        types = None if wanted.type is None else (wanted.type,)
        filters = ArchiveFilter(bus=wanted.bus, since=wanted.since, types=types)
        after: ArchiveCursor | None = None
        number = 0
        for _ in range(0, MOST_ARCHIVED, _PAGE):
            page = store.read(filters, limit=_PAGE, after=after, newest_first=True)
            for archived in page:
                event = _read(archived.body) or {}
                for found in self._fitting(event, archived.bus, archived.accepted_at, "archive"):
                    number += 1
                    yield found
            self._count("archive", len(page))
            if len(page) < _PAGE or number >= wanted.limit:
                return
            after = page[-1].cursor
        self.cut.append("archive")

    def _fitting(  # Any: a JSON value
        self, event: dict[str, Any], bus: str, accepted_at: float, place: str
    ) -> Iterator[Found]:
        if event and self._wanted.fits(event, bus, accepted_at):
            yield Found(
                event_id=str(event.get("id", "")),
                bus=bus,
                source=str(event.get("source", "")),
                type=str(event.get("detail-type", "")),
                accepted_at=accepted_at,
                place=place,
            )

    def _count(self, place: str, number: int) -> None:
        self.looked_at[place] = self.looked_at.get(place, 0) + number
        self._looked(sum(self.looked_at.values()))


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
