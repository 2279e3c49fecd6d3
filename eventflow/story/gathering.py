"""Gathering all that is known of one event, from every place that may know of it."""

import json
from collections.abc import Mapping, Sequence

from eventflow.delivery import Ledger
from eventflow.delivery.keys import ROUTE
from eventflow.delivery.sights import EventSight
from eventflow.events import delivery_id, ledger_id, split_delivery_id, split_ledger_id
from eventflow.journal import JournalEntry, JournalState, Step
from eventflow.records import DeadLetter
from eventflow.store import ArchivedEvent, DeadLetterFilter, DeadLetterSummary
from eventflow.story.evidence import Body, Evidence
from eventflow.story.sources import Asking, Sources
from eventflow.units import Clock, system_clock

__all__ = ["gather"]

_MOST_ENTRIES = 200_000  # of what is on its way to the store that are looked at
_MOST_LETTERS = 1_000  # of one event


def gather(sources: Sources, event_id: str, bus: str, *, clock: Clock = system_clock) -> Evidence:
    """Ask every place for one event; what cannot be asked is told, and the rest is as good.

    Args:
        sources: The places.
        event_id: The event's own id, complete.
        bus: Its bus.
        clock: Tells when it was gathered.
    """
    asking = Asking()
    ledger = sources.ledger(bus)
    recorded = _recorded(sources, asking, event_id, bus)
    letters = _letters(sources, asking, event_id, bus)
    targets = asking.ask("ledger", lambda: _targets(ledger, recorded), [])
    # The ledger is asked after the store: what moves from one to the other is seen twice, not never.
    sights, entries = _in_ledger(asking, ledger, event_id, targets, recorded, letters)
    unrecorded = asking.ask("ledger", lambda: _unrecorded(ledger, event_id, targets, sights), [])
    here = sorted({each.target for sight in sights.values() for each in sight.deliveries})
    archived = _archived(sources, asking, event_id, bus)
    return Evidence(
        event_id=event_id,
        bus=bus,
        now=clock(),
        entries=tuple(entries),
        sights=sights,
        letters=tuple(letters),
        unrecorded=tuple(unrecorded),
        breakers=asking.ask("ledger", lambda: ledger.breakers(here), {}),
        pauses=asking.ask("ledger", lambda: ledger.pauses(here), {}),
        archived=archived,
        body=_body(sources, asking, sights, archived, letters, unrecorded),
        dropped=asking.ask("ledger", ledger.journal_state, JournalState()).dropped,
        away=asking.away,
    )


def _recorded(sources: Sources, asking: Asking, event_id: str, bus: str) -> list[JournalEntry]:
    journal = sources.journal
    if journal is None:
        return []
    return asking.ask("store", lambda: journal.of_event(event_id, bus), [])


def _letters(sources: Sources, asking: Asking, event_id: str, bus: str) -> list[DeadLetterSummary]:
    store, filters = sources.letters, DeadLetterFilter(event_id=event_id)
    if store is None:
        return []
    found = asking.ask("store", lambda: store.list(filters, limit=_MOST_LETTERS), [])
    return [letter for letter in found if letter.bus == bus]


def _targets(ledger: Ledger, entries: Sequence[JournalEntry]) -> list[str]:
    """Return the targets that the event may have deliveries of: those announced, and those noted."""
    found = dict.fromkeys(ledger.targets())
    for entry in entries:
        if entry.step is Step.MATCHED:
            found |= dict.fromkeys(entry.facts.get("targets", {}))
        if entry.target:
            found[entry.target] = None
    return list(found)


def _in_ledger(
    asking: Asking,
    ledger: Ledger,
    event_id: str,
    targets: Sequence[str],
    recorded: Sequence[JournalEntry],
    letters: Sequence[DeadLetterSummary],
) -> tuple[dict[str, EventSight], list[JournalEntry]]:
    """Return what the ledger shows of the event, and the whole journal in order."""
    sights: dict[str, EventSight] = {}

    def look(names: set[str]) -> None:
        for name in sorted(names - sights.keys()):
            sight = ledger.look(ledger_id(event_id, name or None), targets)
            if sight is not None:
                sights[name] = sight

    names = {"", *(entry.replay_name for entry in recorded)}
    names |= {split_ledger_id(split_delivery_id(letter.id)[0])[1] or "" for letter in letters}
    asking.ask("ledger", lambda: look(names), None)
    since = sights[""].accepted_at - 1 if "" in sights else 0.0
    waiting = asking.ask(
        "ledger", lambda: ledger.journal_of(event_id, max(0.0, since), _MOST_ENTRIES), []
    )
    asking.ask("ledger", lambda: look({entry.replay_name for entry in waiting}), None)
    entries = {entry.id: entry for entry in (*recorded, *waiting)}
    return sights, [entries[identity] for identity in sorted(entries)]


def _unrecorded(
    ledger: Ledger,
    event_id: str,
    targets: Sequence[str],
    sights: Mapping[str, EventSight],
) -> list[DeadLetter]:
    ids = [
        delivery_id(ledger_id(event_id, name or None), target)
        for name in {"", *sights}
        for target in (*targets, ROUTE)
    ]
    return [DeadLetter.from_json(text) for _, text in ledger.letters(ids)]


def _archived(sources: Sources, asking: Asking, event_id: str, bus: str) -> ArchivedEvent | None:
    archive = sources.archive
    if archive is None or "store" in asking.away:
        return None
    return asking.ask("archive", lambda: archive.get(event_id, bus), None)


def _body(
    sources: Sources,
    asking: Asking,
    sights: Mapping[str, EventSight],
    archived: ArchivedEvent | None,
    letters: Sequence[DeadLetterSummary],
    unrecorded: Sequence[DeadLetter],
) -> Body | None:
    """Return the event's content from the first place that has it, that of the first time first."""
    for name in sorted(sights):
        if sights[name].body:
            return _read_body(sights[name].body, "ledger")
    if archived is not None:
        return _read_body(archived.body, "archive")
    for letter in unrecorded:
        if letter.event is not None:
            return Body(letter.event, "dead letters")
    store = sources.letters
    if store is None or not letters:
        return None
    stored = asking.ask("store", lambda: store.get(letters[0].id), None)
    event = stored.letter.event if stored is not None else None
    return Body(event, "dead letters") if event is not None else None


def _read_body(body: bytes, source: str) -> Body | None:
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return Body(event, source) if isinstance(event, dict) else None
