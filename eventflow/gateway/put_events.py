"""EventBridge's `PutEvents`: entries as events, each with a result of its own.

Source: EventBridge API reference, "PutEvents", and user guide, "Calculating PutEvents entry size".
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from eventflow.errors import EventError, EventflowError, PublishError
from eventflow.events import DEFAULT_BUS, Event, describe_kind, validate_event
from eventflow.gateway.publishers import Publisher
from eventflow.gateway.refusals import Refusal

__all__ = [
    "MOST_BYTES",
    "MOST_ENTRIES",
    "EntryError",
    "check_entries",
    "failure_of",
    "read_entry",
    "result_of",
]

MOST_ENTRIES = 10
"""The most entries of a request."""
MOST_BYTES = 1024 * 1024
"""What all entries of a request must stay below."""

_TIME_BYTES = 14
_VALIDATION = "ValidationException"
_NEEDED = ("Source", "DetailType", "Detail")
_KINDS: dict[str, type | tuple[type, ...]] = {
    "Time": (int, float),
    "Source": str,
    "Resources": list,
    "DetailType": str,
    "Detail": str,
    "EventBusName": str,
    "TraceHeader": str,
}
_IN_DATA = re.compile(r"(?:data|detail)(?![\w-])")
_TRACE = re.compile(
    r"(?=.*Root=1-(?P<time>[0-9a-f]{8})-(?P<unique>[0-9a-f]{24}))"
    r"(?=.*Parent=(?P<parent>[0-9a-f]{16}))(?:.*Sampled=(?P<sampled>[01]))?.*"
)


def check_entries(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a request's entries.

    Args:
        request: What the request says.

    Returns:
        One to ten entries, with values of the right kind.

    Raises:
        Refusal: When the request fails as a whole.
    """
    if request.get("EndpointId") is not None:
        message = "Parameter EndpointId is not valid. Reason: there are no global endpoints here."
        raise Refusal(message, code=_VALIDATION)
    entries = request.get("Entries")
    if entries is None:
        entries = []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        message = "Entries must be a list of structures."
        raise Refusal(message, code="SerializationException")
    if not 1 <= len(entries) <= MOST_ENTRIES:
        bound = f"less than or equal to {MOST_ENTRIES}" if entries else "greater than or equal to 1"
        message = (
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: "
            f"Member must have length {bound}"
        )
        raise Refusal(message, code=_VALIDATION)
    for index, entry in enumerate(entries):
        _check_kinds(index, entry)
    if not any(all(entry.get(name) for name in _NEEDED) for entry in entries):
        name = next(name for name in _NEEDED if not entries[0].get(name))
        raise Refusal(_required(name), code=_VALIDATION)
    if sum(map(_size_of, entries)) >= MOST_BYTES:
        message = "Total size of the entries in the request is over the limit."
        raise Refusal(message, code=_VALIDATION)
    return entries


class EntryError(EventflowError):
    """An entry fails, and the others of its request do not.

    Attributes:
        code: Why, by AWS's names.
    """

    def __init__(self, message: str = "", code: str = "InvalidArgument") -> None:
        super().__init__(message)
        self.args = (message, code)
        self.code = code


def read_entry(entry: Mapping[str, Any], publisher: Publisher) -> Event[Any]:
    """Make an event of an entry.

    Args:
        entry: One of the request.
        publisher: Whose request it is.

    Returns:
        The event, with a new id.

    Raises:
        EntryError: When there can be none.
        EventError: When it has what an event cannot have.
    """
    for name in _NEEDED:
        if not entry.get(name):
            raise EntryError(_required(name))
    source = entry["Source"]
    if source.startswith("aws.") or not publisher.may_publish_as(source):
        message = "Not authorized for the source."
        raise EntryError(message, "NotAuthorizedForSourceException")
    bus = (entry.get("EventBusName") or DEFAULT_BUS).rpartition("/")[2]
    if not publisher.may_use(bus):
        message = f"{publisher.name} is not authorized to perform: events:PutEvents on the event bus {bus}"
        raise EntryError(message, "AccessDeniedException")
    fields = {
        "source": source,
        "detail-type": entry["DetailType"],
        "detail": _read_detail(entry["Detail"]),
        "bus": bus,
        "resources": tuple(entry.get("Resources") or ()),
        "traceparent": _traceparent(entry.get("TraceHeader") or ""),
    }
    if entry.get("Time") is not None:
        fields["time"] = _read_time(entry["Time"])
    return validate_event(fields)


def result_of(event: Event[Any]) -> dict[str, str]:
    """Return the result of an entry that is accepted."""
    return {"EventId": event.id}


def failure_of(error: EventflowError) -> dict[str, str]:
    """Return the result of an entry whose event is not accepted.

    Args:
        error: Why.
    """
    code, message = "InvalidArgument", f"The entry is not valid. {error}"
    if isinstance(error, EntryError):
        code, message = error.code, error.message
    elif isinstance(error, PublishError):
        code, message = "InternalFailure", error.message
    elif isinstance(error, EventError) and _IN_DATA.match(error.path):
        code, message = "MalformedDetail", f"Detail is malformed. {error}"
    return {"ErrorCode": code, "ErrorMessage": message}


def _read_detail(text: str) -> dict[str, Any]:
    try:
        detail = json.loads(text)
    except (ValueError, RecursionError):
        message = "Detail is malformed."
        raise EntryError(message, "MalformedDetail") from None
    if not isinstance(detail, dict):
        message = f"Detail is malformed. It must be a JSON object, not {describe_kind(detail)}."
        raise EntryError(message, "MalformedDetail")
    return detail


def _read_time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        message = "Parameter Time is not valid."
        raise EntryError(message) from None


def _check_kinds(index: int, entry: Mapping[str, Any]) -> None:
    for name, kind in _KINDS.items():
        value = entry.get(name)
        is_wrong = not isinstance(value, kind) or isinstance(value, bool)
        if name == "Resources" and isinstance(value, list):
            is_wrong = not all(isinstance(resource, str) for resource in value)
        if value is not None and (is_wrong or (isinstance(value, float) and math.isnan(value))):
            message = f"Entries[{index}].{name} must not be {describe_kind(value)}."
            raise Refusal(message, code="SerializationException")


def _size_of(entry: Mapping[str, Any]) -> int:
    texts: Sequence[str] = [entry.get(name) or "" for name in _NEEDED]
    size = sum(
        len(text.encode(errors="replace")) for text in (*texts, *(entry.get("Resources") or ()))
    )
    return size + (_TIME_BYTES if entry.get("Time") is not None else 0)


def _traceparent(header: str) -> str | None:
    """Turn X-Ray's header into W3C's, which the event carries; None where it says too little."""
    match = _TRACE.fullmatch(header)
    if match is None:
        return None
    return f"00-{match['time']}{match['unique']}-{match['parent']}-0{match['sampled'] or '0'}"


def _required(name: str) -> str:
    return f"Parameter {name} is not valid. Reason: {name} is a required argument."
