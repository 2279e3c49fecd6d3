"""PutEvents: entries as events, limits and failures by AWS's names."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eventflow.errors import EventError, EventflowError, PublishError
from eventflow.gateway.publishers import ANYBODY, KeyPublisher
from eventflow.gateway.put_events import MOST_BYTES, check_entries, failure_of, read_entry
from eventflow.gateway.refusals import Refusal

GOOD = {"Source": "courier.app", "DetailType": "CourierArrived", "Detail": '{"door": 7}'}
COURIER = KeyPublisher(name="courier", key_sha256=("0" * 64,), sources=("courier.*",))


def test_an_entry_is_an_event() -> None:
    """Every field of an entry is the event's, and the trace header W3C's."""
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    entry = {
        **GOOD,
        "Time": 1764033300.5,
        "Resources": ["arn:aws:x"],
        "EventBusName": "arn:aws:events:eu-west-1:000000000000:event-bus/doors",
        "TraceHeader": trace,
    }
    event = read_entry(entry, ANYBODY)
    assert (event.source, event.type, event.data) == ("courier.app", "CourierArrived", {"door": 7})
    assert event.time == datetime.fromtimestamp(1764033300.5, UTC)
    assert event.bus == "doors"
    assert event.resources == ("arn:aws:x",)
    assert event.traceparent == "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"Source": None}, "InvalidArgument", "Source is a required argument."),
        ({"DetailType": ""}, "InvalidArgument", "DetailType is a required argument."),
        ({"Detail": "{"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "[]"}, "MalformedDetail", "must be a JSON object, not an array"),
        ({"Detail": "[" * 100_000}, "MalformedDetail", "Detail is malformed."),
        ({"Source": "aws.ec2"}, "NotAuthorizedForSourceException", "Not authorized"),
        ({"Source": "billing"}, "NotAuthorizedForSourceException", "Not authorized"),
        ({"EventBusName": "money"}, "AccessDeniedException", "on the event bus money"),
        ({"DetailType": "x" * 129}, "InvalidArgument", "at most 128 characters"),
        ({"Time": 1e20}, "InvalidArgument", "Parameter Time is not valid."),
    ],
)
def test_a_bad_entry_fails_by_name(change: dict[str, Any], code: str, message: str) -> None:
    """An entry that cannot be an event has AWS's error code and message."""
    with pytest.raises(EventflowError) as caught:
        read_entry({**GOOD, **change}, COURIER)
    failure = failure_of(caught.value)
    assert failure["ErrorCode"] == code
    assert message in failure["ErrorMessage"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PublishError("the ledger is away"), "InternalFailure"),
        (EventError("is nested too deep", "data.a"), "MalformedDetail"),
        (EventError("is too large"), "InvalidArgument"),
    ],
)
def test_what_publishing_refuses_has_a_code(error: EventflowError, code: str) -> None:
    """What only publish() finds has a code that says whether to send it again."""
    assert failure_of(error)["ErrorCode"] == code


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({}, "ValidationException", "greater than or equal to 1"),
        ({"Entries": [GOOD] * 11}, "ValidationException", "less than or equal to 10"),
        ({"Entries": {}}, "SerializationException", "must be a list"),
        ({"Entries": [1]}, "SerializationException", "must be a list of structures"),
        ({"Entries": [{**GOOD, "Detail": {}}]}, "SerializationException", "Entries[0].Detail"),
        ({"Entries": [{**GOOD, "Time": True}]}, "SerializationException", "Entries[0].Time"),
        ({"Entries": [{**GOOD, "Resources": [1]}]}, "SerializationException", "Resources"),
        ({"Entries": [{}, {}]}, "ValidationException", "Source is a required argument."),
        ({"Entries": [GOOD], "EndpointId": "a.b"}, "ValidationException", "EndpointId"),
        (
            {"Entries": [{**GOOD, "Detail": json.dumps({"x": "é" * (MOST_BYTES // 2)})}]},
            "ValidationException",
            "Total size of the entries in the request is over the limit.",
        ),
    ],
)
def test_a_request_fails_as_a_whole(request_: dict[str, Any], code: str, message: str) -> None:
    """Too many, too large, of the wrong kind, or none that is whole: nothing of it is taken."""
    with pytest.raises(Refusal) as caught:
        check_entries(request_)
    assert caught.value.code == code
    assert message in caught.value.message


def test_the_size_is_counted_as_aws_counts() -> None:
    """Time counts 14 bytes, text its UTF-8; one byte below the limit passes, the limit does not."""
    entry = {"Source": "s", "DetailType": "d", "Time": 1, "Resources": ["é"]}
    room = MOST_BYTES - 1 - 1 - 14 - 2 - len('{"x":""}')
    passing = {**entry, "Detail": '{"x":"' + "y" * (room - 1) + '"}'}
    assert [passing] == check_entries({"Entries": [passing]})
    with pytest.raises(Refusal):
        check_entries({"Entries": [{**entry, "Detail": '{"x":"' + "y" * room + '"}'}]})
