"""The task `eventflow.route`: events in, registered deliveries and their messages out."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from eventflow.delivery import (
    NO_CALLS,
    Planned,
    RoutesTaken,
    RouteWork,
    Routing,
    WrittenCall,
    insist,
)
from eventflow.encoding import decode_event
from eventflow.errors import EventError, LedgerError
from eventflow.events import Event, delivery_id, split_ledger_id
from eventflow.records import DeadLetter, Reason
from eventflow.routing import INPUT_TIMES, PlannedDelivery, plan
from eventflow.schemas.validation import Action, SchemaCheck
from eventflow.telemetry import Step, begin_step
from eventflow.transport import Message, deliver_message, record_message, route_message
from eventflow.transport.calls import MOST_NAMED
from eventflow.transport.messages import ARCHIVE, MOST_SHOWN, ROUTE
from eventflow.worker.calling import call_again, send_calls
from eventflow.worker.context import WorkerContext
from eventflow.worker.letters import one_line, raw_event, write_traceback
from eventflow.worker.made import show_also
from eventflow.worker.monitoring import count_routed
from eventflow.worker.restrictions import NotYet
from eventflow.worker.steps import judge_route, route_step
from eventflow.worker.turn import TURN, Turn

__all__ = ["groups", "route_events"]

_log = logging.getLogger("eventflow.route")

_SLICE = 50  # events taken from the ledger at once
_MANY = (
    8  # events at once, before it waits for more: all targets wait with it, also for one's flood
)
_MOST_REGISTERED = 200  # deliveries in one call of the ledger: it does nothing else meanwhile
_Named = Mapping[str, Sequence[tuple[str, str, int]]]  # by target: id, type, attempts
T = TypeVar("T")


@dataclass
class _Batch:
    """Events that are matched, and about to be registered together.

    Attributes:
        routings: What each came to.
        events: The events themselves, with what was planned for them.
        size: How many deliveries there are.
    """

    routings: list[Routing] = field(default_factory=list)
    events: list[tuple[Event | None, tuple[PlannedDelivery, ...]]] = field(default_factory=list)
    size: int = 0


def route_events(
    context: WorkerContext, bus: str, event_ids: Sequence[str]
) -> dict[str, int | str]:
    """Route events: check, match, shape, register, send.

    Args:
        context: The process's parts.
        bus: The events' bus.
        event_ids: What the message names. That there is something to do is all that it says: the
            ledger hands events out by source and type in turn, so that no flood keeps others
            waiting, until none is left or the turn of this task is over.

    Returns:
        How many events were routed, how many deliveries and dead letters came of them, and which
        events these were, where the message does not name them.

    Raises:
        RuleError: When no valid rules were ever read.
        SchemaError: When the schema files never were without fault.
        LedgerError: When the ledger refuses, or is away for longer than events are leased to a
            router, or while the process stops; nothing is lost, the mover tries again.
    """
    router = _Router(context, bus)
    context.announce()
    turn = Turn(TURN, waits=context.reads_one_queue, least=_MANY)
    left, is_first = len(event_ids) or 1, True
    while left > 0 and not context.stopping.is_set() and (is_first or not turn.is_over()):
        taken = router.take(answers=is_first)
        if taken.is_called:
            send_calls(context, [route_message(bus, [])])
        router.route(taken.works)
        left, is_first = taken.left if taken.works else 0, False
        left = left or int(turn.wait(len(taken.works)))
    if context.silence is not None:
        context.silence.write(router.rules.fingerprint)
    if left > 0:
        call_again(context, router.ledger, ROUTE, route_message(bus, []))
    named = set(event_ids)
    return {**router.counts, **show_also([one for one in router.shown if one not in named])}


def groups(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Cut *items* into lists of at most *size*."""
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


