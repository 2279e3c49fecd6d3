"""What the ledger in memory does for routers: events are handed out, and their deliveries registered."""

from collections.abc import Mapping, Sequence

from eventflow.delivery.accepting import NO_CALLS, WrittenCall
from eventflow.delivery.answers import Planned, RouteWork
from eventflow.delivery.calls import Routed, RoutesTaken, Routing, patience_of
from eventflow.delivery.journal_facts import letter_facts, match_facts
from eventflow.delivery.keys import ROUTE
from eventflow.delivery.memory_letters import MemoryLetters
from eventflow.delivery.memory_records import KeptDelivery, KeptEvent
from eventflow.delivery.memory_targets import one_at_a_time
from eventflow.events import delivery_id
from eventflow.journal import MOST_ERROR, Step
from eventflow.records import DeadLetter
from eventflow.units import Clock, system_clock

__all__ = ["MemoryRoutes"]


class MemoryRoutes(MemoryLetters):
    """Routing of one bus. `eventflow.delivery.ledger.Ledger` says what each method does.

    Args:
        bus: The bus.
        window: How long, in seconds, an event's id is remembered once all is delivered.
        journal_most: How many entries of the journal may wait for the recorder; 0 for no journal.
        clock: Returns seconds since the epoch; a test may have its own.
    """

    def __init__(
        self,
        bus: str = "default",
        *,
        window: float = 86400.0,
        journal_most: int = 0,
        clock: Clock = system_clock,
    ) -> None:
        super().__init__(bus, journal_most=journal_most, clock=clock)
        self._window = window

    def begin_route(self, most: int, *, lease: float) -> list[RouteWork]:
        """Hand out events that are not routed yet, lanes in turn, and count the attempt."""
        return self.take_routes(most, lease=lease, answers=False, patience=None).works

    @one_at_a_time
    def take_routes(
        self, most: int, *, lease: float, answers: bool, patience: float | None
    ) -> RoutesTaken:
        """Hand out events as `begin_route`; say what is left, and whether to call another router."""
        route = self._targets[ROUTE]
        if answers:
            route.called = None
        works = self._begin_route(most, lease)
        left = len(route.queued)
        is_enough = patience is not None and works != [] and left >= len(works)
        return RoutesTaken(works, left, is_enough and self._calls(ROUTE, patience))

    def _begin_route(self, most: int, lease: float) -> list[RouteWork]:
        works: list[RouteWork] = []
        while len(works) < most and self._lanes:
            lane = self._lanes.popleft()
            waiting = self._by_lane[lane]
            event_id = waiting.popleft()
            event = self._events.get(event_id)
            is_open = event is not None and not event.is_routed
            is_alone = event is not None and event.attempts > 0
            if is_open and is_alone and works:
                waiting.appendleft(event_id)
                self._lanes.appendleft(lane)
                break
            if event is not None and is_open:
                works.append(self._hand_out(event_id, event, lease))
            if waiting:
                self._lanes.append(lane)
            if is_open and is_alone:
                break
        return works

    def _hand_out(self, event_id: str, event: KeptEvent, lease: float) -> RouteWork:
        route = self._targets[ROUTE]
        route.queued.pop(event_id, None)
        route.running[event_id] = self._clock() + lease
        event.attempts += 1
        return RouteWork(event_id, event.body, event.accepted, event.attempts, event.lane)

    @one_at_a_time
    def recover_routes(self, limit: int) -> list[str]:
        """Take back events whose router's lease has ended, to send their message again."""
        route, now = self._targets[ROUTE], self._clock()
        ids = route.running.until(now, limit)
        for event_id in ids:
            del route.running[event_id]
            route.queued[event_id] = now
            self._get_in_lane(event_id, self._events[event_id].lane)
            self._note(Step.LOST, event_id, {"why": "router"})
        return ids

    def finish_route(
        self,
        event_id: str,
        event_type: str,
        deliveries: Sequence[Planned],
        letters: Sequence[DeadLetter],
    ) -> bool:
        """Register all deliveries and mark the event routed, in one step; False if it was."""
        routing = Routing(event_id, event_type, deliveries, letters)
        return self.finish_routes([routing]).recorded[0]

    @one_at_a_time
    def finish_routes(
        self,
        routings: Sequence[Routing],
        calls: Mapping[str, WrittenCall] = NO_CALLS,  # noqa: ARG002 - it is no broker
    ) -> Routed:
        """Register all deliveries of each event and mark it routed; each event on its own."""
        recorded = [self._finish_route(routing) for routing in routings]
        names = {
            item.target
            for routing, is_first in zip(routings, recorded, strict=True)
            for item in routing.deliveries
            if is_first
        }
        called = (name for name in names if self._calls(name, patience_of(name)))
        return Routed(recorded, frozenset(called))

    def _finish_route(self, routing: Routing) -> bool:
        event_id, deliveries = routing.event_id, routing.deliveries
        letters = routing.letters
        self._targets[ROUTE].drop(event_id)
        event, now = self._events.get(event_id), self._clock()
        if event is None or event.is_routed:
            return False
        for planned in deliveries:
            identity = delivery_id(event_id, planned.target)
            delivery = KeptDelivery(
                routing.event_type,
                planned.rules,
                planned.input,
                event.accepted,
                trace=planned.trace,
            )
            self._deliveries[identity] = delivery
            self._targets[planned.target].register(identity, now, delivery)
        if (facts := match_facts(deliveries, letters)) is not None:
            self._note(Step.MATCHED, event_id, facts)
        for letter in letters:
            self._targets[letter.target or ROUTE].bury()
            fault = {"error_type": letter.error_type, "error": letter.error[:MOST_ERROR]}
            facts = letter_facts(letter)
            self._note(Step.UNROUTABLE, event_id, facts, target=letter.target, **fault)
        self._targets[ROUTE].delivered += 1
        self._keep(letters)
        event.is_routed, event.left = True, len(deliveries)
        if not deliveries:
            self._forget_later(event)
        return True

    @one_at_a_time
    def call(self, name: str, *, patience: float) -> bool:
        """Decide whether a queue is to be sent a message; if so, it counts as sent."""
        if self._targets[name].queued:
            return self._calls(name, patience)
        if not self._is_on_its_way(name, patience):
            self._targets[name].called = None  # who queues something next is to send one
        return False

    def _calls(self, name: str, patience: float | None) -> bool:
        if patience is None:
            return True
        if self._is_on_its_way(name, patience):
            return False
        self._targets[name].called = self._clock()
        return True

    def _is_on_its_way(self, name: str, patience: float) -> bool:
        called = self._targets[name].called
        return called is not None and self._clock() - called < patience

    def _get_in_lane(self, event_id: str, lane: str) -> None:
        if not self._by_lane[lane]:
            self._lanes.append(lane)
        self._by_lane[lane].append(event_id)

    def _forget_later(self, event: KeptEvent) -> None:
        event.body = b""
        event.forget_at = self._clock() + self._window
