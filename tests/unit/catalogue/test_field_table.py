"""The table of fields: one row a field, whatever parts of the schema speak of it."""

from typing import Any

import pytest

from eventflow.catalogue.field_table import FieldRow, list_fields
from eventflow.catalogue.references import WholeSchema
from tests.unit.catalogue.conftest import MakeRepository


@pytest.fixture
def rows_of(make_repository: MakeRepository):
    """A function that lists the fields of a schema, by their paths."""

    def rows(schema: dict[str, Any], **others: Any) -> dict[str, FieldRow]:
        shared = {name.replace("__", "/") + ".json": content for name, content in others.items()}
        (document,) = make_repository({"shop/Paid/1.0.json": schema, **shared}).documents
        listed = list_fields(WholeSchema(document))
        return {row.path: row for row in listed}

    return rows


def test_row_says_type_need_and_limits(rows_of) -> None:
    """A row has the kind of value, whether it must be there, its words and its limits."""
    rows = rows_of(
        {
            "required": ["minutes"],
            "properties": {
                "minutes": {
                    "type": "integer",
                    "description": "How late.",
                    "exclusiveMinimum": 0,
                    "maximum": 90,
                },
                "kind": {"enum": ["a", None], "deprecated": True},
                "at": {"type": "string", "format": "date-time", "default": "now"},
            },
        }
    )
    assert FieldRow("minutes", ("integer",), True, "How late.", ("> 0", "≤ 90")) == rows["minutes"]
    assert (
        FieldRow("kind", ("string", "null"), False, "", ('one of "a", null',), is_deprecated=True)
        == rows["kind"]
    )
    assert ("date-time", '"now" unless said') == rows["at"].limits


def test_fields_stand_in_the_schemas_order_each_before_what_is_in_it(rows_of) -> None:
    """Objects are followed at once by their own fields, arrays by what is in their elements."""
    doors = {"type": "array", "items": {"properties": {"kind": {"type": "string"}}}}
    parcel = {"properties": {"id": {}, "doors": doors}, "required": ["id"]}
    rows = rows_of({"properties": {"parcel": parcel, "tags": {"items": {"type": "string"}}}})
    expected = ["parcel", "parcel.id", "parcel.doors", "parcel.doors[]", "parcel.doors[].kind"]
    assert [*expected, "tags"] == list(rows)
    assert ("array of object", "array of string") == (rows["parcel.doors"].type, rows["tags"].type)
    assert (False, True) == (rows["parcel"].required, rows["parcel.id"].required)


def test_choices_are_one_row_and_need_nothing(rows_of) -> None:
    """Of several choices the kinds are joined, and what only one of them needs is not needed."""
    rows = rows_of(
        {
            "properties": {
                "photo": {"anyOf": [{"type": "string", "minLength": 3}, {"type": "null"}]}
            },
            "oneOf": [
                {"required": ["card"], "properties": {"card": {"type": "string"}}},
                {"properties": {"card": {"type": "integer", "minimum": 1}}},
            ],
        }
    )
    assert ("string or null", ("3 characters or more",)) == (
        rows["photo"].type,
        rows["photo"].limits,
    )
    assert ("string or integer", False) == (rows["card"].type, rows["card"].required)


def test_parts_of_all_of_and_of_other_files_count(rows_of) -> None:
    """What `allOf` and `$ref` add is there as if it were written in place."""
    base = {"properties": {"id": {"type": "string"}}, "required": ["id"]}
    rows = rows_of(
        {"allOf": [{"$ref": "../../common/base.json"}], "properties": {"n": {}}}, common__base=base
    )
    assert {"n": "any", "id": "string"} == {path: row.type for path, row in rows.items()}
    assert rows["id"].required


def test_schema_within_itself_ends(rows_of) -> None:
    """A schema that refers to itself is listed once, and the field that does so says it."""
    node = {"properties": {"next": {"$ref": "#/$defs/node"}, "name": {"type": "string"}}}
    rows = rows_of({"properties": {"first": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}})
    assert ["first", "first.next", "first.name"] == list(rows)
    assert rows["first.next"].is_recursive


def test_wide_choices_below_each_other_end(rows_of) -> None:
    """A schema whose choices multiply with each level is listed in bounded work."""
    levels: dict[str, Any] = {
        f"l{level}": {"anyOf": [{"properties": {"a": {"$ref": f"#/$defs/l{level + 1}"}}}] * 8}
        for level in range(20)
    }
    rows = rows_of({"$ref": "#/$defs/l0", "$defs": {**levels, "l20": {"type": "string"}}})
    assert rows["a"].path == "a"


def test_names_that_are_not_known_have_rows(rows_of) -> None:
    """Other properties, patterns of names and elements by their place each have a row."""
    rows = rows_of(
        {
            "additionalProperties": {"type": "integer"},
            "patternProperties": {"^x-": {"type": "boolean"}},
            "properties": {"pair": {"prefixItems": [{"type": "string"}, {"type": "number"}]}},
        }
    )
    assert {"*": "integer", "/^x-/": "boolean", "pair[0]": "string", "pair[1]": "number"} == {
        path: row.type for path, row in rows.items() if path != "pair"
    }
