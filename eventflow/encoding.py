"""An event as the JSON that the ledger keeps, and the limits that every event is held to."""

import json
import math
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

from eventflow.errors import EventError
from eventflow.events import Event, describe_kind, validate_event, write_path, write_time

__all__ = ["DEFAULT_MAX_BYTES", "DEFAULT_MAX_DEPTH", "decode_event", "encode_event"]

DEFAULT_MAX_BYTES = 1024 * 1024
DEFAULT_MAX_DEPTH = 100
_MAX_INTEGER = 2**63 - 1
_MIN_INTEGER = -(2**63)


def encode_event(
    event: Event[Any],
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    max_depth: int = DEFAULT_MAX_DEPTH,
) -> bytes:
    """Write an event as the JSON that the ledger keeps, within its limits.

    Args:
        event: The event.
        max_bytes: The most bytes of UTF-8 that the JSON may have.
        max_depth: The most levels of objects and arrays that `data` may have.

    Returns:
        UTF-8 JSON with EventBridge's names.

    Raises:
        EventError: When `data` is no object, holds what JSON cannot (a NaN, an integer beyond
            64 bits, a lone surrogate), or is too large or too deep; with the field's path.
    """
    try:
        data = to_jsonable_python(event.data)
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        message = f"cannot be written as JSON: {error}"
        raise EventError(message, "data") from None
    if not isinstance(data, dict):
        message = f"must be an object, not {describe_kind(data)}"
        raise EventError(message, "data")
    _check_json(data, max_depth)
    document: dict[str, Any] = {
        "id": event.id,
        "source": event.source,
        "detail-type": event.type,
        "time": write_time(event.time),
        "bus": event.bus,
        "detail": data,
    }
    for name, value in (
        ("subject", event.subject),
        ("account", event.account),
        ("region", event.region),
        ("dataschema", event.dataschema),
        ("traceparent", event.traceparent),
        ("tracestate", event.tracestate),
        ("replay-name", event.replay_name),
    ):
        if value:
            document[name] = value
    if event.resources:
        document["resources"] = list(event.resources)
    encoded = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(encoded) > max_bytes:
        message = (
            f"the event has {len(encoded):,} bytes, and at most {max_bytes:,} are allowed: put "
            "large content elsewhere and publish where it is, or raise EVENTFLOW_MAX_EVENT_BYTES"
        )
        raise EventError(message)
    return encoded


def decode_event(encoded: bytes | str) -> Event:
    """Read back what `encode_event` wrote; fields of a later version are passed over.

    Raises:
        EventError: When it is no JSON, or no event.
    """
    try:
        document = json.loads(encoded)
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise EventError(message) from None
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name in _WIRE_NAMES}
    return validate_event(document)


_WIRE_NAMES = frozenset(
    name for key, field in Event.model_fields.items() for name in (key, field.alias) if name
)


def _check_json(data: dict[str, Any], max_depth: int) -> None:
    """Refuse what JSON cannot hold; iterative, so that depth is an error and not a crash."""
    pending: list[tuple[Any, tuple[str | int, ...]]] = [(data, ("data",))]
    while pending:
        value, path = pending.pop()
        fault = _scalar_fault(value)
        if fault:
            raise EventError(fault, write_path(path))
        if not isinstance(value, dict | list):
            continue
        if len(path) > max_depth:
            message = (
                f"is nested deeper than {max_depth} levels; make it flatter, or raise "
                "EVENTFLOW_MAX_EVENT_DEPTH"
            )
            raise EventError(message, write_path(path[:4]) + "…")
        if isinstance(value, dict):
            for key in value:
                if _has_surrogate(key):
                    message = f"the name {key!r} holds half of a surrogate pair"
                    raise EventError(message, write_path(path))
            pending.extend((item, (*path, key)) for key, item in value.items())
        else:
            pending.extend((item, (*path, index)) for index, item in enumerate(value))


def _scalar_fault(value: object) -> str:
    if isinstance(value, str):
        return "holds half of a surrogate pair" if _has_surrogate(value) else ""
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, which JSON does not have"
    if isinstance(value, int) and not _MIN_INTEGER <= value <= _MAX_INTEGER:
        return "is an integer beyond 64 bits; send it as a string"
    return ""


def _has_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
