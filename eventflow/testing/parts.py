"""The ledger and the broker of a test: in memory, and open to be looked into."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import redis

from eventflow.delivery import (
    NO_CALLS,
    Acceptance,
    Accepted,
    Ledger,
    Ledgers,
    MemoryLedger,
    Planned,
    Routed,
    Routing,
    WrittenCall,
)
from eventflow.encoding import decode_event
from eventflow.errors import LedgerError
from eventflow.settings import Settings
from eventflow.transport import Message
from eventflow.units import Clock

if TYPE_CHECKING:
    from eventflow.events import Event
    from eventflow.records import DeadLetter

__all__ = ["MemoryBroker", "MemoryLedgers", "WatchedLedger"]


class WatchedLedger(MemoryLedger):
    """A ledger in memory that remembers what it was told.

    Attributes:
        published: The events that it accepted, in order, by id.
        routed: By event's id, its deliveries.
        unrouted: By event's id, the dead letters that routing it made.
    """

    def __init__(
        self, bus: str, *, window: float, most: int, journal_most: int, clock: Clock
    ) -> None:
        super().__init__(bus, window=window, most=most, journal_most=journal_most, clock=clock)
        self.published: dict[str, Event[Any]] = {}
        self.routed: dict[str, tuple[Planned, ...]] = {}
        self.unrouted: dict[str, tuple[DeadLetter, ...]] = {}

    def accept(self, events: Sequence[tuple[str, bytes, str]]) -> Accepted:
        """Take events, and remember them."""
        answers = super().accept(events)
        for (event_id, body, _), answer in zip(events, answers, strict=True):
            if answer is Acceptance.NEW:
                self.published[event_id] = decode_event(body)
        return answers

    def finish_routes(
        self, routings: Sequence[Routing], calls: Mapping[str, WrittenCall] = NO_CALLS
    ) -> Routed:
        """Register deliveries, and remember them; each is to have a message of its own."""
        routed = super().finish_routes(routings, calls)
        for routing, is_first in zip(routings, routed.recorded, strict=True):
            if is_first:
                self.routed[routing.event_id] = tuple(routing.deliveries)
                self.unrouted[routing.event_id] = tuple(routing.letters)
        names = {item.target for routing in routings for item in routing.deliveries}
        return replace(routed, called=frozenset(names))


class MemoryLedgers(Ledgers):
    """The ledgers of a test, one for each bus.

    Args:
        settings: How long ids are remembered, how many events may wait, and whether there is a
            journal.
        clock: The test's.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(settings)
        self._settings = settings
        self._clock = clock
        self._watched: dict[str, WatchedLedger] = {}

    def of(self, bus: str) -> Ledger:
        """Return the ledger of *bus*."""
        return self.watched(bus)

    def watched(self, bus: str) -> WatchedLedger:
        """Return the ledger of *bus*, with what it remembers."""
        if bus not in self._watched:
            self._watched[bus] = WatchedLedger(
                bus,
                window=self._settings.deduplication_window,
                most=self._settings.max_backlog,
                journal_most=self._journal_most,
                clock=self._clock,
            )
        return self._watched[bus]

    def buses(self) -> list[str]:
        """Return the buses that were ever used, in order."""
        return sorted(self._watched)

    def _connect(self) -> redis.Redis:
        message = "a bus in memory has no Redis: what you call here needs a real ledger"
        raise LedgerError(message)


class MemoryBroker:
    """The queues of a test: what was sent first is there first, whatever its queue."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()

    def send(self, messages: Sequence[Message]) -> None:
        """Put *messages* on their queues."""
        self._messages.extend(messages)

    def post(self, messages: Sequence[Message]) -> None:
        """Put *messages* on their queues."""
        self.send(messages)

    def depth(self, queue: str) -> int:
        """Return how many messages wait on *queue*."""
        return sum(message.queue == queue for message in self._messages)

    def declare(self, queues: Iterable[str]) -> None:
        """Do nothing: a queue is there when it is used."""

    def take(self, tasks: Sequence[str], target: str | None = None) -> Message | None:
        """Take the first message of one of these tasks; None where there is none.

        Args:
            tasks: The names of Celery tasks.
            target: Whose deliveries alone; None for any target's.
        """
        for message in self._messages:
            if message.task in tasks and (target is None or target == message.args[1]):
                self._messages.remove(message)
                return message
        return None
