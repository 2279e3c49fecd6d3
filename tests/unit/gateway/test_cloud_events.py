"""CloudEvents to events and back, with the official package on the other side of all three modes."""

import json
import uuid
from typing import Any

import pytest
from cloudevents.core.bindings.http import (
    HTTPMessage,
    from_binary_event,
    from_structured_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.v1.event import CloudEvent
from starlette.datastructures import Headers

from eventflow.errors import EventError
from eventflow.events import Event, validate_event
from eventflow.gateway.cloud_events import event_id, read_document
from eventflow.gateway.content_modes import (
    BATCH,
    STRUCTURED,
    Mode,
    mode_of,
    read_events,
    write_events,
)
from eventflow.gateway.refusals import Refusal

ID = "0d4b1d2e-6c5e-4d0e-9d7f-2f6a34f6a111"
LEAST = {"specversion": "1.0", "id": ID, "source": "courier.app", "type": "CourierArrived"}
SAMPLES: list[dict[str, Any]] = [
    {**LEAST},
    {**LEAST, "id": "17", "subject": "parcel 7", "time": "2026-11-25T01:15:00Z"},
    {
        **LEAST,
        "dataschema": "courier.app/CourierArrived/1.0",
        "datacontenttype": "application/json",
        "bus": "doors",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "subject": 'ünder "100%"',
    },
]
DATA = {"door": {"kind": "garage"}, "note": "schön", "count": 3, "nothing": None}


def _official(attributes: dict[str, Any]) -> CloudEvent:
    from datetime import datetime

    given = dict(attributes)
    if "time" in given:
        given["time"] = datetime.fromisoformat(given["time"])
    given.setdefault("datacontenttype", "application/json")
    return CloudEvent(given, dict(DATA))


def _headers(message: HTTPMessage) -> Headers:
    return Headers({name: str(value) for name, value in message.headers.items()})


def _assert_same(event: Event, attributes: dict[str, Any]) -> None:
    assert event.data == DATA
    assert event.id == event_id(attributes["source"], attributes["id"])
    assert (event.source, event.type) == (attributes["source"], attributes["type"])
    assert event.subject == attributes.get("subject")
    assert event.dataschema == attributes.get("dataschema")
    assert event.bus == attributes.get("bus", "default")
    assert event.traceparent == attributes.get("traceparent")
    if "time" in attributes:
        assert event.time.isoformat() == attributes["time"].replace("Z", "+00:00")


@pytest.mark.parametrize("attributes", SAMPLES)
def test_binary_both_ways(attributes: dict[str, Any]) -> None:
    """An event that the official package writes in headers is read, and read there when written."""
    message = to_binary_event(_official(attributes))
    headers = _headers(message)
    assert mode_of(headers) is Mode.BINARY
    (received,) = read_events(Mode.BINARY, headers, bytes(message.body))
    _assert_same(received.event, attributes)
    written = write_events(Mode.BINARY, [received.event], 202)
    back = from_binary_event(HTTPMessage(dict(written.headers), bytes(written.body)))
    _assert_official(back, attributes)


@pytest.mark.parametrize("attributes", SAMPLES)
def test_structured_both_ways(attributes: dict[str, Any]) -> None:
    """An event that the official package writes as JSON is read, and read there when written."""
    message = to_structured_event(_official(attributes))
    headers = _headers(message)
    assert mode_of(headers) is Mode.STRUCTURED
    (received,) = read_events(Mode.STRUCTURED, headers, bytes(message.body))
    _assert_same(received.event, attributes)
    written = write_events(Mode.STRUCTURED, [received.event], 202)
    assert written.headers["content-type"] == STRUCTURED
    back = from_structured_event(HTTPMessage(dict(written.headers), bytes(written.body)))
    _assert_official(back, attributes)


def test_batched_both_ways() -> None:
    """A batch of what the official package writes is read, and each of it is read there again."""
    parts = [bytes(to_structured_event(_official(one)).body).decode() for one in SAMPLES]
    headers = Headers({"content-type": f"{BATCH}; charset=utf-8"})
    assert mode_of(headers) is Mode.BATCHED
    received = read_events(Mode.BATCHED, headers, f"[{','.join(parts)}]".encode())
    for one, attributes in zip(received, SAMPLES, strict=True):
        _assert_same(one.event, attributes)
    written = write_events(Mode.BATCHED, [one.event for one in received], 202)
    assert written.headers["content-type"] == BATCH
    for document, attributes in zip(json.loads(bytes(written.body)), SAMPLES, strict=True):
        message = HTTPMessage({"content-type": STRUCTURED}, json.dumps(document).encode())
        _assert_official(from_structured_event(message), attributes)


def _assert_official(event: Any, attributes: dict[str, Any]) -> None:
    assert event.get_id() == attributes["id"]
    assert event.get_source() == attributes["source"]
    assert event.get_type() == attributes["type"]
    assert event.get_subject() == attributes.get("subject")
    assert event.get_extension("bus") == attributes.get("bus")
    assert event.get_data() == DATA


def test_an_empty_batch_is_a_batch() -> None:
    """A batch of no events is read as none, as the specification allows."""
    assert [] == read_events(Mode.BATCHED, Headers({}), b"[]")


@pytest.mark.parametrize(
    ("source", "given", "expected"),
    [
        # A random UUID is unique by itself.
        ("a", ID, ID),
        # An id of another kind is unique in its source.
        ("a", "17", "a|17"),
        ("b", "17", "b|17"),
        # One that others can foresee, too.
        ("a", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "a|6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        # Another spelling of a UUID is another id.
        ("a", ID.upper(), f"a|{ID.upper()}"),
    ],
)
def test_ids_map(source: str, given: str, expected: str) -> None:
    """An id is kept where it is unique anywhere, and named with its source where it is not."""
    assert expected == event_id(source, given)


def test_a_long_id_is_hashed() -> None:
    """An id that is too long with its source becomes a hash of both: short, and the same again."""
    long = "x" * 199
    assert event_id("a", long).startswith("sha256:")
    assert event_id("a", long) == event_id("a", long) != event_id("b", long)


def test_ids_made_by_python_are_kept() -> None:
    """What uuid4 makes, as most SDKs do, is the event's id."""
    made = str(uuid.uuid4())
    assert made == event_id("a", made)


def test_other_extensions_are_named() -> None:
    """Extension attributes that an event has no field for are passed over, and said."""
    received = read_document({**LEAST, "knativearrivaltime": "x", "sequence": 7, "bus": None})
    assert ("knativearrivaltime", "sequence") == received.ignored


def test_data_in_base64_is_read() -> None:
    """JSON in data_base64 is the same event as JSON in data."""
    received = read_document({**LEAST, "data_base64": "eyJhIjoxfQ=="})
    assert received.event.data == {"a": 1}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"id": None}, "id: is missing"),
        ({"id": ""}, "id: must be a string that is not empty"),
        ({"id": 7}, "id: must be a string that is not empty"),
        ({"specversion": "0.3"}, "specversion: is '0.3': only CloudEvents 1.0"),
        ({"source": "a b"}, "source: 'a b' is no URI-reference"),
        ({"source": "a|b"}, "source: 'a|b' is no URI-reference"),
        ({"type": "x" * 129}, "type: String should have at most 128 characters"),
        ({"time": "yesterday"}, "time: 'yesterday' is no RFC 3339 time"),
        ({"data": [1]}, "data: must be an object, not an array"),
        ({"data": {}, "data_base64": "e30="}, "data_base64: stands beside data"),
        ({"data_base64": "%"}, "data_base64: is no JSON in base64"),
        ({"datacontenttype": "text/xml"}, "datacontenttype: is 'text/xml'"),
        ({"Upper": "x"}, "Upper: is no attribute's name"),
        ({"list": [1]}, "list: must be a string, an integer or a boolean"),
        ({"bus": "a b"}, "bus: String should match pattern"),
    ],
)
def test_faults(change: dict[str, Any], fault: str) -> None:
    """Each fault of a CloudEvent is told with its attribute."""
    with pytest.raises(EventError) as caught:
        read_document({**LEAST, **change})
    assert str(caught.value).startswith(fault)


