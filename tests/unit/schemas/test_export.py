"""The JSON Schema of typed events, and what becomes of what a file says."""

import threading
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field, field_serializer
from pydantic_core import to_jsonable_python

from eventflow.errors import SchemaError
from eventflow.schemas import EventModel
from eventflow.schemas.canonical import write_schema
from eventflow.schemas.declared import declared_models
from eventflow.schemas.export import export_schema, model_schema


def named(**arguments: Any) -> dict[str, Any]:
    """Class arguments of a typed event of these tests."""
    return {"source": "tests.export", "type": "Thing", **arguments}


def accepts(schema: dict[str, Any], data: object) -> bool:
    """Tell whether the schema accepts data."""
    return jsonschema_rs.is_valid(schema, data)


def test_words_come_from_the_class() -> None:
    """Title and description are the class's, and fields keep those that they were given alone."""

    class Told(EventModel, **named()):
        """What it means."""

        plain: int
        titled: int = Field(title="A title", description="Said.")

    schema = model_schema(Told)
    assert ("Told", "What it means.") == (schema["title"], schema["description"])
    assert {"type": "integer"} == schema["properties"]["plain"]
    assert "A title" == schema["properties"]["titled"]["title"]


def test_new_file_is_a_draft() -> None:
    """What nobody has agreed to is a draft, unless the class says otherwise, and whose it is."""

    class Fresh(EventModel, **named()):
        """One that says nothing."""

    class Owned(EventModel, **named(), owner="doors", status="active"):
        """One that says both."""

    assert {"status": "draft"} == export_schema(Fresh, None)["x-eventflow"]
    assert {"status": "active", "owner": "doors"} == export_schema(Owned, None)["x-eventflow"]


def test_file_keeps_what_the_class_says_nothing_of() -> None:
    """Owner, status, examples and a description of the file stay; what the class says wins."""

    class Silent(EventModel, **named()):
        number: int

    class Loud(EventModel, **named(), owner="others"):
        """Loud."""

    existing = {
        "description": "By hand.",
        "x-eventflow": {"owner": "us", "status": "active", "validation": "warn"},
        "examples": [{"number": 1}],
        "properties": {"gone": {}},
    }
    silent, loud = export_schema(Silent, existing), export_schema(Loud, existing)
    assert existing["x-eventflow"] == silent["x-eventflow"]
    assert ("By hand.", [{"number": 1}]) == (silent["description"], silent["examples"])
    assert ["number"] == list(silent["properties"])
    assert "Loud." == loud["description"]
    assert {"owner": "others", "status": "active", "validation": "warn"} == loud["x-eventflow"]


def test_what_is_written_fits() -> None:
    """Fields that are written otherwise than they are read may be either, at every depth."""

    class Money(BaseModel):
        amount: Decimal

        @field_serializer("amount")
        def write(self, value: Decimal) -> list[int]:
            return [int(value)]

    class Priced(EventModel, **named()):
        price: Money
        days: list[Money]
        fee: Decimal = Decimal(0)

        @computed_field  # type: ignore[prop-decorator]
        @property
        def total(self) -> int:
            """All of it."""
            return 3

    schema = model_schema(Priced)
    event = Priced.model_validate({"price": {"amount": 2}, "days": [{"amount": "3"}]})
    assert accepts(schema, to_jsonable_python(event))
    assert accepts(schema, {"price": {"amount": 2}, "days": []})
    assert not accepts(schema, {"price": {"amount": {}}, "days": []})


def test_what_cannot_be_read_again_is_refused() -> None:
    """A model whose own events it could not read is said at once, with the field."""

    class TwoNames(EventModel, **named()):
        value: int = Field(validation_alias="in", serialization_alias="out")

    class Closed(EventModel, **named()):
        model_config = ConfigDict(extra="forbid")

        @computed_field  # type: ignore[prop-decorator]
        @property
        def total(self) -> int:
            """All of it."""
            return 3

    with pytest.raises(SchemaError, match=r"TwoNames \(TwoNames\) reads 'in' and never writes it"):
        model_schema(TwoNames)
    with pytest.raises(SchemaError, match="writes 'total' and forbids it when it reads"):
        model_schema(Closed)


