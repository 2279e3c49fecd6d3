"""Finding the event that goes by an id, or those whose id begins so."""

from collections.abc import Iterable
from functools import partial

from eventflow.events import DEFAULT_BUS, split_delivery_id, split_ledger_id
from eventflow.store import DeadLetterFilter, DeadLetterStore, JournalStore
from eventflow.story.found import Found, Search
from eventflow.story.sources import Asking, Sources

__all__ = ["MOST_IN_FLIGHT", "MOST_UNRECORDED", "buses_of", "find_by_id", "ids_in_flight"]

MOST_IN_FLIGHT = 20_000
"""Events in flight of one bus that a search looks at."""

MOST_UNRECORDED = 200_000
"""Journal entries of one bus, not recorded yet, in which one event is looked for."""

_MOST_IDS = 20  # of each place, that begin alike


def find_by_id(sources: Sources, text: str, bus: str | None = None) -> Search:
    """Find the events that go by an id, or by the beginning of one.

    Args:
        sources: Where to look.
        text: An event's id or its beginning, a replay's id of it, or a delivery's id.
        bus: Only on this bus; None for any.

    Returns:
        The event where the id is complete (one for each bus that has it), else all that begin so, in
        order of their ids, wherever each was found.
    """
    asking = Asking()
    buses = [bus] if bus is not None else buses_of(sources, asking)
    found: dict[tuple[str, str], Found] = {}
    for event_id in _meant(text):
        _keep(found, bus, _known(sources, asking, event_id, buses))
        if found:
            break
    if not found:
        _keep(found, bus, _beginning(sources, asking, text, buses))
    in_order = sorted(found.values(), key=lambda each: (each.event_id, each.bus))
    return Search(in_order, asking.away)


def buses_of(sources: Sources, asking: Asking) -> list[str]:
    """Return the buses that were ever published to; the default one where nobody can say."""
    return asking.ask("ledger", sources.buses) or [DEFAULT_BUS]


def ids_in_flight(sources: Sources, bus: str) -> list[str]:
    """Return the ledger's ids of what is in flight on a bus, `MOST_IN_FLIGHT` at most.

    Raises:
        LedgerError: When the ledger cannot be asked.
    """
    ledger = sources.ledger(bus)
    return ledger.in_flight(sorted(ledger.targets()), MOST_IN_FLIGHT)


def _keep(found: dict[tuple[str, str], Found], bus: str | None, more: Iterable[Found]) -> None:
    for each in more:
        if bus in (None, each.bus):
            found.setdefault((each.event_id, each.bus), each)


def _meant(text: str) -> list[str]:
    """Return the ids of events that *text* may be: its own, or that in a delivery's id."""
    found = [split_ledger_id(text)[0]]
    if ":" in text:
        found.append(split_ledger_id(split_delivery_id(text)[0])[0])
    return list(dict.fromkeys(found))


def _known(
    sources: Sources, asking: Asking, event_id: str, buses: Iterable[str]
) -> Iterable[Found]:
    """Give the event of this very id, for each place that knows it."""

    def in_ledger() -> list[str]:
        return [bus for bus in buses if sources.ledger(bus).look(event_id, ()) is not None]

    def in_journal() -> set[str]:
        journal = sources.journal
        return {entry.bus for entry in journal.of_event(event_id)} if journal else set()

    def in_letters() -> set[str]:
        letters = sources.letters
        found = letters.list(DeadLetterFilter(event_id=event_id)) if letters else []
        return {letter.bus for letter in found}

    for bus in asking.ask("ledger", in_ledger) or []:
        yield Found(event_id=event_id, bus=bus, place="ledger")
    for bus in sorted(asking.ask("store", in_journal) or ()):
        yield Found(event_id=event_id, bus=bus, place="journal")
    for bus in sorted(asking.ask("store", in_letters) or ()):
        yield Found(event_id=event_id, bus=bus, place="dead letters")
    yield from _in_archive(sources, asking, [event_id])


def _beginning(
    sources: Sources, asking: Asking, text: str, buses: Iterable[str]
) -> Iterable[Found]:
    """Give the events whose id begins so, for each place that knows them."""

    def in_ledger() -> list[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for bus in buses if text else ():
            ids = [each for each in ids_in_flight(sources, bus) if each.startswith(text)]
            found |= {(split_ledger_id(identity)[0], bus) for identity in ids}
            # What is over, and not recorded yet.
            entries = sources.ledger(bus).journal_of(text, 0.0, MOST_UNRECORDED, begins=True)
            found |= {(entry.event_id, bus) for entry in entries}
        return sorted(found)[:_MOST_IDS]

    places = (
        ("ledger", in_ledger),
        ("journal", lambda: _begin_in(sources.journal, text)),
        ("dead letters", lambda: _begin_in(sources.letters, text)),
    )
    for place, question in places:
        for event_id, bus in asking.ask("ledger" if place == "ledger" else "store", question) or []:
            yield Found(event_id=event_id, bus=bus, place=place)
    archive = sources.archive
    if archive is not None:
        ids = asking.ask("store", lambda: archive.find(text, limit=_MOST_IDS)) or []
        yield from _in_archive(sources, asking, ids)


def _begin_in(store: JournalStore | DeadLetterStore | None, text: str) -> list[tuple[str, str]]:
    return list(store.find_events(text, limit=_MOST_IDS)) if store is not None else []


def _in_archive(sources: Sources, asking: Asking, ids: Iterable[str]) -> Iterable[Found]:
    archive = sources.archive
    if archive is None or "store" in asking.away:
        return
    for event_id in ids:
        archived = asking.ask("archive", partial(archive.get, event_id))
        if archived is not None:
            yield Found(event_id=event_id, bus=archived.bus, place="archive")
