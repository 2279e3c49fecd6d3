"""What breaks between two versions: the cases of Confluent's documentation, and their words."""

from pathlib import Path
from typing import Any

import pytest

from eventflow.schemas import Compatibility, SchemaDocument, SchemaName, Status
from eventflow.schemas.compatibility import Direction, compare, compared_with, is_reworded
from eventflow.schemas.inclusion import Verdict

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
INTEGER: dict[str, Any] = {"type": "integer"}
CLOSED: dict[str, Any] = {"additionalProperties": False}
BOTH = ("backward", "forward")


def version(
    text: str, schema: Any, status: Status = Status.ACTIVE, dialect: str = DIALECT
) -> SchemaDocument:
    name = SchemaName.parse(f"courier.app/CourierArrived/{text}")
    return SchemaDocument(name, schema, Path(f"{text}.json"), dialect, status=status)


def fields(required: str = "", **properties: Any) -> dict[str, Any]:
    """Give an object; `required` names fields, one letter each."""
    return {"type": "object", "properties": properties, "required": list(required)}


def breaks(old: Any, new: Any, dialect: str = DIALECT) -> tuple[str, ...]:
    """Name the directions in which two schemas do not go together, in this order."""
    one, other = version("1.0", old, dialect=dialect), version("1.1", new, dialect=dialect)
    found = compare(one, other, tuple(Direction))
    hard = {breach.direction.value for breach in found if breach.is_hard}
    return tuple(direction for direction in BOTH if direction in hard)


OPTIONAL = {"anyOf": [TEXT, {"type": "null"}]}
KINDS = [
    {**fields("k", k={"const": name}, size=INTEGER), "title": name} for name in ("a", "b", "c")
]
NODE: dict[str, Any] = {
    "type": "object",
    "properties": {"next": {"$ref": "#/$defs/node"}, "value": INTEGER},
}
TREE = {"$ref": "#/$defs/node", "$defs": {"node": NODE}}
WIDER = {"$ref": "#/$defs/node", "$defs": {"node": {**NODE, "properties": {
    **NODE["properties"], "value": NUMBER}}}}  # fmt: skip

