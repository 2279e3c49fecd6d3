"""What the ledger in memory shows of events in flight, to those who ask where one is."""

from collections.abc import Iterator, Sequence

from eventflow.delivery.keys import ROUTE
from eventflow.delivery.memory_journal import MemoryJournal
from eventflow.delivery.memory_records import KeptDelivery, KeptTarget
from eventflow.delivery.memory_targets import one_at_a_time
from eventflow.delivery.sights import DeliverySight, EventSight, Place
from eventflow.events import delivery_id, split_delivery_id
from eventflow.journal import JournalEntry

__all__ = ["MemorySights"]


class MemorySights(MemoryJournal):
    """Looks, and changes nothing. `eventflow.delivery.ledger.Ledger` says what each method does."""

    @one_at_a_time
    def look(self, event_id: str, targets: Sequence[str]) -> EventSight | None:
        """Tell where an event and its deliveries are; None where the ledger does not know it."""
        event = self._events.get(event_id)
        if event is None or (event.forget_at is not None and event.forget_at <= self._clock()):
            return None
        route = self._targets[ROUTE]
        sights = []
        for target in targets:
            identity = delivery_id(event_id, target)
            if (kept := self._deliveries.get(identity)) is not None:
                sights.append(_sight_of(identity, target, kept, self._targets[target]))
        place = Place.QUEUED if event_id in route.queued else Place.NOWHERE
        return EventSight(
            event_id=event_id,
            accepted_at=event.accepted,
            is_routed=event.is_routed,
            place=Place.RUNNING if event_id in route.running else place,
            attempts=event.attempts,
            left=event.left,
            body=event.body,
            deliveries=tuple(sights),
        )

    @one_at_a_time
    def in_flight(self, targets: Sequence[str], most: int) -> list[str]:
        """Return ids of events that are in flight, those that came last first, *most* at most."""
        found: dict[str, None] = {}
        for name in (ROUTE, *targets):
            kept = self._targets[name]
            for place in (kept.queued, kept.running, kept.waiting, kept.parked):
                for identity in reversed(place.first(len(place))):
                    found[identity if name == ROUTE else split_delivery_id(identity)[0]] = None
        return list(found)[:most]

    def bodies(self, event_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Give the JSON of those of the events that are still in flight."""
        for event_id in event_ids:
            event = self._events.get(event_id)
            if event is not None and event.body:
                yield event_id, event.body

    @one_at_a_time
    def journal_of(
        self, event_id: str, since: float, most: int, *, begins: bool = False
    ) -> list[JournalEntry]:
        """Return an event's entries that are not in the store yet, replays among them, in order."""
        late = [entry for entry in self._journal.values() if entry.at >= since][:most]
        if begins:
            return [entry for entry in late if entry.event_id.startswith(event_id)]
        return [entry for entry in late if entry.event_id == event_id]


def _sight_of(identity: str, target: str, kept: KeptDelivery, places: KeptTarget) -> DeliverySight:
    place, at = Place.NOWHERE, 0.0
    for name, times in (
        (Place.RUNNING, places.running),
        (Place.WAITING, places.waiting),
        (Place.PARKED, places.parked),
        (Place.QUEUED, places.queued),
    ):
        if identity in times:
            place, at = name, times[identity]
            break
    return DeliverySight(
        delivery_id=identity,
        target=target,
        place=place,
        at=at,
        attempts=kept.attempts,
        crashes=kept.crashes,
        redrives=kept.redrives,
        accepted_at=kept.accepted,
        first_attempt_at=kept.first,
        rules=kept.rules,
        error_type=kept.error_type,
        error=kept.error,
    )
