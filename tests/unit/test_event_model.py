"""EventModel: a pydantic model that knows its source, type and version."""

from datetime import UTC, datetime

import pytest
from pydantic import Field

from eventflow.schemas import EventModel


class ParcelLeft(EventModel, source="courier.app", type="ParcelLeft", version="2.0"):
    """A parcel was put into a garage."""

    parcel_id: str = Field(alias="parcel-id")


class ParcelLeftOutside(ParcelLeft):
    """One that names nothing of its own."""

    where: str = "porch"


class ParcelReturned(ParcelLeft, type="ParcelReturned"):
    """One that names a type of its own."""


class Nameless(EventModel):
    """One without source and type."""


def test_event_carries_the_model() -> None:
    """The event has the class's source and type, the model as data, and the schema's name."""
    model = ParcelLeft.model_validate({"parcel-id": "P1"})
    event = model.to_event()
    assert ("courier.app", "ParcelLeft", "courier.app/ParcelLeft/2.0", model) == (
        event.source,
        event.type,
        event.dataschema,
        event.data,
    )


def test_detail_has_the_aliases() -> None:
    """Patterns see the data by its aliases, as it goes over the wire."""
    event = ParcelLeft.model_validate({"parcel-id": "P1"}).to_event()
    assert {"parcel-id": "P1"} == event.to_eventbridge()["detail"]


def test_envelope_is_taken() -> None:
    """Fields of the envelope are the caller's."""
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    event = ParcelLeft.model_validate({"parcel-id": "P1"}).to_event(id="e1", time=moment, bus="b")
    assert ("e1", moment, "b") == (event.id, event.time, event.bus)


def test_version_is_one_unless_said() -> None:
    """A typed event without a version has 1.0."""

    class DoorOpened(EventModel, source="door", type="DoorOpened"):
        """A door was opened."""

    assert "1.0" == DoorOpened.event_version


def test_derived_model_keeps_what_it_does_not_say() -> None:
    """A model derived without arguments keeps source, type and version."""
    assert ("courier.app", "ParcelLeft", "2.0") == (
        ParcelLeftOutside.event_source,
        ParcelLeftOutside.event_type,
        ParcelLeftOutside.event_version,
    )


def test_derived_model_with_a_type_of_its_own_starts_anew() -> None:
    """A model with a type of its own keeps the source, and its version starts at 1.0."""
    assert ("courier.app", "ParcelReturned", "1.0") == (
        ParcelReturned.event_source,
        ParcelReturned.event_type,
        ParcelReturned.event_version,
    )


def test_nameless_model_is_no_event() -> None:
    """A model that names no source and type says how to declare it."""
    with pytest.raises(TypeError) as caught:
        Nameless().to_event()
    expected = (
        "Nameless names no source and type: declare it as "
        "class Nameless(EventModel, source=..., type=...)"
    )
    assert expected == str(caught.value)