# name, the old schema, the new one, the directions that break
CASES = [
    # Confluent's table of JSON Schema: fields
    ("an optional field is added to an open object", fields(a=TEXT), fields(a=TEXT, b=TEXT), ()),
    ("an optional field is taken from an open object", fields(a=TEXT, b=TEXT), fields(a=TEXT), ()),
    (
        "an optional field is added to a closed object",
        {**fields(a=TEXT), **CLOSED},
        {**fields(a=TEXT, b=TEXT), **CLOSED},
        ("forward",),
    ),
    (
        "an optional field is taken from a closed object",
        {**fields(a=TEXT, b=TEXT), **CLOSED},
        {**fields(a=TEXT), **CLOSED},
        ("backward",),
    ),
    ("a required field is added", fields(a=TEXT), fields("b", a=TEXT, b=TEXT), ("backward",)),
    ("a required field is taken", fields("b", a=TEXT, b=TEXT), fields(a=TEXT), ("forward",)),
    ("a field becomes required", fields(a=TEXT), fields("a", a=TEXT), ("backward",)),
    ("a field becomes optional", fields("a", a=TEXT), fields(a=TEXT), ("forward",)),
    ("an object is closed", fields(a=TEXT), {**fields(a=TEXT), **CLOSED}, ()),
    (
        "a field is covered by a partly open object",
        {**fields(a=TEXT), "additionalProperties": TEXT},
        {**fields(a=TEXT, b=TEXT), "additionalProperties": TEXT},
        (),
    ),
    (
        "a field is not covered by a partly open object",
        {**fields(a=TEXT), "additionalProperties": TEXT},
        {**fields(a=TEXT, b=INTEGER), "additionalProperties": TEXT},
        BOTH,
    ),
    (
        "a partly open object is narrowed",
        {"type": "object", "additionalProperties": NUMBER},
        {"type": "object", "additionalProperties": INTEGER},
        ("backward",),
    ),
    (
        "a pattern of names is added",
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "patternProperties": {"^x-": INTEGER}, "additionalProperties": TEXT},
        BOTH,
    ),
    (
        "the schema of a pattern is widened",
        {"patternProperties": {"^x-": INTEGER}, **CLOSED},
        {"patternProperties": {"^x-": NUMBER}, **CLOSED},
        ("forward",),
    ),
    (
        "a field asks for another",
        fields(a=TEXT, b=TEXT),
        {**fields(a=TEXT, b=TEXT), "dependentRequired": {"a": ["b"]}},
        ("backward",),
    ),
    # types
    ("a type is widened", INTEGER, NUMBER, ("forward",)),
    ("a type is narrowed", NUMBER, INTEGER, ("backward",)),
    ("a type is changed", TEXT, INTEGER, BOTH),
    ("null is allowed", fields(a=TEXT), fields(a=OPTIONAL), ("forward",)),
    ("null is refused", fields(a=OPTIONAL), fields(a=TEXT), ("backward",)),
    ("null by another spelling", OPTIONAL, {"type": ["null", "string"]}, ()),
    # values
    ("a value is added to an enum", {"enum": ["a"]}, {"enum": ["a", "b"]}, ("forward",)),
    ("a value is taken from an enum", {"enum": ["a", "b"]}, {"enum": ["a"]}, ("backward",)),
    ("an enum becomes any text", {"enum": ["a", "b"]}, TEXT, ("forward",)),
    ("a constant is changed", {"const": 1}, {"const": 2}, BOTH),
    ("a constant is written another way", {"const": 1.0}, {"enum": [1]}, ()),
    ("an object is a constant", {"const": {"a": 1}}, fields("a", a=INTEGER), ("forward",)),
    # bounds
    ("a minimum rises", {**NUMBER, "minimum": 1}, {**NUMBER, "minimum": 2}, ("backward",)),
    ("a maximum rises", {**NUMBER, "maximum": 1}, {**NUMBER, "maximum": 2}, ("forward",)),
    (
        "a bound of integers is written another way",
        {**INTEGER, "exclusiveMinimum": 0},
        {**INTEGER, "minimum": 1},
        (),
    ),
    ("a multiple of a multiple", {**INTEGER, "multipleOf": 4}, {**INTEGER, "multipleOf": 2},
     ("forward",)),
    ("a text may be longer", {**TEXT, "maxLength": 3}, {**TEXT, "maxLength": 4}, ("forward",)),
    ("a pattern is added", TEXT, {**TEXT, "pattern": "^a"}, ("backward",)),
    ("a format is added", TEXT, {**TEXT, "format": "date-time"}, ("backward",)),
    ("a format is kept", {**TEXT, "format": "uuid"}, {**TEXT, "format": "uuid", "title": "I"}, ()),
    ("a pattern is replaced", {**TEXT, "pattern": "^ab"}, {**TEXT, "pattern": "^a(b|c)"}, BOTH),
    # arrays
    ("elements are widened", {"type": "array", "items": INTEGER},
     {"type": "array", "items": NUMBER}, ("forward",)),
    ("an array must not be empty", {"type": "array"}, {"type": "array", "minItems": 1},
     ("backward",)),
    ("a position is added to a closed array",
     {"type": "array", "prefixItems": [TEXT], "items": False},
     {"type": "array", "prefixItems": [TEXT, INTEGER], "items": False}, ("forward",)),
    # alternatives
    ("an alternative is added", {"anyOf": [TEXT]}, {"anyOf": [TEXT, INTEGER]}, ("forward",)),
    ("a kind is added", {"oneOf": KINDS[:2]}, {"oneOf": KINDS}, ("forward",)),
    ("kinds are told in another order", {"oneOf": KINDS}, {"oneOf": KINDS[::-1]}, ()),
    ("an alternative takes the whole", NUMBER,
     {"anyOf": [{**NUMBER, "maximum": 0}, {**NUMBER, "minimum": 0}]}, ()),
    ("all of them is what each of them is",
     {"allOf": [fields("a", a=TEXT), fields("b", b=TEXT)]}, fields("ab", a=TEXT, b=TEXT), ()),
    # references
    ("a part is taken out of its place", fields(a=TEXT),
     {**fields(a={"$ref": "#/$defs/text"}), "$defs": {"text": TEXT}}, ()),
    ("a recursive schema is the same", TREE, TREE, ()),
    ("a recursive schema is widened", TREE, WIDER, ("forward",)),
    # what is not looked into
    ("the same condition", {"if": TEXT, "then": {"minLength": 1}},
     {"then": {"minLength": 1}, "if": TEXT, "title": "T"}, ()),
    ("a new condition", True, {"if": {"type": "object"}, "then": {"required": ["a"]}},
     ("backward",)),
    ("an unknown keyword", TEXT, {**TEXT, "x-unit": "kg", "description": "d"}, ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_breaks(old: Any, new: Any, expected: tuple[str, ...]) -> None:
    """Each change breaks the directions that Confluent's documentation says, and no other."""
    assert expected == breaks(old, new)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (fields(a=TEXT), fields("b", a=TEXT, b=TEXT),
         "data.b: is required by 1.1: writers of 1.0 need not send it"),
        (fields(a={"enum": ["x", "y"]}), fields(a={"enum": ["x"]}),
         'data.a: may be "y" by 1.0, which 1.1 does not take'),
        (fields(a=OPTIONAL), fields(a=TEXT),
         "data.a: is string by 1.1: writers of 1.0 may send null"),
        (fields(a={"type": "array", "items": TEXT}),
         fields(a={"type": "array", "items": {**TEXT, "minLength": 1}}),
         "data.a[]: must have 1 or more characters by 1.1: writers of 1.0 need not keep to it"),
        ({**fields(a=TEXT), **CLOSED}, {**fields(), **CLOSED},
         "data.a: is sent by writers of 1.0, and 1.1 refuses it"),
        (TREE, {"$ref": "#/$defs/node", "$defs": {"node": {**NODE, "not": {"required": ["x"]}}}},
         "data: 'not' of 1.1 cannot be compared with what 1.0 says: treated as breaking"),
    ],
)  # fmt: skip
def test_the_words(old: Any, new: Any, expected: str) -> None:
    """A difference names the field, both versions, and what a writer may do that breaks."""
    found = [
        str(breach.difference)
        for breach in compare(version("1.0", old), version("1.1", new), [Direction.BACKWARD])
        if breach.is_hard
    ]
    assert expected in found


