"""What is checked of events before anything leaves: their form, their limits, their schemas."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from eventflow.encoding import encode_event, json_data
from eventflow.errors import EventError
from eventflow.events import Event, describe_kind, validate_event
from eventflow.schemas import EventModel
from eventflow.schemas.source import SchemaSource
from eventflow.schemas.validation import Action
from eventflow.settings import Settings
from eventflow.telemetry import Publication

__all__ = ["Preparation", "Publishable", "Ready", "with_envelope"]

_log = logging.getLogger("eventflow.publish")

Publishable = EventModel | Event[Any]
GivenT = TypeVar("GivenT")
MadeT = TypeVar("MadeT")


@dataclass(frozen=True, slots=True)
class Ready:
    """An event that may be published.

    Attributes:
        event: The event.
        body: Its JSON.
    """

    event: Event[Any]
    body: bytes


class Preparation:
    """Makes events ready, or refuses them. Thread-safe.

    Args:
        settings: Their limits are used.
        schemas: What events must fit.
    """

    def __init__(self, settings: Settings, schemas: SchemaSource) -> None:
        self._settings = settings
        self._schemas = schemas

    def of(self, items: Sequence[Publishable], publication: Publication) -> list[Ready]:
        """Check all events.

        Args:
            items: Events, or models that become events.
            publication: Says which trace context they carry.

        Returns:
            The events, in order.

        Raises:
            EventError: When one cannot be published as it is, or does not fit its schema; in a list
                it says which.
            SchemaError: When the schema files are faulty, and never were without fault.
        """
        events = publication.mark(_each(items, _event_of))
        return _each(events, self._prepare)

    def _prepare(self, event: Event[Any]) -> Ready:
        data = json_data(event, max_depth=self._settings.max_event_depth)
        body = encode_event(event, max_bytes=self._settings.max_event_bytes, data=data)
        if isinstance(event.data, EventModel):
            event.data.check()
        self._check_schema(event, data)
        return Ready(event, body)

    def _check_schema(self, event: Event[Any], data: dict[str, Any]) -> None:
        result = self._schemas.current().check(
            event.source, event.type, event.dataschema, event.bus, data
        )
        if result.action is Action.REFUSE:
            raise EventError(result.message)
        if result.action is Action.WARN:
            extra = {"action": result.log_action, "event_id": event.id}
            _log.warning("%s", result.message, extra=extra)


def _event_of(item: Publishable) -> Event[Any]:
    if isinstance(item, Event):
        return item
    if isinstance(item, EventModel):
        return item.to_event()
    if isinstance(item, dict):
        return validate_event(item)
    message = f"only an Event or an EventModel can be published, not {describe_kind(item)}"
    raise EventError(message)


def _each(items: Sequence[GivenT], make: Callable[[GivenT], MadeT]) -> list[MadeT]:
    """Make something of each; of a list, the error says which one cannot be."""
    made: list[MadeT] = []
    for item in items:
        try:
            made.append(make(item))
        except EventError as error:
            if len(items) == 1:
                raise
            message = f"event {len(made) + 1} of the list: {error.message}"
            raise EventError(message, error.path) from error
    return made


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
