"""What makes a bus in memory run: the worker's own steps, one after another, on a clock that is told."""

import asyncio
import math
from typing import cast

from eventflow.app import EventFlow
from eventflow.errors import BusError
from eventflow.records import DeadLetter
from eventflow.schemas.source import SchemaSource
from eventflow.settings import Settings
from eventflow.testing.attempts import Attempt, read_attempt
from eventflow.testing.cast import Cast
from eventflow.testing.finding import open_rules
from eventflow.testing.parts import MemoryBroker, MemoryLedgers
from eventflow.transport import Message
from eventflow.transport.messages import DELIVER, RECORD, ROUTE
from eventflow.units import system_clock
from eventflow.worker import WorkerContext
from eventflow.worker.deliver import make_deliveries
from eventflow.worker.mover import Mover
from eventflow.worker.route import route_events

__all__ = ["MOST_AT_ONCE", "Engine"]

MOST_AT_ONCE = 10_000
"""Attempts that one call makes, before it takes them for an endless loop."""

_NEVER = 10 * 366 * 24 * 3600.0  # seconds: no look at the clock is due before
_STEP = 1e-6  # seconds: time goes on, whatever a rounding makes of a due time


class Engine:
    """Router, workers, mover and recorder of a test.

    Attributes:
        now: The test's time, seconds since the epoch; it stands still unless it is moved.
        ledgers: The ledgers.
        cast: Who plays which target.
        context: What the worker's code works with.
        attempts: The attempts that were made.
        dead: The dead letters.
    """

    def __init__(self, flow: EventFlow, settings: Settings, *, fakes_all: bool) -> None:
        self.now = system_clock()
        # Nobody reads a test's journal.
        self.ledgers = MemoryLedgers(settings.with_changes(journal=False), lambda: self.now)
        self.cast = Cast(flow.context.subscribers, fakes_all=fakes_all)
        self.attempts: list[Attempt] = []
        self.dead: list[DeadLetter] = []
        self._broker = MemoryBroker()
        self.context = WorkerContext(
            # A message for each delivery, so that they can be made one by one; and nothing is ever
            # lost here, so that nothing need be sent again.
            settings=settings.with_changes(
                group_size=1, mover_interval=_NEVER, requeue_after=_NEVER
            ),
            celery=flow.celery,
            ledgers=self.ledgers,
            sender=self._broker,
            subscribers=self.cast,
            rules=open_rules(settings.rules),
            schemas=SchemaSource(settings.schemas),
            chance=lambda: 1.0,  # with jitter, the longest that a policy allows
        )
        self._mover = Mover(self.context, watches_rules=False, most_single=math.inf)

    def route(self) -> None:
        """Route what was published, and record the dead letters that came of it."""
        while (message := self._broker.take([ROUTE])) is not None:
            bus, event_ids = cast("tuple[str, list[str]]", message.args)
            route_events(self.context, bus, event_ids)
        self._record()

    def deliver_next(self, target: str | None) -> Attempt | None:
        """Make the next delivery that may be made now, of one target or of any."""
        while True:
            self.route()
            message = self._broker.take([DELIVER], target)
            if message is None:
                self._move()
                message = self._broker.take([DELIVER], target)
            if message is None:
                return None
            attempt = self._deliver(message)
            self._record()
            if attempt is not None:
                return attempt

    def deliver_all(self) -> list[Attempt]:
        """Make every delivery that may be made now."""
        made: list[Attempt] = []
        while (attempt := self.deliver_next(None)) is not None:
            made.append(attempt)
            if len(made) >= MOST_AT_ONCE:
                message = (
                    f"{MOST_AT_ONCE:,} attempts were made and there is no end: does a subscriber "
                    "publish what is sent to it again, or does a policy retry without a wait?"
                )
                raise BusError(message)
        return made

    def advance(self, seconds: float) -> list[Attempt]:
        """Let time pass, and deliver what comes due on the way at its own time."""
        end = self.now + seconds
        made = self.deliver_all()
        while self.now + (wait := self._move()) <= end:
            self.now = min(end, self.now + (wait or _STEP))
            made += self.deliver_all()
        self.now = end
        return made + self.deliver_all()

    def settle(self, within: float) -> list[Attempt]:
        """Let time pass until nothing is left to be delivered, or so many seconds are over."""
        end = self.now + within
        made = self.deliver_all()
        while (wait := self._move()) < _NEVER / 2 and self.now + wait <= end:
            made += self.advance(wait or _STEP)
        return made

    def left(self) -> dict[str, int]:
        """Count what is not delivered yet, by target."""
        targets = sorted(self.context.rules.current().targets)
        statuses = [self.ledgers.of(bus).status(targets) for bus in self.ledgers.buses()]
        counts = {
            name: sum(one[name].waiting + one[name].parked + one[name].queued for one in statuses)
            for name in targets
        }
        return {name: count for name, count in counts.items() if count}

    def _deliver(self, message: Message) -> Attempt | None:
        bus, target, ids = cast("tuple[str, str, list[str]]", message.args)
        self._check_loop(target)
        made = make_deliveries(self.context, bus, target, ids)
        found = [read_attempt(claim, attempt) for claim, attempt in made.attempts]
        attempts = [attempt for attempt in found if attempt is not None]
        self.attempts += attempts
        return attempts[0] if attempts else None

    def _record(self) -> None:
        while (message := self._broker.take([RECORD])) is not None:
            bus, ids = cast("tuple[str, list[str]]", message.args)
            ledger = self.ledgers.of(bus)
            letters = ledger.letters(ids)
            self.dead += [DeadLetter.from_json(text) for _, text in letters]
            ledger.recorded(letters)

    def _move(self) -> float:
        """Queue what is due now; return the seconds until more is."""
        return self._mover.round()

    def _check_loop(self, target: str) -> None:
        subscriber = self.cast.get(target)
        if subscriber is None or not subscriber.is_async:
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        message = (
            f"the subscriber of {target!r} is async and runs in a loop of its own, which it cannot "
            "within this test's: write `await asyncio.to_thread(bus.deliver_all)`"
        )
        raise BusError(message)