def test_a_batch_tells_every_fault() -> None:
    """Of a batch, each event's fault is told with its number."""
    batch = [LEAST, {**LEAST, "type": ""}, 7]
    with pytest.raises(Refusal) as caught:
        read_events(Mode.BATCHED, Headers({}), json.dumps(batch).encode())
    assert caught.value.faults == (
        "events[1]: type: must be a string that is not empty",
        "events[2]: a CloudEvent is a JSON object, not an integer",
    )


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"content-type": "text/plain"}, "this is no CloudEvent"),
        ({}, "this is no CloudEvent"),
        ({"content-type": "application/cloudevents+avro"}, "is not read here"),
        ({"content-type": "application/xml", "ce-id": "1"}, "an event's data is JSON"),
    ],
)
def test_other_content_is_unsupported(headers: dict[str, str], message: str) -> None:
    """What is in no mode that is read here is refused with 415 and what to send."""
    with pytest.raises(Refusal, match=message) as caught:
        mode_of(Headers(headers))
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("ce-data", "{}", "ce-data: is no header"),
        ("ce-subject", "%ff", "ce-subject: is no UTF-8"),
    ],
)
def test_faulty_headers(name: str, value: str, fault: str) -> None:
    """A header that cannot be an attribute is told by its name."""
    headers = {f"ce-{key}": text for key, text in LEAST.items()} | {name: value}
    with pytest.raises(Refusal) as caught:
        read_events(Mode.BINARY, Headers(headers), b"{}")
    assert any(one.startswith(fault) for one in caught.value.faults)


def test_a_repeated_header_is_refused() -> None:
    """An attribute that is there twice is refused: which of the two would count?"""
    raw = [(f"ce-{name}".encode(), value.encode()) for name, value in LEAST.items()]
    with pytest.raises(Refusal) as caught:
        read_events(Mode.BINARY, Headers(raw=[*raw, raw[0]]), b"{}")
    assert caught.value.faults == ("ce-specversion: is there twice",)


def test_a_replay_says_so() -> None:
    """An event that is sent again by a replay says so when it is written."""
    event = validate_event({"source": "a", "type": "b", "data": {}, "replay_name": "again"})
    assert "again" == write_events(Mode.BINARY, [event], 202).headers["ce-replayname"]
