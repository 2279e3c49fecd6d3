"""An event as the JSON that the ledger keeps, and the limits that every event is held to."""

import json
import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

from pydantic_core import PydanticSerializationError, PydanticUndefined, to_jsonable_python

from eventflow.errors import EventError
from eventflow.events import Event, describe_kind, validate_event, write_path, write_time

__all__ = ["DEFAULT_MAX_BYTES", "DEFAULT_MAX_DEPTH", "decode_event", "encode_event", "json_data"]

DEFAULT_MAX_BYTES = 1024 * 1024
DEFAULT_MAX_DEPTH = 100
_MAX_INTEGER = 2**63 - 1
_SCALARS = frozenset({str, int, float, bool, type(None)})
_NAMES = {str}
_MIN_INTEGER = -(2**63)


def _find_quick() -> tuple[Callable[[Any], bytes] | None, Callable[[bytes | str], Any] | None]:
    """Return orjson's writer and reader; None where it is not installed (extra `fast`)."""
    try:
        quick = import_module("orjson")
    except ImportError:
        return None, None
    return quick.dumps, quick.loads


_write_quickly, _read_quickly = _find_quick()


def encode_event(
    event: Event[Any],
    *,
    max_bytes: int = DEFAULT_MAX_BYTES,
    max_depth: int = DEFAULT_MAX_DEPTH,
    data: dict[str, Any] | None = None,
) -> bytes:
    """Write an event as the JSON that the ledger keeps, within its limits.

    Args:
        event: The event.
        max_bytes: The most bytes of UTF-8 that the JSON may have.
        max_depth: The most levels of objects and arrays that `data` may have.
        data: What `json_data` returned of this event; asked for where missing.

    Returns:
        UTF-8 JSON with EventBridge's names.

    Raises:
        EventError: When `data` is no object, holds what JSON cannot (a NaN, an integer beyond
            64 bits, a lone surrogate), or is too large or too deep; with the field's path.
    """
    if data is None:
        data = json_data(event, max_depth=max_depth)
    document: dict[str, Any] = {
        "id": event.id,
        "source": event.source,
        "detail-type": event.type,
        "time": write_time(event.time),
        "bus": event.bus,
        "detail": data,
    }
    values = vars(event)
    for wire_name, name, default in _OPTIONAL:
        if values[name] != default:
            document[wire_name] = values[name]
    encoded = _write_json(document)
    if len(encoded) > max_bytes:
        message = (
            f"the event has {len(encoded):,} bytes, and at most {max_bytes:,} are allowed: put "
            "large content elsewhere and publish where it is, or raise EVENTFLOW_MAX_EVENT_BYTES"
        )
        raise EventError(message)
    return encoded


def json_data(event: Event[Any], *, max_depth: int = DEFAULT_MAX_DEPTH) -> dict[str, Any]:
    """Return an event's data as JSON has it, within its limits.

    Raises:
        EventError: When it is no object, holds what JSON cannot, or is too deep.
    """
    return _as_json(event.data, max_depth)


def decode_event(encoded: bytes | str) -> Event:
    """Read back what `encode_event` wrote; fields of a later version are passed over.

    Raises:
        EventError: When it is no JSON, or no event.
    """
    try:
        document = _read_json(encoded)
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise EventError(message) from None
    if isinstance(document, dict) and not document.keys() <= _WIRE_NAMES:
        document = {name: value for name, value in document.items() if name in _WIRE_NAMES}
    return validate_event(document)


_OPTIONAL = tuple(
    (field.alias or name, name, field.default)
    for name, field in Event.model_fields.items()
    if name != "bus" and field.default is not PydanticUndefined
)
_WIRE_NAMES = frozenset(
    name for key, field in Event.model_fields.items() for name in (key, field.alias) if name
)


def _read_json(encoded: bytes | str) -> Any:
    """Read JSON; the quick way is for what `encode_event` writes, integers of 64 bits among it."""
    if _read_quickly is not None:
        try:
            return _read_quickly(encoded)
        except ValueError:
            pass  # it reads no more than 1,024 levels, no NaN and no half of a surrogate pair
    return json.loads(encoded)


def _write_json(document: dict[str, Any]) -> bytes:
    """Write what `_as_json` has checked, without a blank."""
    if _write_quickly is not None:
        try:
            return _write_quickly(document)
        except (TypeError, ValueError):
            pass  # it writes no more than 254 levels
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _as_json(data: object, max_depth: int) -> dict[str, Any]:
    """Return *data* as JSON has it, checked; it is converted only where it is not JSON yet."""
    if type(data) is dict and _is_plain(data, max_depth):
        return data
    # Checked before as well as after: pydantic fails on depth and surrogates without their place.
    is_json = _check_json(data, max_depth)
    if not is_json:
        try:
            data = to_jsonable_python(data)
        except (PydanticSerializationError, ValueError, RecursionError) as error:
            message = f"cannot be written as JSON: {error}"
            raise EventError(message, "data") from None
        if type(data) is dict and _is_plain(data, max_depth):
            return data
        _check_json(data, max_depth)
    if not isinstance(data, dict):
        message = f"must be an object, not {describe_kind(data)}"
        raise EventError(message, "data")
    return data


def _is_plain(data: dict[str, Any], max_depth: int) -> bool:
    """Whether this is an object of JSON's own kinds, within its limits: what nearly all events have.

    It is quick, and does not say what is wrong where something is.
    """
    level: list[Any] = [data]
    for _ in range(max_depth):
        values: list[Any] = []
        for container in level:
            values += container  # an object's names are text like any other, and nothing else
            if type(container) is dict:
                if container and set(map(type, container)) != _NAMES:
                    return False
                values += container.values()
        level = []
        for value in values:
            kind = type(value)
            if (kind is str and value.isascii()) or kind is bool or value is None:
                continue
            if kind is dict or kind is list:
                level.append(value)
            elif kind not in _SCALARS or _scalar_fault(value):
                return False
        if not level:
            return True
    return False


def _check_json(data: object, max_depth: int) -> bool:
    """Refuse what JSON cannot hold; iterative, so that depth is an error and not a crash.

    Returns:
        Whether all of it is JSON's own kinds, so that nothing is left to convert.
    """
    is_json = True
    pending: list[tuple[Any, tuple[str | int, ...]]] = [(data, ("data",))]
    while pending:
        value, path = pending.pop()
        fault = _scalar_fault(value)
        if fault:
            raise EventError(fault, write_path(path))
        if not isinstance(value, dict | list):
            is_json = is_json and type(value) in _SCALARS
            continue
        if len(path) > max_depth:
            message = (
                f"is nested deeper than {max_depth} levels; make it flatter, or raise "
                "EVENTFLOW_MAX_EVENT_DEPTH"
            )
            raise EventError(message, write_path(path[:4]) + "…")
        if isinstance(value, dict):
            for key in value:
                if type(key) is not str:
                    is_json = False
                elif _has_surrogate(key):
                    message = f"the name {key!r} holds half of a surrogate pair"
                    raise EventError(message, write_path(path))
            pending.extend((item, (*path, key)) for key, item in value.items())
        else:
            pending.extend((item, (*path, index)) for index, item in enumerate(value))
    return is_json


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
