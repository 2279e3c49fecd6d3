"""The publisher: checks events, has the ledger accept them, and wakes a router."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.delivery import Acceptance, Ledgers
from eventflow.encoding import encode_event, json_data
from eventflow.errors import EventError, LedgerError, PublishError, TransportError
from eventflow.events import Event, describe_kind, validate_event
from eventflow.schemas import EventModel
from eventflow.schemas.source import SchemaSource
from eventflow.schemas.validation import Action
from eventflow.settings import Settings
from eventflow.transport import Sender, route_message

__all__ = ["Publishable", "Publisher", "with_envelope"]

_log = logging.getLogger("eventflow.publish")
_MOST_AT_ONCE = 500  # events in one call of the ledger
_MOST_ROUTED_AT_ONCE = 20  # events that a message names: so long may another one's event wait

Publishable = EventModel | Event[Any]


@dataclass(frozen=True, slots=True)
class _Ready:
    event: Event[Any]
    body: bytes


class Publisher:
    """Publishes to the ledger first and the broker second. Safe in threads and after a fork."""

    def __init__(
        self, settings: Settings, ledgers: Ledgers, sender: Sender, schemas: SchemaSource
    ) -> None:
        self._settings = settings
        self._ledgers = ledgers
        self._sender = sender
        self._schemas = schemas

    def publish(self, items: Sequence[Publishable]) -> list[Event[Any]]:
        """Publish events: when this returns, all of them are in the ledger.

        An event whose id is known already counts as published; nothing happens twice.

        Args:
            items: Events, or models that become events. All are checked before the first goes.

        Returns:
            The events, in order.

        Raises:
            EventError: When one cannot be published as it is, or does not fit its schema; then
                none is.
            SchemaError: When the schema files are faulty, and never were without fault.
            PublishError: When the ledger cannot be reached, or as many events wait to be routed as
                may (`EVENTFLOW_MAX_BACKLOG`); it names what was accepted.
        """
        ready = self._prepare_all(items)
        accepted: list[str] = []
        by_bus: dict[str, list[_Ready]] = {}
        for one in ready:
            by_bus.setdefault(one.event.bus, []).append(one)
        for bus, group in by_bus.items():
            for start in range(0, len(group), _MOST_AT_ONCE):
                part = group[start : start + _MOST_AT_ONCE]
                self._accept(bus, part, accepted, [one.event.id for one in ready])
        return [one.event for one in ready]

    def prepare(self, items: Sequence[Publishable]) -> list[tuple[Event[Any], bytes]]:
        """Check events as `publish` does, and publish none: what an outbox is to store.

        Returns:
            Each event, and the JSON that `eventflow.encoding.decode_event` reads back.

        Raises:
            EventError: When one cannot be published as it is.
        """
        return [(one.event, one.body) for one in self._prepare_all(items)]

    def _prepare_all(self, items: Sequence[Publishable]) -> list[_Ready]:
        ready: list[_Ready] = []
        for item in items:
            try:
                ready.append(self._prepare(item))
            except EventError as error:
                if len(items) == 1:
                    raise
                message = f"event {len(ready) + 1} of the list: {error.message}"
                raise EventError(message, error.path) from error
        return ready

    def _prepare(self, item: Publishable) -> _Ready:
        if isinstance(item, EventModel):
            event = item.to_event()
        elif isinstance(item, dict):
            event = validate_event(item)
        elif isinstance(item, Event):
            event = item
        else:
            message = f"only an Event or an EventModel can be published, not {describe_kind(item)}"
            raise EventError(message)
        data = json_data(event, max_depth=self._settings.max_event_depth)
        body = encode_event(event, max_bytes=self._settings.max_event_bytes, data=data)
        if isinstance(event.data, EventModel):
            event.data.check()
        self._check_schema(event, data)
        return _Ready(event, body)

    def _check_schema(self, event: Event[Any], data: dict[str, Any]) -> None:
        result = self._schemas.current().check(
            event.source, event.type, event.dataschema, event.bus, data
        )
        if result.action is Action.REFUSE:
            raise EventError(result.message)
        if result.action is Action.WARN:
            extra = {"action": result.log_action, "event_id": event.id}
            _log.warning("%s", result.message, extra=extra)

    def _accept(
        self, bus: str, part: Sequence[_Ready], accepted: list[str], wanted: Sequence[str]
    ) -> None:
        ledger = self._ledgers.of(bus)
        try:
            answers = ledger.accept([(one.event.id, one.body, _lane(one.event)) for one in part])
        except LedgerError as error:
            raise _refusal(error.message, accepted, wanted) from error
        taken = [
            (one.event, answer)
            for one, answer in zip(part, answers, strict=True)
            if answer is not Acceptance.FULL
        ]
        accepted += [event.id for event, _ in taken]
        self._wake(
            bus,
            [
                (event.id, event.type)
                for event, answer in taken
                if answer is not Acceptance.DUPLICATE
            ],
        )
        if len(taken) < len(part):
            message = (
                f"{self._settings.max_backlog:,} events of the bus {bus!r} wait to be routed, and "
                "no more may: see whether a router runs (`eventflow doctor`) and publish again "
                "later, or raise EVENTFLOW_MAX_BACKLOG where Redis has the memory for it"
            )
            raise _refusal(message, accepted, wanted)

    def _wake(self, bus: str, waiting: Sequence[tuple[str, str]]) -> None:
        size = min(self._settings.group_size, _MOST_ROUTED_AT_ONCE)
        messages = [
            route_message(bus, waiting[start : start + size])
            for start in range(0, len(waiting), size)
        ]
        try:
            self._sender.send(messages)
        except TransportError as error:
            # The ledger has the events: the mover wakes a router once the broker is back.
            _log.warning(
                "%d events are accepted and wait for the broker: %s",
                len(waiting),
                error,
                extra={"action": "send_failed", "messages": len(messages)},
            )


def with_envelope(event: Publishable, envelope: Mapping[str, Any]) -> Publishable:
    """Return the event of a model with these fields of its envelope.

    Raises:
        TypeError: When it is an Event, which has its envelope.
    """
    if not envelope:
        return event
    if isinstance(event, Event):
        message = f"an Event has its envelope; set {', '.join(envelope)} where it is made"
        raise TypeError(message)
    return event.to_event(**envelope)


def _lane(event: Event[Any]) -> str:
    """Return what is routed in turn with others: events of one source and type."""
    return f"{event.source}|{event.type}"


def _refusal(reason: str, accepted: Sequence[str], wanted: Sequence[str]) -> PublishError:
    known = set(accepted)
    rejected = [event_id for event_id in wanted if event_id not in known]
    message = f"{len(rejected)} of {len(wanted)} events could not be published: {reason}"
    return PublishError(message, accepted, rejected)
