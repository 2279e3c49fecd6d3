"""Typed modules of schema files: what their classes are called, read and write."""

import ast
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import MISSING, ValidationError
from pydantic_core import to_jsonable_python

from eventflow.errors import SchemaError
from eventflow.schemas import EventModel
from eventflow.schemas.declared import declared_models
from eventflow.schemas.generate import generate_module, generate_package
from eventflow.schemas.identifiers import class_name, module_name
from eventflow.schemas.loader import load_repository

Load = Callable[[dict[str, Any]], ModuleType]


@pytest.fixture
def write(tmp_path: Path):
    """Writes files of schemas, and returns the repository of them."""

    def call(files: dict[str, Any]):
        for name, schema in files.items():
            file = tmp_path / "schemas" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(schema))
        return load_repository(tmp_path / "schemas")

    return call


@pytest.fixture
def load(write, tmp_path: Path) -> Load:
    """Generates one module of all the files, and imports it."""

    def call(files: dict[str, Any]) -> ModuleType:
        repository = write(files)
        file = tmp_path / f"generated_{tmp_path.name}.py"
        file.write_text(generate_module(repository.documents, repository))
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[file.stem] = module
        spec.loader.exec_module(module)
        return module

    return call


def an_object(**properties: Any) -> dict[str, Any]:
    """The schema of an object that requires every one of its properties."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def test_class_says_which_event_it_is(load: Load) -> None:
    """A generated class publishes as its schema's source, type and version."""
    module = load({"door/Opened/1.2.json": an_object(door={"type": "string"})})
    event = module.Opened(door="garage").to_event()
    assert ("door", "Opened", "door/Opened/1.2") == (event.source, event.type, event.dataschema)
    assert issubclass(module.Opened, EventModel)
    assert module.Opened is module.OpenedV1_2
    assert {"Opened", "OpenedV1_2"} == set(module.__all__)


def test_every_version_has_a_class(load: Load) -> None:
    """The newest published version has the event's name; each keeps a name of its own."""
    module = load(
        {
            "door/Opened/1.0.json": an_object(door={"type": "integer"}),
            "door/Opened/1.1.json": an_object(door={"type": "string"}),
            "door/Opened/2.0.json": {
                **an_object(id={"type": "string"}),
                "x-eventflow": {"status": "draft"},
            },
        }
    )
    assert module.Opened is module.OpenedV1_1
    assert 1 == module.OpenedV1_0(door=1).door
    assert "x" == module.OpenedV2_0(id="x").id
    assert "2.0" == module.OpenedV2_0.event_version


def test_absent_is_not_null(load: Load) -> None:
    """What is optional and may not be null is left out when it is written, and never null."""
    schema = an_object(a={"type": "string"})
    schema["properties"] |= {"b": {"type": "string"}, "c": {"type": ["string", "null"]}}
    module = load({"s/T/1.0.json": schema})
    event = module.T(a="x")
    assert event.b is MISSING
    assert {"a": "x"} == to_jsonable_python(event)
    assert {"a": "x", "c": None} == to_jsonable_python(module.T(a="x", c=None))
    with pytest.raises(ValidationError):
        module.T.model_validate({"a": "x", "b": None})


def test_names_that_python_does_not_take(load: Load) -> None:
    """Fields, types and sources may be called what Python does not take; the data keeps them."""
    data = {
        "parcel-id": "P1",
        "class": 1,
        "1st": True,
        "größe": 2,
        "a.b": "",
        "model_x": "",
        "_y": 1,
    }
    kinds = {str: "string", int: "integer", bool: "boolean"}
    schema = an_object(**{name: {"type": kinds[type(value)]} for name, value in data.items()})
    module = load({"shop%2Feu/order-placed.v2/1.0.json": schema, "x/Any/1.0.json": schema})
    event = module.OrderPlacedV2.model_validate(data)
    assert "P1" == event.parcel_id
    assert data == to_jsonable_python(event)
    assert ("shop/eu", "order-placed.v2") == (event.event_source, event.event_type)
    assert data == to_jsonable_python(module.AnyEvent.model_validate(data))


def test_one_type_of_two_sources(load: Load) -> None:
    """In one module, events of one type and several sources are told apart by their sources."""
    module = load(
        {
            "shop/Placed/1.0.json": an_object(order={"type": "string"}),
            "kiosk.app/Placed/1.0.json": an_object(order={"type": "integer"}),
        }
    )
    assert ("shop", "kiosk.app") == (
        module.ShopPlaced(order="1").event_source,
        module.KioskAppPlaced(order=1).event_source,
    )


def test_shared_parts_are_one_class(load: Load) -> None:
    """The same part of several files is one class; different ones are called after the event."""
    door = an_object(id={"type": "string"})
    lock = an_object(id={"type": "integer"})

    def using(**parts: Any) -> dict[str, Any]:
        references = {name.lower(): {"$ref": f"#/$defs/{name}"} for name in parts}
        return {**an_object(**references), "$defs": parts}

    module = load(
        {
            "s/A/1.0.json": using(Door=door, Lock=lock),
            "s/B/1.0.json": using(Door=door, Lock=door),
            "s/C/1.0.json": {"$ref": "../parts/c.json"},
            "s/parts/c.json": an_object(door={"$ref": "door.schema.json#/$defs/the-door"}),
            "s/parts/door.schema.json": {
                "$defs": {"the-door": {"$ref": "#/$defs/Door"}, "Door": door}
            },
        }
    )
    names = {name: field.annotation for name, field in module.A.model_fields.items()}
    assert (module.Door, module.ALock) == (names["door"], names["lock"])
    assert module.Door is module.B.model_fields["door"].annotation
    assert module.BLock is module.B.model_fields["lock"].annotation
    assert {"door": {"id": "x"}} == to_jsonable_python(module.C(door={"id": "x"}))