class _Router:
    """One task's work: rules and schemas stay the same while it lasts."""

    def __init__(self, context: WorkerContext, bus: str) -> None:
        self.ledger = context.ledgers.of(bus)
        # Nothing is routed by older rules for longer than that: who starts a new target relies on it.
        self._ends = time.monotonic() + context.settings.route_lease
        self.rules = context.rules.current()
        self.counts = Counter(events=0, deliveries=0, dead_letters=0)
        self.shown: list[str] = []  # events that were routed: the first of them
        self._context = context
        self._tracing = context.tracing.for_many()
        self._bus = bus
        self._schemas = context.schemas.current()

    def take(self, *, answers: bool) -> RoutesTaken:
        """Have events handed out, as soon as the ledger can be reached."""
        settings = self._context.settings
        return self._insist(
            lambda: self.ledger.take_routes(
                _SLICE,
                lease=settings.route_lease,
                answers=answers,
                patience=settings.requeue_after,
            )
        )

    def route(self, works: Sequence[RouteWork]) -> None:
        """Route what was handed out."""
        batch = _Batch()
        for work in works:
            with route_step(self._tracing, self._bus, work) as step:
                self._plan(work, step, batch)
            if batch.size >= _MOST_REGISTERED:
                self._register(batch)
                batch = _Batch()
        self._register(batch)

    def _plan(self, work: RouteWork, step: Step, batch: _Batch) -> None:
        """Decide about one event; what is to be registered goes to the batch."""
        context, bus = self._context, self._bus
        event: Event | None = None
        planned: tuple[PlannedDelivery, ...] = ()
        letters: list[DeadLetter] = []
        try:
            event = _read(work, context.settings.max_route_attempts)
            begin_step(event)
            _check_schema(self._schemas, event)
            planned = self._match(work, event)
        except LedgerError:
            raise
        except NotYet as reason:
            _log.warning("%s", reason, extra={"action": "rules_behind", "event_id": work.event_id})
            return
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one event must not stop the next
            letters.append(_unroutable(bus, work, error, event))
        letters += [_input_fault(bus, work, item) for item in planned if item.fault]
        deliveries = [
            Planned(item.target.name, item.rules, item.input, step.traceparent)
            for item in planned
            if not item.fault
        ]
        judge_route(step, event, deliveries, letters)
        kind = event.type if event else ""
        routing = Routing(work.event_id, kind, deliveries, letters)
        if letters:  # told of within the step, whose ids the log carries
            self._register(_Batch([routing], [(event, planned)], len(deliveries)))
            return
        batch.routings.append(routing)
        batch.events.append((event, planned))
        batch.size += len(deliveries)

    def _match(self, work: RouteWork, event: Event) -> tuple[PlannedDelivery, ...]:
        settings = self._context.settings
        is_last = work.attempts >= settings.max_route_attempts
        only = self._context.restrictions.for_event(self._bus, event, self.rules, is_last=is_last)
        return plan(
            event,
            self.rules,
            accepted_at=work.accepted_at,
            max_input=INPUT_TIMES * settings.max_event_bytes,
            only=only,
            with_archive=True,
        )

    def _register(self, batch: _Batch) -> None:
        """Register all of a batch, and send a message to each queue that needs one."""
        if not batch.routings:
            return
        named = _named(batch.routings)
        written = self._written(named)
        routed = self._insist(lambda: self.ledger.finish_routes(batch.routings, written))
        letters: list[DeadLetter] = []
        for routing, (event, planned), is_first in zip(
            batch.routings, batch.events, routed.recorded, strict=True
        ):
            if not is_first:
                continue
            count_routed(self._context, self._bus, event, planned, routing.letters)
            letters += routing.letters
            _tell_dead(routing)
            self.counts["events"] += 1
            if len(self.shown) <= MOST_NAMED + MOST_SHOWN:
                self.shown.append(routing.event_id)
        if not all(routed.recorded):
            pairs = zip(batch.routings, routed.recorded, strict=True)
            named = _named([routing for routing, is_first in pairs if is_first])
        self.counts["deliveries"] += sum(map(len, named.values()))
        self.counts["dead_letters"] += len(letters)
        called = {name: items for name, items in named.items() if name in routed.called}
        send_calls(self._context, self._messages(called, [letter.id for letter in letters]))

    def _insist(self, call: Callable[[], T]) -> T:
        return insist(call, unless=self._is_late)

    def _is_late(self) -> bool:
        return self._context.stopping.is_set() or time.monotonic() > self._ends

    def _written(self, named: _Named) -> Mapping[str, WrittenCall]:
        """Return the calls that the ledger sends itself, where it can: one for each target."""
        written = self._context.calls
        if written is None or not written.are_written():
            return NO_CALLS
        size = self._context.settings.group_size
        # Those of the archives name all that there is, in as many messages as it takes.
        calls = {
            name: self._call(name, items[:size]) for name, items in named.items() if name != ARCHIVE
        }
        return written.to_workers(calls)

    def _call(self, name: str, items: Sequence[tuple[str, str, int]]) -> Message:
        target = self.rules.announced[name]
        return deliver_message(self._bus, name, target.queue, target.task, items)

    def _messages(self, called: _Named, letters: Sequence[str]) -> list[Message]:
        size = self._context.settings.group_size
        messages: list[Message] = []
        for name, items in called.items():
            messages += [self._call(name, group) for group in groups(items, size)]
        messages += [record_message(self._bus, group) for group in groups(letters, size)]
        return messages


