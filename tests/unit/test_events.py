"""The envelope: what it takes, what it gives itself, and EventBridge's dict."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from eventflow.errors import EventError
from eventflow.events import (
    Event,
    delivery_id,
    describe_kind,
    is_replay_name,
    ledger_id,
    split_delivery_id,
    split_ledger_id,
    validate_event,
    write_path,
    write_time,
)

MINIMAL: dict[str, Any] = {"source": "courier.app", "type": "CourierArrived", "data": {}}

# As EventBridge hands an event to its targets (user guide, "Event structure").
EVENTBRIDGE: dict[str, Any] = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {"instance-id": "i-1234567890abcdef0", "state": "terminated"},
}


class Door(BaseModel):
    """Data of a typed event."""

    door: int


def test_missing_id_and_time_are_given() -> None:
    """An event without id and time gets a new UUID and the time of now, in UTC."""
    before = datetime.now(UTC)
    first, second = Event(**MINIMAL), Event(**MINIMAL)
    assert 4 == uuid.UUID(first.id).version
    assert first.id != second.id
    assert before <= first.time <= datetime.now(UTC)


def test_uuid_is_an_id() -> None:
    """A UUID object is taken as its text."""
    event_id = uuid.uuid4()
    assert str(event_id) == Event(**MINIMAL, id=event_id).id


def test_eventbridge_event_round_trips() -> None:
    """An event that EventBridge wrote loads unchanged, and is written back the same."""
    assert EVENTBRIDGE == validate_event(EVENTBRIDGE).to_eventbridge()


def test_own_names_and_aliases_are_the_same_event() -> None:
    """`type` and `data` mean what `detail-type` and `detail` mean."""
    own = validate_event({**MINIMAL, "id": "1", "time": "2026-01-01T00:00:00Z"})
    aliased = validate_event(
        {
            "source": "courier.app",
            "detail-type": "CourierArrived",
            "detail": {},
            "id": "1",
            "time": "2026-01-01T00:00:00Z",
        }
    )
    assert own == aliased


def test_replay_name_is_there_on_replays_only() -> None:
    """Patterns see `replay-name` on a replay, and no such field else."""
    assert "replay-name" not in Event(**MINIMAL).to_eventbridge()
    assert "r1" == Event(**MINIMAL, replay_name="r1").to_eventbridge()["replay-name"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-23T19:56:00Z", "2026-11-23T19:56:00Z"),
        ("2026-11-23t19:56:00z", "2026-11-23T19:56:00Z"),  # RFC 3339 allows small letters
        ("2026-11-23 19:56:00Z", "2026-11-23T19:56:00Z"),  # and a space
        ("2026-11-23T21:56:00+02:00", "2026-11-23T19:56:00Z"),
        ("2026-11-23T19:56:00.5Z", "2026-11-23T19:56:00.500000Z"),
        (datetime(2026, 11, 23, 21, tzinfo=timezone(timedelta(hours=2))), "2026-11-23T19:00:00Z"),
    ],
)
def test_time_is_written_in_utc(given: object, expected: str) -> None:
    """Any RFC 3339 time with a zone is the same moment in UTC."""
    assert expected == validate_event({**MINIMAL, "time": given}).to_eventbridge()["time"]


@pytest.mark.parametrize(
    ("time", "message"),
    [
        pytest.param("2026-11-23T19:56:00", "is no RFC 3339 time with a zone", id="no zone"),
        pytest.param("yesterday", "is no RFC 3339 time with a zone", id="no time"),
        pytest.param("2026-11-23", "is no RFC 3339 time with a zone", id="a date"),
        pytest.param(1795463760, "is no RFC 3339 time with a zone", id="a number"),
        pytest.param("2026-02-30T00:00:00Z", "day value is outside expected range", id="no day"),
        pytest.param(
            datetime(2026, 1, 1),  # noqa: DTZ001 - the fault
            "has no time zone: use datetime.now(UTC)",
            id="naive",
        ),
        pytest.param(
            "0001-01-01T00:00:00+23:59",
            "is outside of the years 1 to 9999 in UTC",
            id="before year 1 in UTC",
        ),
    ],
)
def test_wrong_time(time: object, message: str) -> None:
    """A time that cannot be is refused, and the message says what is wrong with it."""
    with pytest.raises(EventError) as caught:
        validate_event({**MINIMAL, "time": time})
    assert "time" == caught.value.path
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param([], "an event is a JSON object, not an array", id="array"),
        pytest.param(None, "an event is a JSON object, not null", id="null"),
        pytest.param(1.5, "an event is a JSON object, not a number", id="number"),
        pytest.param(
            {},
            "source: is missing; type: is missing; data: is missing",
            id="every missing field, by our names",
        ),
        pytest.param(
            {"source": "a", "detail-type": 5, "detail": {}},
            "detail-type: must be a string",
            id="a faulty field, by the document's own name",
        ),
        pytest.param({**MINIMAL, "kind": 1}, "kind: is no field of an event", id="unknown"),
        pytest.param(
            {**MINIMAL, "source": ""},
            "source: String should have at least 1 character",
            id="empty source",
        ),
        pytest.param(
            {**MINIMAL, "source": "a\nb"},
            "source: 'a\\nb' has a character that cannot be printed",
            id="line break",
        ),
        pytest.param(
            {**MINIMAL, "type": "x" * 129},
            "type: String should have at most 128 characters",
            id="long type",
        ),
        pytest.param({**MINIMAL, "data": []}, "data: must be an object", id="data"),
        pytest.param(
            {**MINIMAL, "bus": "a b"},
            "bus: String should match pattern '^[A-Za-z0-9._-]{1,64}$'",
            id="bus",
        ),
        pytest.param(
            {**MINIMAL, "version": "2.0"},
            'event: version is of the envelope and always "0"; a schema\'s is in dataschema',
            id="version",
        ),
    ],
)
def test_wrong_event(document: object, expected: str) -> None:
    """What is no event is refused with every fault and its field."""
    with pytest.raises(EventError) as caught:
        validate_event(document)
    assert expected == str(caught.value)


def test_bus_ends_where_it_ends() -> None:
    """A line break after the bus's name is not overlooked."""
    with pytest.raises(EventError):
        validate_event({**MINIMAL, "bus": "a\n"})


