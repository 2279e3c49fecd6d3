"""An event as the ledger's JSON, and its limits."""

import enum
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from eventflow.encoding import decode_event, encode_event
from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.settings import Settings

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=10,
)


def event_of(data: Any) -> Event[Any]:
    """Return an event with this data, whatever it is."""
    return Event[Any](source="s", type="t", data=data)


def nested(levels: int) -> dict[str, Any]:
    """Return an object of so many levels."""
    data: dict[str, Any] = {}
    for _ in range(levels - 1):
        data = {"a": data}
    return data


@given(st.dictionaries(_TEXT, _JSON, max_size=4))
def test_round_trip(data: dict[str, Any]) -> None:
    """Whatever JSON can hold comes back as it was."""
    event = Event(source="s", type="t", data=data)
    assert event == decode_event(encode_event(event))


def test_full_envelope_round_trips() -> None:
    """Every field of the envelope comes back, an empty subject among them."""
    event = Event(
        id="e1",
        source="s",
        type="t",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        subject="",
        data={"a": 1},
        bus="other",
        resources=("r1", "r2"),
        account="1",
        region="r",
        dataschema="s/t/1.0",
        traceparent="00-1",
        tracestate="a=b",
        replay_name="r",
    )
    assert event == decode_event(encode_event(event))


def test_defaults_are_not_written() -> None:
    """What was never set takes no room in the ledger."""
    encoded = encode_event(event_of({}))
    assert {"id", "source", "detail-type", "time", "bus", "detail"} == set(json.loads(encoded))


def test_python_values_become_json() -> None:
    """A model, a UUID, an enum, a tuple and a number as a key are written as pydantic does."""

    class Door(BaseModel):
        door: uuid.UUID

    class Kind(enum.Enum):
        GARAGE = "garage"

    name = uuid.uuid4()
    data = {"model": Door(door=name), "kind": Kind.GARAGE, "pair": (1, 2), 5: "five"}
    expected = {"model": {"door": str(name)}, "kind": "garage", "pair": [1, 2], "5": "five"}
    assert expected == decode_event(encode_event(event_of(data))).data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            {"a": [float("nan")]}, "data.a[0]: is nan, which JSON does not have", id="nan"
        ),
        pytest.param(
            {"a": float("-inf")}, "data.a: is -inf, which JSON does not have", id="infinity"
        ),
        pytest.param(
            {"a": 2**63},
            "data.a: is an integer beyond 64 bits; send it as a string",
            id="large integer",
        ),
        pytest.param(
            {"a": "\ud800"}, "data.a: holds half of a surrogate pair", id="surrogate in a value"
        ),
        pytest.param(
            {"a": {"\ud800": 1}},
            "data.a: the name '\\ud800' holds half of a surrogate pair",
            id="surrogate in a name",
        ),
        pytest.param([1], "data: must be an object, not an array", id="array"),
        pytest.param(None, "data: must be an object, not null", id="null"),
        pytest.param(
            {"a": object()},
            "data: cannot be written as JSON: Unable to serialize unknown type: <class 'object'>",
            id="no JSON",
        ),
    ],
)
def test_data_that_json_cannot_hold(data: object, expected: str) -> None:
    """What JSON cannot hold is refused, with the place where it stands."""
    with pytest.raises(EventError) as caught:
        encode_event(event_of(data))
    assert expected == str(caught.value)


def test_bounds_of_integers_are_allowed() -> None:
    """The largest and the smallest 64-bit integer are no fault."""
    data = {"a": 2**63 - 1, "b": -(2**63)}
    assert data == decode_event(encode_event(event_of(data))).data


def test_depth_at_its_limit_is_allowed() -> None:
    """As many levels as the limit says are allowed, at the largest limit that can be set."""
    deepest = next(
        item.le for item in Settings.model_fields["max_event_depth"].metadata if hasattr(item, "le")
    )
    event = event_of(nested(deepest))
    assert event.data == decode_event(encode_event(event, max_depth=deepest)).data
    assert event.data == event.to_eventbridge()["detail"]


@pytest.mark.parametrize("levels", [101, 300, 100_000])
def test_too_deep(levels: int) -> None:
    """One level more is refused, and a hundred thousand are no crash."""
    with pytest.raises(EventError) as caught:
        encode_event(event_of(nested(levels)), max_depth=100)
    expected = (
        "data.a.a.a…: is nested deeper than 100 levels; make it flatter, or raise "
        "EVENTFLOW_MAX_EVENT_DEPTH"
    )
    assert expected == str(caught.value)


def test_endless_data_is_too_deep() -> None:
    """An object that holds itself is refused."""
    data: dict[str, Any] = {}
    data["self"] = data
    with pytest.raises(EventError, match="nested deeper than 100 levels"):
        encode_event(event_of(data))


def test_size_at_its_limit() -> None:
    """An event of as many bytes as allowed goes; with one more it is refused with both numbers."""
    event = event_of({"text": "é" * 1000})
    size = len(encode_event(event))
    assert size == len(encode_event(event, max_bytes=size))
    with pytest.raises(EventError) as caught:
        encode_event(event, max_bytes=size - 1)
    assert f"the event has {size:,} bytes, and at most {size - 1:,} are allowed" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        pytest.param(b"\xff", "not JSON: ", id="not UTF-8"),
        pytest.param(b"{", "not JSON: ", id="cut off"),
        pytest.param(b"[" * 100_000, "not JSON: ", id="deep garbage"),
        pytest.param(b"[]", "an event is a JSON object, not an array", id="array"),
        pytest.param(b"{}", "source: is missing", id="no event"),
    ],
)
def test_decode_refuses(encoded: bytes, expected: str) -> None:
    """What the ledger should not hold is an error, never a crash."""
    with pytest.raises(EventError) as caught:
        decode_event(encoded)
    assert str(caught.value).startswith(expected)


def test_decode_passes_over_later_fields() -> None:
    """A field that a later version wrote does not stop this one from reading the event."""
    document = {**json.loads(encode_event(event_of({"a": 1}))), "priority": 5}
    assert {"a": 1} == decode_event(json.dumps(document)).data
