"""The dead letters of the ledger in memory: kept for the recorder, forgotten, and redriven."""

from collections.abc import Sequence

from eventflow.delivery.calls import JUST_NOW
from eventflow.delivery.keys import DEAD_LETTERS
from eventflow.delivery.memory_journal import MemoryJournal
from eventflow.delivery.memory_records import KeptDelivery, KeptEvent
from eventflow.delivery.memory_targets import one_at_a_time
from eventflow.events import split_delivery_id
from eventflow.journal import Step
from eventflow.records import DeadLetter
from eventflow.rules.templates import compact

__all__ = ["MemoryLetters"]


class MemoryLetters(MemoryJournal):
    """One bus's dead letters. `eventflow.delivery.ledger.Ledger` says what each method does."""

    @one_at_a_time
    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters that belong to no delivery, for the recorder."""
        self._keep(letters)

    def _keep(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            self._letters[letter.id] = letter.to_json().encode()
            place = self._targets[DEAD_LETTERS]
            place.registered += letter.id not in place.queued
            place.queued[letter.id] = self._clock()

    @one_at_a_time
    def letters(self, ids: Sequence[str], *, also: int = 0) -> list[tuple[str, bytes]]:
        """Return dead letters that are to be recorded, and so many that came just now: id, JSON."""
        queued = self._targets[DEAD_LETTERS].queued
        named = [identity for identity in ids if identity in self._letters]
        if not named:
            return []
        others = [one for one in queued.last(also) if queued[one] >= self._clock() - JUST_NOW]
        return [(one, self._letters[one]) for one in dict.fromkeys([*named, *others])]

    @one_at_a_time
    def recorded(self, letters: Sequence[tuple[str, bytes]]) -> int:
        """Forget dead letters that are safely in the store, unless they have died again."""
        count = 0
        for identity, text in letters:
            if self._letters.get(identity, text) == text:
                self._letters.pop(identity, None)
                place = self._targets[DEAD_LETTERS]
                was_there = place.queued.pop(identity, None) is not None
                place.delivered += was_there
                count += was_there
        return count

    @one_at_a_time
    def revive(self, letter: DeadLetter) -> bool:
        """Register a dead letter's delivery again; False if it is in flight or was revived."""
        event_id = split_delivery_id(letter.id)[0]
        event, now = self._events.get(event_id), self._clock()
        redrives = letter.redrives + 1
        if letter.id in self._deliveries:
            return False
        if event is not None and event.redrives.get(letter.target, 0) >= redrives:
            return False
        if event is None:
            event = self._events[event_id] = KeptEvent(now, b"", is_routed=True)
        event.is_routed, event.forget_at = True, None
        event.redrives[letter.target] = redrives
        event.left += 1
        event.body = event.body or compact(letter.event).encode()
        self._deliveries[letter.id] = KeptDelivery(
            letter.event_type, letter.rules, letter.input, now, redrives=redrives
        )
        self._targets[letter.target].register(letter.id, now, self._deliveries[letter.id])
        self._note_delivery(Step.REDRIVEN, letter.id, {"redrives": redrives})
        return True
