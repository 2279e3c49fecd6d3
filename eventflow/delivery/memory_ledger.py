"""The ledger in the memory of one process: for tests, and nothing else, since it ends with it.

It keeps the contract of `eventflow.delivery.ledger.Ledger`, as the one in Redis does, and is tested
by the same suite; each method is what the Lua file of its name says.
"""

from collections.abc import Sequence

from eventflow.delivery.accepting import Accepted
from eventflow.delivery.answers import (
    Acceptance,
    Moved,
)
from eventflow.delivery.calls import CALL_AGAIN
from eventflow.delivery.keys import DEAD_LETTERS, ROUTE
from eventflow.delivery.memory_deliveries import MemoryDeliveries
from eventflow.delivery.memory_moves import move_target
from eventflow.delivery.memory_records import KeptEvent
from eventflow.delivery.memory_sights import MemorySights
from eventflow.delivery.memory_steering import MemorySteering
from eventflow.delivery.memory_targets import one_at_a_time
from eventflow.journal import Step
from eventflow.rules.targets import Target
from eventflow.units import Clock, system_clock

__all__ = ["MemoryLedger"]


class MemoryLedger(MemorySights, MemoryDeliveries, MemorySteering):
    """One bus's ledger. Safe in threads; what it knows is gone with its process.

    Args:
        bus: The bus.
        window: How long, in seconds, an event's id is remembered once all is delivered.
        most: How many events may wait to be routed before `accept` takes no more; 0 for any number.
        journal_most: How many entries of the journal may wait for the recorder; 0 for no journal.
        clock: Returns seconds since the epoch; a test may have its own.
    """

    def __init__(
        self,
        bus: str = "default",
        *,
        window: float = 86400.0,
        most: int = 0,
        journal_most: int = 0,
        clock: Clock = system_clock,
    ) -> None:
        super().__init__(bus, window=window, journal_most=journal_most, clock=clock)
        self._most = most

    @one_at_a_time
    def accept(self, events: Sequence[tuple[str, bytes, str]]) -> Accepted:
        """Take events, each with its id, JSON and lane."""
        answers = [self._accept(event_id, body, lane) for event_id, body, lane in events]
        is_any_waiting = Acceptance.NEW in answers or Acceptance.PENDING in answers
        return Accepted(answers, is_call_due=is_any_waiting and self._calls(ROUTE, CALL_AGAIN))

    def _accept(self, event_id: str, body: bytes, lane: str) -> Acceptance:
        now, route = self._clock(), self._targets[ROUTE]
        known = self._events.get(event_id)
        if known is not None and (known.forget_at is None or known.forget_at > now):
            self._note(Step.DUPLICATE, event_id)
            return Acceptance.DUPLICATE if known.is_routed else Acceptance.PENDING
        if 0 < self._most <= len(route.queued):
            return Acceptance.FULL
        self._events[event_id] = KeptEvent(now, body, lane)
        route.register(event_id, now)
        self._get_in_lane(event_id, lane)
        self._note(Step.ACCEPTED, event_id, {"lane": lane})
        return Acceptance.NEW

    @one_at_a_time
    def move(self, targets: Sequence[Target], limit: int) -> Moved:
        """Queue again what is due, what was lost with its worker, and what may run now."""
        now = self._clock()
        by_target: dict[str, list[str]] = {}
        lost: list[str] = []
        looks: list[float] = []
        for target in targets:
            kept = self._targets[target.name]
            moved = move_target(kept, target, self._deliveries, now, limit)
            for identity, (step, facts) in moved.steps.items():
                self._note_delivery(step, identity, facts)
            if moved.queued:
                by_target[target.name] = moved.queued
            lost += moved.lost
            looks += moved.looks
        nearest = max(0.0, min(looks) - now) if looks else None
        return Moved(by_target, lost, nearest)

    @one_at_a_time
    def stale(self, names: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Tell, for each name with anything queued, its oldest age and its lag behind claims."""
        now = self._clock()
        found = {}
        for name in names:
            first = self._targets[name].queued.earliest
            if first is not None:
                found[name] = (now - first, self._targets[name].head - first)
        return found

    @one_at_a_time
    def requeue(self, name: str, older_than: float, *, empty: bool, limit: int) -> list[str]:
        """Take what has been queued too long, to send its message again."""
        kept, now = self._targets[name], self._clock()
        reference = now if empty else min(now, kept.head)
        ids = kept.queued.until(reference - older_than, limit)
        kept.queued.update(dict.fromkeys(ids, now))
        note = self._note if name == ROUTE else self._note_delivery
        for identity in ids if name != DEAD_LETTERS else ():
            note(Step.QUEUED, identity, {"why": "sent again"})
        return ids