def test_events_that_are_one_of_several(load: Load) -> None:
    """An event whose schema is a choice, an open object or another file is a typed event too."""
    one, other = an_object(a={"const": "x"}), an_object(b={"type": "integer"})
    module = load(
        {
            "s/Choice/1.0.json": {"oneOf": [one, other]},
            "s/Open/1.0.json": {"type": "object", "additionalProperties": True},
            "s/All/1.0.json": {"allOf": [one, {"$ref": "part.json"}]},
            "s/All/part.json": other,
        }
    )
    for name, data in (("Choice", {"b": 1}), ("Open", {"z": [1]}), ("All", {"a": "x", "b": 2})):
        event = getattr(module, name).model_validate(data).to_event()
        assert (name, data) == (event.type, to_jsonable_python(event.data))
    with pytest.raises(ValidationError):
        module.Choice.model_validate({"c": 1})


def test_older_dialects(load: Load) -> None:
    """Draft-04 and draft-07 are read by their own words."""
    module = load(
        {
            "s/Four/1.0.json": {
                "$schema": "http://json-schema.org/draft-04/schema#",
                **an_object(n={"type": "number", "minimum": 0, "exclusiveMinimum": True}),
            },
            "s/Seven/1.0.json": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                **an_object(
                    t={"type": "array", "items": [{"type": "string"}, {"type": "integer"}]},
                    # Beside a $ref nothing counts there.
                    r={"$ref": "#/definitions/Name", "maxLength": 1},
                ),
                "definitions": {"Name": {"type": "string"}},
            },
        }
    )
    with pytest.raises(ValidationError):
        module.Four(n=0)
    data = {"t": ["x", 1], "r": "long"}
    assert data == to_jsonable_python(module.Seven.model_validate(data))


def test_text_is_only_text(load: Load) -> None:
    """Quotes, backslashes and code in descriptions, names and patterns stay what they are."""
    text = 'ends here """ \\ and \\N{DIGIT} \'\'\' {x} {{y}} %s\nimport os\n"""'
    schema = {
        **an_object(a={"type": "string", "description": text, "pattern": "^[\"'\\\\]+$"}),
        "title": text,
        "description": text,
    }
    schema["properties"][text] = {"type": "string", "default": text, "enum": [text]}
    module = load({'s/T"""%5C/1.0.json': schema})
    assert {"a": "\"'\\", text: text} == to_jsonable_python(module.T(a="\"'\\"))
    assert 'T"""\\' == module.T.event_type


def test_same_files_make_the_same_text(write) -> None:
    """Written again, every module is the same to the letter, and says nothing of when."""
    files = {
        f"source.{number}/T/1.0.json": an_object(a={"enum": ["b", "a"]}, b={"$ref": "#/$defs/B"})
        | {"$defs": {"B": an_object(c={"type": "string", "format": "uuid"})}}
        for number in range(2)
    }
    repository = write(files)
    first = generate_package(repository)
    assert first == generate_package(load_repository(repository.root))
    assert ["__init__.py", "source_0.py", "source_1.py"] == list(first)
    assert all(ast.get_docstring(ast.parse(text)) for text in first.values())


def test_generated_are_no_models_to_export(load: Load) -> None:
    """A generated class is the file's own view, so that its file is never compared with it."""
    module = load({"s/T/1.0.json": an_object(a={"type": "string"})})
    assert () == declared_models([module.__name__])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("CourierArrived", ("CourierArrived", "courierarrived"), id="a class already"),
        pytest.param("check_run.created", ("CheckRunCreated", "check_run_created"), id="words"),
        pytest.param("2fa", ("Event2fa", "events_2fa"), id="begins with a digit"),
        pytest.param("!", ("Event", "events"), id="no letter"),
        pytest.param("class", ("Class", "class_"), id="a keyword"),
        pytest.param("None", ("NoneEvent", "none"), id="a name of Python's"),
        pytest.param("BaseModel", ("BaseModelEvent", "basemodel"), id="a name of pydantic's"),
        pytest.param("Überweisung", ("Überweisung", "überweisung"), id="letters of others"),
    ],
)
def test_names(text: str, expected: tuple[str, str]) -> None:
    """Whatever an event or a source is called, there is a class and a module for it."""
    assert expected == (class_name(text), module_name(text))


def test_missing_extra_says_what_to_install(write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the generator, the error has the command that installs it."""
    monkeypatch.setitem(sys.modules, "datamodel_code_generator", None)
    repository = write({"s/T/1.0.json": {"type": "object"}})
    with pytest.raises(SchemaError, match=r"pip install 'eventflow\[schemas\]'"):
        generate_module(repository.documents, repository)