def test_what_an_open_schema_does_not_name_is_assumed_not_to_be_sent() -> None:
    """A new optional field of an open object is told, and is no breach."""
    (breach,) = compare(
        version("1.0", fields(a=TEXT)), version("1.1", fields(a=TEXT, b=TEXT)), [Direction.BACKWARD]
    )
    assert (Verdict.ASSUMED, "data.b") == (breach.difference.verdict, breach.difference.path)
    assert not breach.is_hard


def test_old_dialects() -> None:
    """Bounds of draft-04 and positions of draft-07 mean there what they mean there."""
    draft_4 = "http://json-schema.org/draft-04/schema#"
    more = {**NUMBER, "minimum": 0, "exclusiveMinimum": True}
    assert ("backward",) == breaks({**NUMBER, "minimum": 0}, more, draft_4)
    draft_7 = "http://json-schema.org/draft-07/schema#"
    pair = {"type": "array", "items": [TEXT, INTEGER], "additionalItems": False}
    assert ("forward",) == breaks(pair, {**pair, "items": [TEXT, NUMBER]}, draft_7)


def test_a_schema_of_any_size_is_compared_in_bounded_steps() -> None:
    """Alternatives within alternatives end in 'cannot be compared', not in endless work."""

    def nest(depth: int, leaf: Any) -> Any:
        if depth == 0:
            return leaf
        inner = nest(depth - 1, leaf)
        return {"anyOf": [fields("k", k={"const": n}, v=inner) for n in range(4)]}

    assert breaks(nest(6, INTEGER), nest(6, NUMBER))


def test_a_schema_that_is_too_deep_is_not_compared() -> None:
    """A schema of 300 levels is told to be too large, and nothing overflows."""
    old, new = INTEGER, NUMBER
    for _ in range(300):
        old, new = {"type": "array", "items": old}, {"type": "array", "items": new}
    assert BOTH == breaks(old, new)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("none", []),
        ("backward", ["2.1"]),
        ("full", ["2.1"]),
        ("backward_transitive", ["2.1", "2.0"]),
        ("forward_transitive", ["2.1", "2.0"]),
        ("full_transitive", ["2.1", "2.0"]),
    ],
)
def test_what_a_version_is_held_against(mode: str, expected: list[str]) -> None:
    """The last version of the major, or all of them; drafts and other majors are not asked."""
    versions = [version(text, TEXT) for text in ("1.0", "2.0", "2.1", "2.3", "3.0")]
    versions.append(version("2.2", TEXT, Status.DRAFT))
    found = compared_with(versions[3], versions, Compatibility(mode))
    assert expected == [str(item.name.version) for item in found]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({**fields("a", a={**TEXT, "description": "new"}), "title": "T", "examples": [{}]}, True),
        ({**fields("a", a={**TEXT, "default": "x"})}, False),
        (fields("a", a={**TEXT, "minLength": 1}), False),
        (fields(a=TEXT), False),
    ],
)
def test_words_are_told_from_meaning(new: Any, expected: bool) -> None:
    """Titles, descriptions and examples are words; a default is not, since models read it."""
    assert expected is is_reworded(version("1.0", fields("a", a=TEXT)), version("1.0", new))
