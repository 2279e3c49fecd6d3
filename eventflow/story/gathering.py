"""Gathering all that is known of one event, from every place that may know of it."""

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from eventflow.delivery.keys import ROUTE
from eventflow.delivery.sights import EventSight
from eventflow.events import delivery_id, ledger_id, split_delivery_id, split_ledger_id
from eventflow.journal import JournalEntry, JournalState, Step
from eventflow.records import DeadLetter
from eventflow.store import ArchivedEvent, DeadLetterFilter, DeadLetterSummary
from eventflow.story.evidence import Body, Evidence
from eventflow.story.identifying import MOST_UNRECORDED
from eventflow.story.sources import Asking, Sources
from eventflow.units import Clock, system_clock

__all__ = ["gather"]

_MOST_LETTERS = 1_000  # of one event


def gather(sources: Sources, event_id: str, bus: str, *, clock: Clock = system_clock) -> Evidence:
    """Ask every place for one event; what cannot be asked is told, and the rest is as good.

    Args:
        sources: The places.
        event_id: The event's own id, complete.
        bus: Its bus.
        clock: Tells when it was gathered.
    """
    return _Gathering(sources, event_id, bus).run(clock)


@dataclass(frozen=True, slots=True)
class _Round:
    """What one round of questions brought.

    Attributes:
        sights: By the name of the replay.
        entries: The journal, in order.
        letters: The store's dead letters.
        unrecorded: Those on their way there.
    """

    sights: dict[str, EventSight]
    entries: list[JournalEntry]
    letters: list[DeadLetterSummary]
    unrecorded: list[DeadLetter]

    def names(self) -> set[str]:
        """Return the runs that it tells of: the first time, and replays."""
        ids = [letter.id for letter in self.letters] + [letter.id for letter in self.unrecorded]
        return {entry.replay_name for entry in self.entries} | {_replay_of(one) for one in ids}

    def targets(self) -> set[str]:
        """Return the targets that it tells of."""
        found = {entry.target for entry in self.entries if entry.target}
        for entry in self.entries:
            if entry.step is Step.MATCHED:
                found |= set(entry.facts.get("targets") or {})
        return found


class _Gathering:
    """Questions about one event, until no answer names anything new to ask for."""

    def __init__(self, sources: Sources, event_id: str, bus: str) -> None:
        self._sources = sources
        self._event_id = event_id
        self._bus = bus
        self._asking = Asking()
        self._ledger = sources.ledger(bus)

    def run(self, clock: Clock) -> Evidence:
        """Ask them all."""
        ask, ledger = self._asking.ask, self._ledger
        names, targets = {""}, set(ask("ledger", ledger.targets) or {})
        while True:
            told = self._round(names, targets)
            if told.names() <= names and told.targets() <= targets:
                break
            names |= told.names()
            targets |= told.targets()
        here = sorted({each.target for one in told.sights.values() for each in one.deliveries})
        archived = self._archived()
        return Evidence(
            event_id=self._event_id,
            bus=self._bus,
            now=clock(),
            entries=tuple(told.entries),
            sights=told.sights,
            letters=tuple(told.letters),
            unrecorded=tuple(told.unrecorded),
            breakers=ask("ledger", lambda: ledger.breakers(here)) or {},
            pauses=ask("ledger", lambda: ledger.pauses(here)) or {},
            archived=archived,
            body=self._body(told, archived),
            dropped=(ask("ledger", ledger.journal_state) or JournalState()).dropped,
            away=self._asking.away,
        )

    def _round(self, names: AbstractSet[str], targets: AbstractSet[str]) -> _Round:
        """Ask once, in the way that things move: what moves meanwhile is seen twice, not never."""
        ask = self._asking.ask
        sights = ask("ledger", lambda: self._look(names, targets)) or {}
        unrecorded = ask("ledger", lambda: self._unrecorded(names, targets)) or []
        since = sights[""].accepted_at - 1 if "" in sights else 0.0
        waiting = (
            ask(
                "ledger",
                lambda: self._ledger.journal_of(self._event_id, max(0.0, since), MOST_UNRECORDED),
            )
            or []
        )
        recorded = ask("store", self._recorded) or []
        entries = {entry.id: entry for entry in (*recorded, *waiting)}
        in_order = [entries[identity] for identity in sorted(entries)]
        return _Round(sights, in_order, ask("store", self._letters) or [], unrecorded)

    def _look(self, names: AbstractSet[str], targets: AbstractSet[str]) -> dict[str, EventSight]:
        found = {
            name: self._ledger.look(ledger_id(self._event_id, name or None), sorted(targets))
            for name in sorted(names)
        }
        return {name: sight for name, sight in found.items() if sight is not None}

    def _unrecorded(self, names: AbstractSet[str], targets: AbstractSet[str]) -> list[DeadLetter]:
        ids = [
            delivery_id(ledger_id(self._event_id, name or None), target)
            for name in names
            for target in (*targets, ROUTE)
        ]
        return [DeadLetter.from_json(text) for _, text in self._ledger.letters(ids)]

    def _recorded(self) -> list[JournalEntry]:
        journal = self._sources.journal
        return [] if journal is None else journal.of_event(self._event_id, self._bus)

    def _letters(self) -> list[DeadLetterSummary]:
        store = self._sources.letters
        if store is None:
            return []
        filters = DeadLetterFilter(event_id=self._event_id)
        found = store.list(filters, limit=_MOST_LETTERS)
        return [letter for letter in found if letter.bus == self._bus]

    def _archived(self) -> ArchivedEvent | None:
        archive = self._sources.archive
        if archive is None or "store" in self._asking.away:
            return None
        return self._asking.ask("archive", lambda: archive.get(self._event_id, self._bus))

    def _body(self, told: _Round, archived: ArchivedEvent | None) -> Body | None:
        """Return the event's content from the first place that has it, of the first time first."""
        for name in sorted(told.sights):
            if told.sights[name].body:
                return _read_body(told.sights[name].body, "ledger")
        if archived is not None:
            return _read_body(archived.body, "archive")
        event = next((one.event for one in told.unrecorded if one.event is not None), None)
        store = self._sources.letters
        if event is None and store is not None and told.letters:
            identity = told.letters[0].id
            stored = self._asking.ask("store", lambda: store.get(identity))
            event = stored.letter.event if stored is not None else None
        return Body(event, "dead letters") if event is not None else None


def _replay_of(delivery: str) -> str:
    return split_ledger_id(split_delivery_id(delivery)[0])[1] or ""


def _read_body(body: bytes, source: str) -> Body | None:
    try:
        event = json.loads(body)
    except ValueError:
        return None
    return Body(event, source) if isinstance(event, dict) else None