def test_what_json_schema_cannot_say_is_refused() -> None:
    """A field without a JSON Schema is an error that names the class and says what to do."""

    class Odd(EventModel, **named()):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        thing: threading.Thread

    with pytest.raises(SchemaError, match=r"Odd has no JSON Schema: .*; give the field a type"):
        model_schema(Odd)


def test_model_that_holds_itself() -> None:
    """A recursive event has its title at the top, and its data is checked at every depth."""
    schema = model_schema(Tree)
    assert ("Tree", "A tree.") == (schema["title"], schema["description"])
    assert accepts(schema, {"name": "a", "branches": [{"name": "b"}]})
    assert not accepts(schema, {"name": "a", "branches": [{"name": 1}]})


class Tree(EventModel, **named(type="Tree")):
    """A tree."""

    name: str
    branches: list["Tree"] = Field(default_factory=list)


def test_default_of_a_set_is_in_order() -> None:
    """A set has no order; its default is always written in the same one."""

    class Tagged(EventModel, **named()):
        tags: frozenset[str] = frozenset({"c", "a", "d", "b"})

    assert ["a", "b", "c", "d"] == model_schema(Tagged)["properties"]["tags"]["default"]


def test_schema_is_written_in_one_way() -> None:
    """Keywords have one order wherever they come from; properties and data keep their own."""
    schema = {
        "properties": {"b": {"type": "string", "title": "B"}, "a": {}},
        "$defs": {"z": {}, "a": {"enum": [{"type": 1, "title": 2}]}},
        "type": "object",
        "examples": [{"b": 1, "a": 2}],
        "title": "T",
    }
    backwards = dict(reversed(schema.items()))
    text = write_schema(schema)
    assert text == write_schema(backwards)
    assert text.endswith("}\n")
    places = [
        text.index(f'"{name}"') for name in ("title", "type", "properties", "b", "a", "examples")
    ]
    assert places == sorted(places)
    assert text.index('"$defs"') < text.index('"z"')


def test_declared_are_those_that_say_so() -> None:
    """Bases, derived models and generated ones are left out, and modules can be chosen."""

    class Base(EventModel, source="tests.declared"):
        """No event by itself."""

        __module__ = "declared.base"

    class Event(Base, type="E"):
        """One."""

        __module__ = "declared.events"

    class Derived(Event):
        """One that is the same event."""

        __module__ = "declared.events"

    class Written(EventModel, source="tests.declared", type="W", generated=True):
        """One whose file counts."""

        __module__ = "declared.events"

    classes = (Base, Event, Derived, Written)
    assert [Event] == [each for each in classes if each in declared_models(["declared"])]
    assert (Event,) == declared_models(["declared.events"])
    assert () == declared_models(["declared.event"])


def test_two_that_differ_cannot_be_one_event() -> None:
    """Two classes of one name with different schemas are both named; the same twice is one."""

    class One(EventModel, source="tests.two", type="T"):
        """Words."""

        __module__ = "declared_twice"
        a: int

    class Two(EventModel, source="tests.two", type="T"):
        """Words."""

        __module__ = "declared_twice"
        a: str

    expected = r"One and .*Two both declare tests\.two/T/1\.0, and differ: keep one"
    with pytest.raises(SchemaError, match=expected):
        declared_models(["declared_twice"])
    Two.event_version = "1.1"
    assert (One, Two) == declared_models(["declared_twice"])


def test_version_that_is_none_is_refused() -> None:
    """A class with a version that is none is named."""

    class Wrong(EventModel, source="tests.wrong", type="T", version="one"):
        """Words."""

        __module__ = "declared_wrong"

    with pytest.raises(SchemaError, match="Wrong: 'one' is no version"):
        declared_models(["declared_wrong"])
    assert "one" == Wrong.event_version
