"""The event: its envelope, its ids, and EventBridge's dict, which patterns see.

Field names are the design's (`type`, `data`); EventBridge's (`detail-type`, `detail`) are their
aliases, so that an event written for AWS loads unchanged and patterns move both ways.
Source: Amazon EventBridge user guide, "Event structure".
"""

import os
import re
import uuid
from collections.abc import Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated, Any, Generic

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import to_jsonable_python
from typing_extensions import TypeVar

from eventflow.errors import EventError

__all__ = [
    "DEFAULT_BUS",
    "Event",
    "delivery_id",
    "describe_kind",
    "is_replay_name",
    "ledger_id",
    "split_delivery_id",
    "split_ledger_id",
    "validate_event",
    "write_path",
    "write_time",
]

DEFAULT_BUS = "default"

_REPLAY = "@replay:"  # no event's own id has it: see _check_own_id
_REPLAY_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

# RFC 9562, 5.4: four bits of a random UUID are its version, and two its variant.
_RANDOM = ~(0xF << 76 | 0b11 << 62)
_VERSION_4 = 0x4 << 76 | 0b10 << 62

DataT = TypeVar("DataT", default=dict[str, Any])

_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})")


def _check_time(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            message = f"{value.isoformat()} has no time zone: use datetime.now(UTC) or the like"
            raise ValueError(message)
        return value
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        return value
    message = f"{value!r} is no RFC 3339 time with a zone, such as 2026-11-23T19:56:00Z"
    raise ValueError(message)


def write_time(value: datetime) -> str:
    """Write a moment as RFC 3339 in UTC, ending in Z."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return f"{value.isoformat()[:-6]}Z"  # without +00:00


def _check_range(value: datetime) -> datetime:
    if MINYEAR < value.year < MAXYEAR:
        return value
    try:
        value.astimezone(UTC)
    except OverflowError:
        message = f"{value.isoformat()} is outside of the years 1 to 9999 in UTC"
        raise ValueError(message) from None
    return value


def _check_text(value: str) -> str:
    if not value.isprintable():
        message = f"{value!r} has a character that cannot be printed"
        raise ValueError(message)
    return value


def _check_id(value: object) -> object:
    return str(value) if isinstance(value, uuid.UUID) else value


Time = Annotated[
    datetime,
    BeforeValidator(_check_time),
    AfterValidator(_check_range),
    PlainSerializer(write_time, return_type=str, when_used="json"),
]
# Last in an annotation: a length that comes after it would be said in words of lists.
_PRINTABLE = AfterValidator(_check_text)


def _check_own_id(value: str) -> str:
    if _REPLAY in value:
        message = f"{value!r} contains {_REPLAY!r}, which marks events that are sent again: take another id"
        raise ValueError(message)
    return value


def _new_id() -> str:
    """Return a random UUID, version 4; a third of the time of `str(uuid.uuid4())`."""
    digits = f"{int.from_bytes(os.urandom(16)) & _RANDOM | _VERSION_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _now() -> datetime:
    return datetime.now(UTC)


_Model = type[BaseModel]  # inside of Event, `type` is a field


class Event(BaseModel, Generic[DataT]):
    """Something that happened.

    `Event[Model]` has typed `data`; plain `Event` has a dict.

    Attributes:
        id: Unique in its bus; a new UUID when missing. Publishing one id twice is one event.
        source: Who says so, such as `courier.app`; 1 to 256 characters.
        type: What happened, EventBridge's `detail-type`; 1 to 128 characters.
        time: When it happened, with a time zone; now when missing.
        subject: What it is about, such as a parcel's number.
        data: The event's own content, EventBridge's `detail`: an object.
        bus: The named stream it belongs to.
        resources: EventBridge's list of the resources concerned.
        account: EventBridge's account, for rules that were written there.
        region: EventBridge's region, likewise.
        dataschema: Which schema `data` follows, as `source/type/version`.
        traceparent: W3C trace context.
        tracestate: W3C trace context.
        replay_name: The replay that sent it again; None the first time.

    Raises:
        pydantic.ValidationError: When a field is missing, unknown or wrong. `validate_event`
            says the same as an `EventError`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        # A fault's text must not carry the payload into a log.
        hide_input_in_errors=True,
        strict=False,
    )

    id: Annotated[
        str,
        BeforeValidator(_check_id),
        Field(min_length=1, max_length=200),
        _PRINTABLE,
        AfterValidator(_check_own_id),
    ] = Field(default_factory=_new_id)
    source: Annotated[str, Field(min_length=1, max_length=256), _PRINTABLE]
    type: Annotated[str, Field(alias="detail-type", min_length=1, max_length=128), _PRINTABLE]
    time: Time = Field(default_factory=_now)
    subject: Annotated[str, Field(max_length=1024)] | None = None
    data: DataT = Field(alias="detail", repr=False)
    bus: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = DEFAULT_BUS
    resources: tuple[str, ...] = ()
    account: str = ""
    region: str = ""
    dataschema: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    replay_name: str | None = Field(default=None, alias="replay-name")

    @model_validator(mode="before")
    @classmethod
    def _drop_envelope_version(cls, values: Any) -> Any:
        """Pass over EventBridge's `version`: always "0" there, and about the envelope alone."""
        if isinstance(values, dict) and "version" in values:
            if values["version"] != "0":
                message = 'version is of the envelope and always "0"; a schema\'s is in dataschema'
                raise ValueError(message)
            return {name: value for name, value in values.items() if name != "version"}
        return values

    def to_eventbridge(self) -> dict[str, Any]:
        """Return the dict that patterns and input paths see, with EventBridge's names only.

        Returns:
            `version, id, detail-type, source, account, time, region, resources, detail`, and
            `replay-name` on a replay; every value as JSON has it.
        """
        document: dict[str, Any] = {
            "version": "0",
            "id": self.id,
            "detail-type": self.type,
            "source": self.source,
            "account": self.account,
            "time": write_time(self.time),
            "region": self.region,
            "resources": list(self.resources),
            "detail": to_jsonable_python(self.data),
        }
        if self.replay_name is not None:
            document["replay-name"] = self.replay_name
        return document

    def with_data(self, model: _Model) -> "Event[Any]":
        """Return this event with its `data` validated as *model*.

        Raises:
            pydantic.ValidationError: When the data does not fit.
        """
        values: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        values["data"] = model.model_validate(self.data)
        return Event[model].model_construct(**values)  # type: ignore[valid-type]


