"""What a schema says of a field: whether it can be there, and what can."""

from pathlib import Path
from typing import Any

import pytest

from eventflow.schemas import SchemaDocument, SchemaName
from eventflow.schemas.fields import SchemaFields
from eventflow.schemas.leaves import LeafShape

LATEST = "https://json-schema.org/draft/2020-12/schema"
CLOSED = {"type": "object", "additionalProperties": False}


def fields(schema: Any, dialect: str = LATEST) -> SchemaFields:
    """Take a schema apart."""
    name = SchemaName.parse("shop/Sold/1.0")
    return SchemaFields(SchemaDocument(name, schema, Path("x.json"), dialect))


def closed(**properties: Any) -> dict[str, Any]:
    return {**CLOSED, "properties": properties}


def only(found: SchemaFields, path: str) -> LeafShape:
    (shape,) = found.find(path.split(".")).shapes
    return shape


@pytest.mark.parametrize(
    ("schema", "path", "named", "possible"),
    [
        pytest.param(closed(a={}), "a", True, True, id="named"),
        pytest.param(closed(a={}), "b", False, False, id="closed"),
        pytest.param({"properties": {"a": {}}}, "b", False, True, id="open"),
        pytest.param(closed(a=closed(b={})), "a.b", True, True, id="nested"),
        pytest.param(closed(a={"type": "string"}), "a.b", False, False, id="below text"),
        pytest.param(closed(**{"a.b": {}}), "a.b", True, True, id="a key with a dot"),
        pytest.param({"properties": {"a": closed()}}, "a.b", False, True, id="a key may have one"),
        pytest.param(
            closed(a={"type": "array", "items": closed(b={})}), "a.b", True, True, id="array"
        ),
        pytest.param(
            closed(a={"type": "array", "items": {"type": "array", "items": closed(b={})}}),
            *("a.b", True, True),
            id="array of arrays",
        ),
        pytest.param(
            closed(a={"type": "array", "prefixItems": [closed(b={})], "items": False}),
            *("a.b", True, True),
            id="tuple",
        ),
        pytest.param(
            closed(a={"type": "array", "items": closed(b={})}), "a.c", False, False, id="in it"
        ),
        pytest.param(
            {**CLOSED, "patternProperties": {"^x-": {}}}, "x-b", True, True, id="pattern of names"
        ),
        pytest.param(
            {**CLOSED, "patternProperties": {"^x-": {}}},
            "b",
            False,
            False,
            id="not of that pattern",
        ),
        pytest.param(
            closed(a={"additionalProperties": {"type": "string"}}), "a.b", True, True, id="a map"
        ),
        pytest.param(
            {"anyOf": [closed(a={}), closed(b={})]}, "b", True, True, id="one of two ways"
        ),
        pytest.param(
            {"allOf": [closed(a={}), {"properties": {"b": {}}}]}, "b", False, False, id="both hold"
        ),
        pytest.param(
            {"allOf": [{"properties": {"b": {}}}], "unevaluatedProperties": False},
            *("b", True, True),
            id="evaluated",
        ),
        pytest.param(
            {"allOf": [{"properties": {"b": {}}}], "unevaluatedProperties": False},
            *("c", False, False),
            id="not evaluated",
        ),
        pytest.param(
            {"dependentSchemas": {"a": {"properties": {"b": {}}}}}, "b", True, True, id="dependent"
        ),
        pytest.param(
            {"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"b": {}}}},
            *("b", True, True),
            id="then",
        ),
        pytest.param({"enum": [{"a": 1}, {"b": [2]}]}, "b", True, True, id="an enum of objects"),
        pytest.param({"enum": [{"a": 1}, {"b": [2]}]}, "c", False, False, id="none of an enum's"),
        pytest.param(closed(a=False), "a", False, False, id="forbidden"),
        pytest.param({"$dynamicRef": "#x"}, "a", True, True, id="what is not followed"),
        pytest.param({"$ref": "#/nowhere"}, "a", True, True, id="what leads nowhere"),
    ],
)
def test_whether_there_is_a_field(schema, path, named, possible):
    """A field is named, or possible though not named, or impossible."""
    facts = fields(schema).find(path.split("."))
    assert (facts.named, facts.possible) == (named, possible)


def test_references():
    """References are followed, on from where they lead, and round in circles."""
    parts = {
        "a/b c": closed(next={"$ref": "#/$defs/a~1b%20c"}, n={"$ref": "#/$defs/number"}),
        "number": {"type": "integer"},
    }
    found = fields({**closed(a={"$ref": "#/$defs/a~1b%20c"}), "$defs": parts})
    assert only(found, "a.next.next.n").whole
    assert not found.find(("a", "next", "m")).possible
    assert found.names_below(("a", "next")) == {"next", "n"}


def test_reference_to_itself_ends():
    """A schema that is nothing but itself says nothing, and is not followed for ever."""
    assert fields({"$ref": "#"}).find(("a", "b")).possible


def test_many_combinations_end():
    """Choices that multiply beyond the bound are not looked into: anything is possible."""
    choice = {"anyOf": [{"properties": {f"p{n}": {}}} for n in range(10)]}
    assert fields({"allOf": [choice] * 40}).find(("q",)).possible


def test_what_stands_beside_a_reference():
    """In draft-07 nothing counts beside a reference; since 2019-09 both do."""
    schema = {"properties": {"a": {"$ref": "#/d", "enum": ["x"]}}, "d": {"type": "string"}}
    assert only(fields(schema), "a").values == ("x",)
    old = fields(schema, "http://json-schema.org/draft-07/schema#")
    assert only(old, "a").values is None


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "maxLength": 3}, LeafShape(frozenset({"string"}), True, longest=3)),
        ({"enum": ["a", 1, {"b": 2}]}, LeafShape(frozenset({"string", "number"}), values=("a", 1))),
        ({"const": True}, LeafShape(frozenset({"boolean"}), values=(True,))),
        (
            {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 9},
            LeafShape(frozenset({"number", "null"}), True, 1, True, 9, False),
        ),
        (
            {"allOf": [{"enum": [1, 2, 3]}, {"enum": [3, 1, True]}, {"minimum": 2}]},
            LeafShape(frozenset({"number"}), values=(3,)),
        ),
    ],
)
def test_what_can_stand_there(schema, expected):
    """Kinds, values and bounds of a leaf come together from all that holds of it."""
    assert only(fields({"type": "object", "properties": {"a": schema}}), "a") == expected


def test_paths_of_inputs():
    """An input's path takes one step after the other: an array needs an index, and dots are text."""
    found = fields(closed(a={"type": "array", "items": closed(**{"b.c": {}})}))
    assert found.follow(("a", 0, "b.c")).named
    assert not found.follow(("a", "b.c")).possible
    assert not found.follow(("a", 0, "b", "c")).possible
    assert found.follow(("a",)).takes_array


def test_deprecated_field():
    """A field is deprecated where the schema says so in every way that leads to it."""
    found = fields(closed(a={"deprecated": True}, b={"anyOf": [{"deprecated": True}, {}]}))
    assert found.find(("a",)).deprecated
    assert not found.find(("b",)).deprecated
