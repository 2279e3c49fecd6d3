"""The three ways in which HTTP carries CloudEvents: binary, structured and batched."""

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from starlette.datastructures import Headers
from starlette.responses import Response

from eventflow.encoding import encode_event
from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.gateway.cloud_events import Received, is_json, read_document, write_attributes
from eventflow.gateway.refusals import Refusal

__all__ = ["BATCH", "MOST_EVENTS", "STRUCTURED", "Mode", "mode_of", "read_events", "write_events"]

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MOST_EVENTS = 500
"""The most events of a batch: what the ledger takes in one call."""

_PREFIX = "ce-"
_ESCAPED = re.compile(r"\\(.)")
# HTTP Protocol Binding, 3.1.3.2: what is not to be encoded in a header's value.
_SAFE = "!#$&'()*+,/:;<=>?@[\\]^_`{|}~"


class Mode(StrEnum):
    """How a message carries events."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCHED = "batched"


def mode_of(headers: Headers) -> Mode:
    """Return the mode of a message, by its content type.

    Args:
        headers: The message's headers.

    Raises:
        Refusal: When it is of none; 415.
    """
    content_type = headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == BATCH:
        return Mode.BATCHED
    if media_type == STRUCTURED:
        return Mode.STRUCTURED
    if media_type.startswith("application/cloudevents"):
        message = f"{media_type!r} is not read here: send {STRUCTURED} or {BATCH}"
    elif f"{_PREFIX}specversion" in headers or f"{_PREFIX}id" in headers:
        if not content_type or is_json(content_type):
            return Mode.BINARY
        message = f"an event's data is JSON: send it as application/json, not as {media_type!r}"
    else:
        message = (
            f"this is no CloudEvent: send {STRUCTURED} (one event), {BATCH} (several), or "
            "application/json with the attributes in headers (ce-specversion, ce-id, ce-source, "
            "ce-type)"
        )
    raise Refusal(message, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def read_events(mode: Mode, headers: Headers, body: bytes) -> list[Received]:
    """Read a message's events.

    Args:
        mode: The message's mode.
        headers: Its headers.
        body: Its body.

    Returns:
        The events, in order.

    Raises:
        Refusal: When one cannot be read; it lists what is wrong with each.
    """
    if mode is Mode.BINARY:
        documents: list[object] = [_from_headers(headers, body)]
    else:
        content = _parse(body)
        documents = content if mode is Mode.BATCHED and isinstance(content, list) else [content]
        if mode is Mode.BATCHED and documents is not content:
            message = "a batch is a JSON array of CloudEvents"
            raise Refusal(message)
    if len(documents) > MOST_EVENTS:
        message = (
            f"there are {len(documents):,} events, and at most {MOST_EVENTS} may be in a batch"
        )
        raise Refusal(message, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    received, faults = [], []
    for index, document in enumerate(documents):
        try:
            received.append(read_document(document))
        except EventError as error:
            faults.append(f"events[{index}]: {error}" if mode is Mode.BATCHED else str(error))
    if faults:
        several = f"{len(faults)} of {len(documents)} events cannot be published, so that none is"
        message = several if mode is Mode.BATCHED else "the event cannot be published"
        raise Refusal(message, faults=faults)
    return received


def write_events(mode: Mode, events: Sequence[Event[Any]], status: int) -> Response:
    """Write events in a mode.

    Args:
        mode: How; binary and structured carry one event.
        events: The events.
        status: The response's.

    Returns:
        The response.
    """
    if mode is Mode.BATCHED:
        text = ",".join(_to_json(event) for event in events)
        return Response(f"[{text}]", status, media_type=BATCH)
    (event,) = events
    if mode is Mode.STRUCTURED:
        return Response(_to_json(event), status, media_type=STRUCTURED)
    attributes = write_attributes(event)
    content_type = attributes.pop("datacontenttype")
    headers = {f"{_PREFIX}{name}": quote(value, _SAFE) for name, value in attributes.items()}
    return Response(_data_of(event), status, headers, content_type)


def _to_json(event: Event[Any]) -> str:
    attributes = json.dumps(write_attributes(event), ensure_ascii=False)
    return f'{attributes[:-1]}, "data": {_data_of(event)}}}'


def _data_of(event: Event[Any]) -> str:
    data = json.loads(encode_event(event, max_bytes=2**31))["detail"]
    return json.dumps(data, ensure_ascii=False)


def _from_headers(headers: Headers, body: bytes) -> dict[str, object]:
    document: dict[str, object] = {}
    faults = []
    for name, value in headers.items():
        attribute = name.removeprefix(_PREFIX)
        if attribute == name:
            continue
        if attribute in document:
            faults.append(f"{name}: is there twice")
        elif attribute in {"data", "data_base64", "datacontenttype"}:
            faults.append(f"{name}: is no header; content-type says what the body is")
        else:
            try:
                document[attribute] = _decode_value(value)
            except UnicodeDecodeError:
                faults.append(f"{name}: is no UTF-8, percent-encoded")
    if faults:
        message = "the event cannot be published"
        raise Refusal(message, faults=faults)
    if body:
        document["data"] = _parse(body)
    return document


def _decode_value(value: str) -> str:
    # HTTP Protocol Binding, 3.1.3.2: quotes that older senders write are read.
    if value.startswith('"') and value.endswith('"') and value != '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    return unquote(value, errors="strict")


def _parse(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        message = f"the body is no JSON: {error}"
        raise Refusal(message) from None