def validate_event(document: object) -> Event:
    """Read an event from outside, saying every fault with its field.

    Args:
        document: A mapping with eventflow's or EventBridge's names.

    Returns:
        The event; an id and a time are given to it where missing.

    Raises:
        EventError: When it is no object, or a field is missing, unknown or wrong.
    """
    if isinstance(document, Event):
        return document
    if not isinstance(document, dict):
        message = f"an event is a JSON object, not {describe_kind(document)}"
        raise EventError(message)
    try:
        return Event.model_validate(document)
    except ValidationError as error:
        raise _event_error(error, document) from None


def delivery_id(event_id: str, target: str) -> str:
    """Return the id of the delivery of one event to one target: a function of the two alone."""
    return f"{event_id}:{target}"


def split_delivery_id(delivery: str) -> tuple[str, str]:
    """Return the event's id and the target's name that *delivery* was made of.

    Raises:
        ValueError: When it is no delivery id.
    """
    event_id, separator, target = delivery.rpartition(":")
    if not separator:
        message = f"{delivery!r} is no delivery id, which looks like EVENT-ID:TARGET"
        raise ValueError(message)
    return event_id, target


def ledger_id(event_id: str, replay_name: str | None) -> str:
    """Return the id by which the ledger knows an event: its own, or one of the replay's own.

    So what a replay sends again is not taken for what was sent the first time, and each event of a
    replay is sent once.

    Args:
        event_id: The event's id.
        replay_name: The replay that sends it; None the first time.
    """
    return event_id if replay_name is None else f"{event_id}{_REPLAY}{replay_name}"


def split_ledger_id(identity: str) -> tuple[str, str | None]:
    """Return the event's own id, and the replay that sent it; None for the first time."""
    event_id, separator, replay_name = identity.rpartition(_REPLAY)
    return (event_id, replay_name) if separator else (identity, None)


def is_replay_name(text: str) -> bool:
    """Whether a replay may be called so: EventBridge's rule, 1 to 64 of letters, digits, `.-_`."""
    return _REPLAY_NAME.fullmatch(text) is not None


def write_path(path: Sequence[str | int]) -> str:
    """Write where in a document something is, such as ``data.doors[0].kind``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def describe_kind(value: object) -> str:
    """Say what kind of JSON value this is, for a message: ``an array``, ``null``."""
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a number",
    }
    if value is None:
        return "null"
    return names.get(type(value), f"a {type(value).__name__}")


def _words(kind: str, message: str) -> str:
    """Return pydantic's message in JSON's words, where it speaks Python's."""
    plain = {
        "dict_type": "must be an object",
        "string_type": "must be a string",
        "missing": "is missing",
        "extra_forbidden": "is no field of an event",
    }
    return plain.get(kind, message.removeprefix("Value error, "))


def _event_error(error: ValidationError, document: dict[Any, Any]) -> EventError:
    faults = [
        (_place(item["loc"], document) or "event", _words(item["type"], item["msg"]))
        for item in error.errors(include_url=False, include_input=False)
    ]
    if len(faults) == 1:
        return EventError(faults[0][1], faults[0][0])
    return EventError("; ".join(f"{path}: {message}" for path, message in faults))


def _place(path: tuple[str | int, ...], document: dict[Any, Any]) -> str:
    """Name a field as the document does: pydantic says `detail` of a document without `data`."""
    if path and path[0] not in document:
        names = {field.alias: name for name, field in Event.model_fields.items() if field.alias}
        path = (names.get(str(path[0]), path[0]), *path[1:])
    return write_path(path)
