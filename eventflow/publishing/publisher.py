"""The publisher: checks events, has the ledger accept them, and wakes a router."""

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.delivery import Acceptance, Ledgers
from eventflow.encoding import encode_event
from eventflow.errors import EventError, LedgerError, PublishError, TransportError
from eventflow.events import Event, describe_kind, validate_event
from eventflow.schemas import EventModel
from eventflow.settings import Settings
from eventflow.transport import MessageSender, route_message

__all__ = ["Publishable", "Publisher"]

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

    def __init__(self, settings: Settings, ledgers: Ledgers, sender: MessageSender) -> None:
        self._settings = settings
        self._ledgers = ledgers
        self._sender = sender

    def on(self, ledgers: Ledgers, sender: MessageSender) -> "Publisher":
        """Return a publisher that does the same on other parts."""
        other = copy.copy(self)
        other._ledgers, other._sender = ledgers, sender  # noqa: SLF001 - its own kind
        return other

    def publish(self, items: Sequence[Publishable]) -> list[Event[Any]]:
        """Publish events: when this returns, all of them are in the ledger.

        An event whose id is known already counts as published; nothing happens twice.

        Args:
            items: Events, or models that become events. All are checked before the first goes.

        Returns:
            The events, in order.

        Raises:
            EventError: When one cannot be published as it is; then none is.
            PublishError: When the ledger cannot be reached, or as many events wait to be routed as
                may (`EVENTFLOW_MAX_BACKLOG`); it names what was accepted.
        """
        ready = [self._prepare(item, number) for number, item in enumerate(items)]
        accepted: list[str] = []
        by_bus: dict[str, list[_Ready]] = {}
        for one in ready:
            by_bus.setdefault(one.event.bus, []).append(one)
        for bus, group in by_bus.items():
            for start in range(0, len(group), _MOST_AT_ONCE):
                part = group[start : start + _MOST_AT_ONCE]
                self._accept(bus, part, accepted, [one.event.id for one in ready])
        return [one.event for one in ready]

    def _prepare(self, item: Publishable, number: int) -> _Ready:
        if isinstance(item, EventModel):
            event = item.to_event()
        elif isinstance(item, dict):
            event = validate_event(item)
        elif isinstance(item, Event):
            event = item
        else:
            message = f"only an Event or an EventModel can be published, not {describe_kind(item)}"
            raise EventError(message)
        try:
            body = encode_event(
                event,
                max_bytes=self._settings.max_event_bytes,
                max_depth=self._settings.max_event_depth,
            )
        except EventError as error:
            if number == 0:
                raise
            message = f"event {number + 1} of the list: {error.message}"
            raise EventError(message, error.path) from error
        return _Ready(event, body)

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


def _lane(event: Event[Any]) -> str:
    """Return what is routed in turn with others: events of one source and type."""
    return f"{event.source}|{event.type}"


def _refusal(reason: str, accepted: Sequence[str], wanted: Sequence[str]) -> PublishError:
    known = set(accepted)
    rejected = [event_id for event_id in wanted if event_id not in known]
    message = f"{len(rejected)} of {len(wanted)} events could not be published: {reason}"
    return PublishError(message, accepted, rejected)