def _named(routings: Iterable[Routing]) -> _Named:
    """Return the deliveries that come of events, as messages name them."""
    named: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for routing in routings:
        for item in routing.deliveries:
            identity = delivery_id(routing.event_id, item.target)
            named[item.target].append((identity, routing.event_type, 0))
    return named


def _read(work: RouteWork, most_attempts: int) -> Event:
    if work.attempts > most_attempts:
        message = f"routing it has ended its router {work.attempts - 1} times"
        raise EventError(message)
    return decode_event(work.body)


def _tell_dead(routing: Routing) -> None:
    event_id, _ = split_ledger_id(routing.event_id)
    for letter in routing.letters:
        _log.error(
            "event %s cannot be delivered: %s",
            routing.event_id,
            letter.error,
            extra={"action": "event_dead", "event_id": event_id, "reason": letter.reason},
        )


class _Misfit(EventError):  # noqa: N818 - tells the dead letter its reason
    """An event that does not fit its schema."""


def _check_schema(schemas: SchemaCheck, event: Event) -> None:
    result = schemas.check(event.source, event.type, event.dataschema, event.bus, event.data)
    if result.action is Action.REFUSE:
        raise _Misfit(result.message)
    if result.action is Action.WARN:
        extra = {"action": result.log_action, "event_id": event.id}
        _log.warning("%s", result.message, extra=extra)


def _unroutable(bus: str, work: RouteWork, error: Exception, event: Event | None) -> DeadLetter:
    reason = Reason.UNROUTABLE
    if isinstance(error, _Misfit):
        reason = Reason.SCHEMA
    elif isinstance(error, EventError) and event is None:
        reason = Reason.UNDECODABLE
    return DeadLetter(
        id=delivery_id(work.event_id, ROUTE),
        bus=bus,
        reason=reason,
        error=one_line(str(error)),
        error_type="EventError" if reason is Reason.SCHEMA else type(error).__qualname__,
        traceback=write_traceback(error) if reason is Reason.UNROUTABLE and event else "",
        attempts=work.attempts,
        event=raw_event(work.body),
        message=None if raw_event(work.body) else {"queue": ROUTE, "body": repr(work.body[:1000])},
        accepted_at=work.accepted_at,
        died_at=time.time(),
    )


def _input_fault(bus: str, work: RouteWork, item: PlannedDelivery) -> DeadLetter:
    return DeadLetter(
        id=delivery_id(work.event_id, item.target.name),
        target=item.target.name,
        bus=bus,
        rules=item.rules,
        reason=Reason.INPUT,
        error=one_line(item.fault),
        error_type="EventError",
        event=raw_event(work.body),
        accepted_at=work.accepted_at,
        died_at=time.time(),
    )
