"""The task `eventflow.route`: events in, registered deliveries and their messages out."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from eventflow.delivery import Ledger, Planned, RouteWork
from eventflow.encoding import decode_event
from eventflow.errors import EventError, LedgerError, TransportError
from eventflow.events import Event, delivery_id, split_ledger_id
from eventflow.records import DeadLetter, Reason
from eventflow.routing import INPUT_TIMES, PlannedDelivery, plan
from eventflow.rules import RuleSet, Target
from eventflow.schemas.validation import Action, SchemaCheck
from eventflow.telemetry import Step, begin_step
from eventflow.transport import Message, deliver_message, record_message, route_message
from eventflow.transport.messages import ROUTE
from eventflow.worker.context import WorkerContext
from eventflow.worker.letters import one_line, raw_event, write_traceback
from eventflow.worker.monitoring import count_routed
from eventflow.worker.restrictions import NotYet
from eventflow.worker.steps import judge_route, route_step

__all__ = ["groups", "route_events"]

_log = logging.getLogger("eventflow.route")

_SLICE = 4  # events taken from the ledger at once
T = TypeVar("T")


@dataclass
class _Sending:
    """What is to be sent once events are routed, gathered by target."""

    deliveries: dict[str, list[tuple[str, str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    letters: list[str] = field(default_factory=list)


def route_events(context: WorkerContext, bus: str, event_ids: Sequence[str]) -> dict[str, int]:
    """Route events: check, match, shape, register, send.

    Args:
        context: The process's parts.
        bus: The events' bus.
        event_ids: As many events are routed as are named here, and not always the same: the ledger
            hands them out by source and type in turn, so that no flood keeps others waiting.

    Returns:
        How many events were routed, and how many deliveries and dead letters came of them.

    Raises:
        RuleError: When no valid rules were ever read.
        SchemaError: When the schema files never were without fault.
        LedgerError: When the ledger cannot be reached; nothing is lost, the mover tries again.
    """
    ledger = context.ledgers.of(bus)
    rules = context.rules.current()
    schemas = context.schemas.current()
    context.announce()
    counts = Counter(events=0, deliveries=0, dead_letters=0)
    left = len(event_ids)
    seen: set[str] = set()
    pending = _Sending()
    while left > 0 and not context.stopping.is_set():
        # A few at a time: what has come meanwhile has its turn, though there is a flood.
        works = ledger.begin_route(min(left, _SLICE), lease=context.settings.route_lease)
        if not works:
            break  # another router had them
        left -= len(works)
        # The first of each lane is sent at once; the rest of a flood goes together, at the end.
        first = _Sending()
        for work in works:
            sending = pending if work.lane in seen else first
            seen.add(work.lane)
            with route_step(context.tracing, bus, work) as step:
                counts["events"] += _route_one(
                    context, ledger, rules, work, sending, schemas=schemas, step=step
                )
        counts.update(_send(context, bus, rules, first))
    counts.update(_send(context, bus, rules, pending))
    if context.silence is not None:
        context.silence.write(rules.fingerprint)
    if left > 0 and context.stopping.is_set():
        _give_back(context, bus, event_ids[-left:])
    return dict(counts)


def _give_back(context: WorkerContext, bus: str, event_ids: Sequence[str]) -> None:
    try:
        context.sender.send([route_message(bus, [(event_id, "") for event_id in event_ids])])
    except TransportError as error:
        _log.warning("%s", error, extra={"action": "send_failed", "messages": 1})


def groups(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Cut *items* into lists of at most *size*."""
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def _route_one(
    context: WorkerContext,
    ledger: Ledger,
    rules: RuleSet,
    work: RouteWork,
    sending: _Sending,
    *,
    schemas: SchemaCheck,
    step: Step,
) -> int:
    event: Event | None = None
    planned: tuple[PlannedDelivery, ...] = ()
    letters: list[DeadLetter] = []
    try:
        if work.attempts > context.settings.max_route_attempts:
            message = f"routing it has ended its router {work.attempts - 1} times"
            raise EventError(message)  # noqa: TRY301 - the same dead letter as the rest
        event = decode_event(work.body)
        begin_step(event)
        _check_schema(schemas, event)
        most = INPUT_TIMES * context.settings.max_event_bytes
        is_last = work.attempts >= context.settings.max_route_attempts
        only = context.restrictions.for_event(ledger.bus, event, rules, is_last=is_last)
        planned = plan(
            event,
            rules,
            accepted_at=work.accepted_at,
            max_input=most,
            only=only,
            with_archive=True,
        )
    except LedgerError:
        raise
    except NotYet as reason:
        _log.warning("%s", reason, extra={"action": "rules_behind", "event_id": work.event_id})
        return 0
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one event must not stop the next
        letters.append(_unroutable(ledger.bus, work, error, event))
    letters += [_input_fault(ledger.bus, work, item) for item in planned if item.fault]
    deliveries = [
        Planned(item.target.name, item.rules, item.input, step.traceparent)
        for item in planned
        if not item.fault
    ]
    judge_route(step, event, deliveries, letters)
    kind = event.type if event else ""
    if not ledger.finish_route(work.event_id, kind, deliveries, letters):
        return 0
    count_routed(context, ledger.bus, event, planned, letters)
    for item in deliveries:
        identity = delivery_id(work.event_id, item.target)
        sending.deliveries[item.target].append((identity, kind, 0))
    event_id, _ = split_ledger_id(work.event_id)
    for letter in letters:
        _log.error(
            "event %s cannot be delivered: %s",
            work.event_id,
            letter.error,
            extra={"action": "event_dead", "event_id": event_id, "reason": letter.reason},
        )
        sending.letters.append(letter.id)
    return 1


class _Misfit(EventError):  # noqa: N818 - tells the dead letter its reason
    """An event that does not fit its schema."""


def _check_schema(schemas: SchemaCheck, event: Event) -> None:
    result = schemas.check(event.source, event.type, event.dataschema, event.bus, event.data)
    if result.action is Action.REFUSE:
        raise _Misfit(result.message)
    if result.action is Action.WARN:
        extra = {"action": result.log_action, "event_id": event.id}
        _log.warning("%s", result.message, extra=extra)


def _send(context: WorkerContext, bus: str, rules: RuleSet, sending: _Sending) -> Counter[str]:
    size = context.settings.group_size
    messages: list[Message] = []
    for name, items in sending.deliveries.items():
        target: Target = rules.announced[name]
        messages += [
            deliver_message(bus, name, target.queue, target.task, group)
            for group in groups(items, size)
        ]
    messages += [record_message(bus, group) for group in groups(sending.letters, size)]
    try:
        context.sender.send(messages)
    except TransportError as error:
        # All is registered: the mover sends it once the broker is back.
        _log.warning("%s", error, extra={"action": "send_failed", "messages": len(messages)})
    deliveries = sum(len(items) for items in sending.deliveries.values())
    return Counter(deliveries=deliveries, dead_letters=len(sending.letters))


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
