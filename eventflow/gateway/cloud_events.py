"""CloudEvents 1.0 as events, and events as CloudEvents: the JSON of one, and its headers.

What an event has no field for: `datacontenttype`, since data is always JSON; extension attributes
other than those of `EXTENSIONS`, which are passed over and named to the sender.
Source: CloudEvents 1.0.2, JSON Event Format 1.0.2, HTTP Protocol Binding 1.0.2.
"""

import base64
import binascii
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.errors import EventError
from eventflow.events import DEFAULT_BUS, Event, describe_kind, validate_event, write_time

__all__ = ["EXTENSIONS", "Received", "event_id", "is_json", "read_document", "write_attributes"]

EXTENSIONS = ("bus", "traceparent", "tracestate", "account", "region")
"""The extension attributes that an event has a field for, by the same name."""

_LONGEST_ID = 200  # an event's
_NAME = re.compile(r"[a-z0-9]+")
# RFC 3986: what a URI-reference may be made of. A bar is not among it, which `event_id` relies on.
_REFERENCE = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_MEDIA_TYPE = re.compile(r"\s*([\w.+-]+)/([\w.+-]+)\s*(?:;.*)?", re.DOTALL)
_KNOWN = {"specversion", "id", "source", "type", "time", "subject", "dataschema"}
_CONTENT = {"data", "data_base64", "datacontenttype"}
_RANDOM_VERSIONS = (4, 7)


@dataclass(frozen=True, slots=True)
class Received:
    """A CloudEvent that came.

    Attributes:
        event: What it is here.
        ignored: The names of the extension attributes that were passed over.
    """

    event: Event[Any]
    ignored: tuple[str, ...]


def event_id(source: str, id: str) -> str:
    """Return the id of an event whose sender's ids are unique in its source alone.

    Two sources may both have an event `1`, and an event's id is unique in its bus. So it is
    `SOURCE|1`; of one that is too long, its SHA-256. A random UUID (version 4 or 7) is unique by
    itself, and stays as it is; not one of another version, which others could foresee and so make
    the real event count as published.

    Args:
        source: The event's source.
        id: What its sender calls it.

    Returns:
        The event's id: the same for the same two, whenever it is sent.
    """
    try:
        parsed = uuid.UUID(id)
    except ValueError:
        parsed = None
    if parsed is not None and parsed.version in _RANDOM_VERSIONS and str(parsed) == id:
        return id
    qualified = f"{source}|{id}"
    if len(qualified) <= _LONGEST_ID:
        return qualified
    return f"sha256:{hashlib.sha256(qualified.encode()).hexdigest()}"


def is_json(media_type: str) -> bool:
    """Say whether a media type is JSON: `application/json`, or one that ends in `+json`."""
    match = _MEDIA_TYPE.fullmatch(media_type)
    if match is None:
        return False
    subtype = match[2].lower()
    return subtype == "json" or subtype.endswith("+json")


def read_document(document: object) -> Received:
    """Read a CloudEvent in JSON, as the structured mode has it.

    Args:
        document: What the JSON says.

    Returns:
        The event.

    Raises:
        EventError: When it is no CloudEvent, or none that an event can be made of.
    """
    if not isinstance(document, dict):
        message = f"a CloudEvent is a JSON object, not {describe_kind(document)}"
        raise EventError(message)
    # An attribute that is null is not set. Source: JSON Event Format, section 2.
    attributes = {
        name: value
        for name, value in document.items()
        if name not in _CONTENT and value is not None
    }
    _check_attributes(attributes)
    names = _KNOWN - {"specversion"} | set(EXTENSIONS)
    fields = {name: value for name, value in attributes.items() if name in names}
    fields["data"] = _read_data(document)
    fields["id"] = event_id(attributes["source"], attributes["id"])
    ignored = sorted(attributes.keys() - names - {"specversion"})
    return Received(validate_event(fields), tuple(ignored))


def write_attributes(event: Event[Any]) -> dict[str, str]:
    """Return an event's attributes as a CloudEvent, its data apart.

    Args:
        event: The event; its source must be a URI-reference, as a CloudEvent's is.

    Returns:
        Names and values, as JSON and headers have them.
    """
    attributes = {
        "specversion": "1.0",
        "id": event.id.removeprefix(f"{event.source}|"),
        "source": event.source,
        "type": event.type,
        "time": write_time(event.time),
        "datacontenttype": "application/json",
    }
    if event.bus != DEFAULT_BUS:
        attributes["bus"] = event.bus
    for name in ("subject", "dataschema", "traceparent", "tracestate", "account", "region"):
        value = getattr(event, name)
        if value:
            attributes[name] = value
    if event.replay_name is not None:
        attributes["replayname"] = event.replay_name
    return attributes


def _check_attributes(attributes: Mapping[str, Any]) -> None:
    for name in ("specversion", "id", "source", "type"):
        value = attributes.get(name)
        if value is None:
            message = "is missing"
            raise EventError(message, name)
        if not isinstance(value, str) or not value:
            message = "must be a string that is not empty"
            raise EventError(message, name)
    if attributes["specversion"] != "1.0":
        message = f"is {attributes['specversion']!r}: only CloudEvents 1.0 are read here"
        raise EventError(message, "specversion")
    if not _REFERENCE.fullmatch(attributes["source"]):
        message = f"{attributes['source']!r} is no URI-reference, such as courier.app or /doors/7"
        raise EventError(message, "source")
    if not attributes["id"].isprintable():
        message = f"{attributes['id'][:40]!r} has a character that cannot be printed"
        raise EventError(message, "id")
    for name, value in attributes.items():
        if not _NAME.fullmatch(name):
            message = "is no attribute's name: those are lower-case letters and digits"
            raise EventError(message, name)
        if not isinstance(value, str | bool | int):
            message = f"must be a string, an integer or a boolean, not {describe_kind(value)}"
            raise EventError(message, name)


def _read_data(document: Mapping[str, Any]) -> Any:
    content_type = document.get("datacontenttype")
    if content_type is not None and not (isinstance(content_type, str) and is_json(content_type)):
        message = f"is {content_type!r}: an event's data is JSON (application/json)"
        raise EventError(message, "datacontenttype")
    encoded = document.get("data_base64")
    if encoded is None:
        data = document.get("data")
    elif "data" in document:
        message = "stands beside data: an event has one of the two"
        raise EventError(message, "data_base64")
    elif not isinstance(encoded, str):
        message = f"must be a string, not {describe_kind(encoded)}"
        raise EventError(message, "data_base64")
    else:
        data = _decode(encoded)
    if data is None:
        return {}
    if not isinstance(data, dict):
        message = f"must be an object, not {describe_kind(data)}"
        raise EventError(message, "data")
    return data


def _decode(encoded: str) -> Any:
    try:
        return json.loads(base64.b64decode(encoded, validate=True))
    except (ValueError, RecursionError, binascii.Error) as error:
        message = f"is no JSON in base64: {error}"
        raise EventError(message, "data_base64") from None