def test_an_event_is_an_event() -> None:
    """An event that is one already comes back as it is."""
    event = Event(**MINIMAL)
    assert event is validate_event(event)


def test_faults_do_not_carry_the_payload() -> None:
    """A secret in the data stands neither in a fault's text nor in the event's repr."""
    with pytest.raises(ValidationError) as caught:
        Event[Door](source="s", type="t", data={"door": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(Event(source="s", type="t", data={"password": "hunter2"}))


def test_with_data_types_the_data() -> None:
    """`with_data` keeps the envelope and gives the data its model."""
    event = Event(source="s", type="t", data={"door": 7}, subject="d7", resources=("a",))
    typed = event.with_data(Door)
    assert Door(door=7) == typed.data
    assert event.model_dump(exclude={"data"}) == typed.model_dump(exclude={"data"})


def test_events_do_not_change() -> None:
    """A field of an event cannot be set."""
    with pytest.raises(ValidationError):
        Event(**MINIMAL).source = "other"  # type: ignore[misc]


def test_delivery_id_is_a_function_of_event_and_target() -> None:
    """The delivery's id is made of the two, and gives them back, whatever the event's id holds."""
    assert "urn:uuid:1:device-vendor" == delivery_id("urn:uuid:1", "device-vendor")
    assert ("urn:uuid:1", "device-vendor") == split_delivery_id("urn:uuid:1:device-vendor")


def test_no_delivery_id() -> None:
    """What is no delivery id is said to be none."""
    with pytest.raises(ValueError, match="'abc' is no delivery id"):
        split_delivery_id("abc")


def test_write_path() -> None:
    """A path has dots before names and brackets around numbers."""
    assert "data.doors[0].kind" == write_path(("data", "doors", 0, "kind"))
    assert "[0].kind" == write_path((0, "kind"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        ({}, "an object"),
        ([], "an array"),
        ("", "a string"),
        (True, "a boolean"),
        (1, "an integer"),
        (1.5, "a number"),
        ((), "a tuple"),
    ],
)
def test_describe_kind(value: object, expected: str) -> None:
    """A value's kind is said in JSON's words, and in Python's where JSON has none."""
    assert expected == describe_kind(value)


def test_write_time_ends_in_z() -> None:
    """A moment is written in UTC."""
    assert "2026-01-01T00:00:00Z" == write_time(
        datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    )


@pytest.mark.parametrize("event_id", ["e1", "a:b", "mail@replay", "e@other:x"])
@pytest.mark.parametrize("replay", [None, "yesterday", "r.1_2-3"])
def test_a_replay_has_ids_of_its_own(event_id: str, replay: str | None) -> None:
    """The ledger's id tells the event and the replay, and is the event's own the first time."""
    identity = ledger_id(event_id, replay)
    assert (event_id, replay) == split_ledger_id(identity)
    assert (identity == event_id) == (replay is None)
    assert (identity, "door") == split_delivery_id(delivery_id(identity, "door"))


def test_no_event_can_pass_for_a_replayed_one() -> None:
    """An id that contains the mark of a replay is refused."""
    with pytest.raises(EventError, match="id: 'e1@replay:r' contains '@replay:'"):
        validate_event({**MINIMAL, "id": "e1@replay:r"})


@pytest.mark.parametrize(
    ("name", "is_one"), [("a" * 64, True), ("a" * 65, False), ("", False), ("a:b", False)]
)
def test_a_replay_is_called_as_eventbridge_allows(name: str, *, is_one: bool) -> None:
    """1 to 64 of letters, digits, dots, hyphens and underscores."""
    assert is_one == is_replay_name(name)
