"""What is done about an event: by its schema, its bus and the default; and what a person is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventflow.schemas import Version, load_repository, work
from eventflow.schemas.faults import MAX_FAULTS
from eventflow.schemas.validation import Action, CheckResult, SchemaCheck
from eventflow.schemas.work import deepest, is_deeper

FILE = "shop/Sold/1.0.json"
PRICE = {"properties": {"price": {"type": "integer"}}, "required": ["price"]}
WriteSchemas = Callable[[dict[str, Any]], Path]
Judge = Callable[..., CheckResult]


@pytest.fixture
def judge(write_schemas: WriteSchemas) -> Judge:
    """Return a function that checks data by some files."""

    def check(
        files: dict[str, Any],
        data: Any,
        *,
        bus: str = "default",
        dataschema: str | None = None,
        event_type: str = "Sold",
    ) -> CheckResult:
        repository = load_repository(write_schemas(files))
        return SchemaCheck(repository).check("shop", event_type, dataschema, bus, data)

    return check


@pytest.mark.parametrize(
    ("own", "policy", "expected"),
    [
        ({}, "", Action.REFUSE),  # enforced unless said
        ({}, "validation: warn", Action.WARN),
        ({}, "validation: off", Action.PASS),
        ({}, "validation: off\nbuses: {default: {validation: enforce}}", Action.REFUSE),
        ({}, "buses: {other: {validation: off}}", Action.REFUSE),
        ({"validation": "warn"}, "validation: off", Action.WARN),
        ({"validation": "enforce"}, "buses: {default: {validation: off}}", Action.REFUSE),
        ({"validation": "off"}, "", Action.PASS),
        ({"status": "draft"}, "", Action.WARN),  # a draft refuses nothing
        ({"status": "draft", "validation": "enforce"}, "", Action.WARN),
        ({"status": "draft"}, "validation: off", Action.PASS),
    ],
)
def test_the_mode(judge: Judge, own: dict[str, str], policy: str, expected: Action) -> None:
    """The schema's own word comes before the bus's, and that before the default."""
    files = {FILE: {**PRICE, "x-eventflow": own}, "repository.yaml": policy}
    assert judge(files, {}).action is expected
    assert judge(files, {"price": 1}).action is Action.PASS


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", Action.PASS),
        ("unknown: warn", Action.WARN),
        ("unknown: refuse", Action.REFUSE),
        ("unknown: refuse\nbuses: {default: {unknown: allow}}", Action.PASS),
    ],
)
def test_an_event_without_a_schema(judge: Judge, policy: str, expected: Action) -> None:
    """What is done is the policy's, and the message says what has a schema."""
    result = judge({FILE: PRICE, "repository.yaml": policy}, {}, event_type="Solt")
    assert (result.action, result.schema) == (expected, None)
    if expected is not Action.PASS:
        assert "event 'Solt' of 'shop' has no schema in" in result.message
        assert "its source has: Sold" in result.message
        assert result.log_action == "schema_unknown"


def test_a_model_is_a_schema(judge: Judge) -> None:
    """An event whose model named it as its schema is known, whether or not there is a file."""
    files = {"repository.yaml": "unknown: refuse"}
    assert judge(files, {}, dataschema="shop/Sold/1.0").action is Action.PASS
    assert judge(files, {}, dataschema="shop/Other/1.0").action is Action.REFUSE


@pytest.mark.parametrize(
    ("dataschema", "version"),
    [
        (None, "1.1"),
        ("shop/Sold/1.0", "1.0"),
        ("shop/Sold/1.0.0", "1.0"),
        ("shop/Sold/2.0", "2.0"),  # a draft, if asked for
        ("shop/Sold/9.0", "1.1"),
        ("other/Sold/1.0", "1.1"),
        ("https://shop.example/sold", "1.1"),
        ("", "1.1"),
    ],
)
def test_which_version(judge: Judge, dataschema: str | None, version: str) -> None:
    """The one that the event names, where it is one of its own; else the newest that is no draft."""
    files = {
        FILE: {},
        "shop/Sold/1.1.json": {},
        "shop/Sold/2.0.json": {"x-eventflow": {"status": "draft"}},
    }
    result = judge(files, {}, dataschema=dataschema)
    assert result.schema is not None
    assert result.schema.version == Version.parse(version)


def test_what_a_person_is_told(judge: Judge, tmp_path: Path) -> None:
    """The event, the file, every fault with its path, and what to do; never a value of the event."""
    schema = {
        "properties": {
            "buyer": {"properties": {"name": {"maxLength": 3}}, "additionalProperties": False},
            "items": {"items": {"enum": ["book", "pen"]}},
            "at": {"format": "date-time"},
            "code": {"pattern": "^[A-Z]+$"},
            "price": {"type": ["integer", "null"]},
        },
        "required": ["id"],
    }
    data = {
        "buyer": {"name": "secret", "pin": "hunter2"},
        "items": ["book", "gun"],
        "at": "noon",
        "code": "x",
        "price": "free",
    }
    result = judge({FILE: schema}, data)
    assert sorted(result.message.splitlines()[1:-1]) == [
        "  data.at: must be of the format date-time; it is a string of 4 characters;",
        "  data.buyer.name: must have 3 characters or less; it is a string of 6 characters;",
        "  data.buyer.pin: is no field of the schema, which allows no others;",
        '  data.code: must match "^[A-Z]+$"; it is a string of 1 character;',
        "  data.id: is missing;",
        '  data.items[1]: must be one of "book", "pen"; it is a string of 3 characters;',
        "  data.price: must be one of null, an integer; it is a string of 4 characters;",
    ]
    first, last = result.message.splitlines()[0], result.message.splitlines()[-1]
    assert first == f"event 'Sold' of 'shop' does not fit its schema {tmp_path / 'schemas' / FILE}:"
    assert "`eventflow schemas show shop/Sold/1.0`" in last
    assert not any(word in result.message for word in ("secret", "hunter2", "gun", "noon", "free"))
    assert result.log_action == "schema_mismatch"


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"const": 1}, 2, "must be 1; it is an integer"),
        ({"minimum": 3}, 2, "must be 3 or more; it is an integer"),
        ({"exclusiveMaximum": 2}, 2.5, "must be less than 2; it is a number"),
        ({"multipleOf": 2}, 3, "must be a multiple of 2; it is an integer"),
        ({"minItems": 2}, [1], "must have 2 items or more; it is an array of 1 item"),
        ({"uniqueItems": True}, [1, 1], "must have no item twice; it is an array of 2 items"),
        ({"not": {}}, None, "must not fit the schema of not; it is null"),
        ({"contains": {"const": 1}}, [], ("must have an item that fits the schema of contains; "
         "it is an array of 0 items")),
        (False, True, "must not be there"),
        ({"oneOf": [True, {}]}, True, ("must fit one of the schemas of oneOf, and fits several; "
         "it is a boolean")),
        ({"minProperties": 1}, {}, "must have 1 fields or more; it is an object of 0 fields"),
        ({"format": "time"}, "25:00:00", "must be of the format time; it is a string of 8 characters"),
    ],
)  # fmt: skip
def test_words_of_faults(judge: Judge, schema: Any, value: Any, message: str) -> None:
    """Each keyword says what it asks for."""
    (fault,) = judge({FILE: {"properties": {"x": schema}}}, {"x": value}).faults
    assert (fault.path, fault.message) == ("data.x", message)


def test_the_nearest_alternative(judge: Judge) -> None:
    """Of alternatives, the one that was meant says why it does not fit."""
    alternatives = [
        {"properties": {"kind": {"const": "card"}, "number": {"type": "string"}}},
        {"properties": {"kind": {"const": "cash"}}, "required": ["amount", "currency"]},
    ]
    result = judge({FILE: {"anyOf": alternatives}}, {"kind": "cash", "number": 5})
    assert [fault.path for fault in result.faults] == ["data", "data.amount", "data.currency"]
    assert result.faults[1].message == "is missing (by the nearest of the schemas of anyOf)"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("2026-12-01T10:00:00Z", True),
        ("2026-12-01T10:00:00.123456+01:00", True),
        ("2026-12-01T10:00:00", True),  # as pydantic writes a time without a zone
        ("2026-12-01 10:00:00", True),
        ("2016-12-31T23:59:60Z", True),
        ("2026-13-01T10:00:00Z", False),
        ("2026-12-01T24:00:00Z", False),
        ("2026-12-01", False),
        ("٢٠٢٦-12-01T10:00:00Z", False),
    ],
)
def test_date_time(judge: Judge, text: str, fits: bool) -> None:
    """The format is asserted, as wide as pydantic reads and writes it."""
    result = judge({FILE: {"properties": {"at": {"format": "date-time"}}}}, {"at": text})
    assert (result.action is Action.PASS) is fits


def test_many_faults_are_cut(judge: Judge) -> None:
    """A message has so many lines and no more."""
    result = judge(
        {FILE: {"additionalProperties": {"type": "integer"}}}, {f"k{n}": "" for n in range(99)}
    )
    assert len(result.faults) == MAX_FAULTS
    assert "  and more;" in result.message.splitlines()


def test_a_deprecated_schema_is_told_once(write_schemas: WriteSchemas) -> None:
    """Its events pass; the first of a process brings one warning, also over a reload."""
    said = {"status": "deprecated", "deprecated_on": "2026-12-01", "successor": "2.0"}
    root = write_schemas({FILE: {"x-eventflow": said}, "shop/Sold/2.0.json": {}})
    check = SchemaCheck(load_repository(root))

    def once(by: SchemaCheck) -> CheckResult:
        return by.check("shop", "Sold", "shop/Sold/1.0", "default", {})

    first = once(check)
    assert (first.action, first.log_action) == (Action.WARN, "schema_deprecated")
    assert "which is deprecated from 2026-12-01 on: publish version 2.0 of it" in first.message
    assert once(check).action is Action.PASS
    assert once(SchemaCheck(load_repository(root), before=check)).action is Action.PASS


BRANCHING = {
    "$defs": {
        "n": {
            "anyOf": [
                {"properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["x"]},
                {"properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["y"]},
            ]
        }
    },
    "$ref": "#/$defs/n",
}


def test_alternatives_that_branch_anew_at_each_level(judge: Judge) -> None:
    """An event that would be looked at for ever is refused at once, for its depth."""
    data: dict[str, Any] = {}
    for _ in range(100):
        data = {"a": data}
    (fault,) = judge({FILE: BRANCHING}, data).faults
    assert "has more than 8 levels, and no more can be checked" in fault.message
    assert judge({FILE: BRANCHING}, {"a": {"x": 1}, "y": 1}).action is Action.PASS


def test_alternatives_that_branch_at_once(write_schemas: WriteSchemas) -> None:
    """A schema that is too much work for any event is a fault of its file."""
    chain: dict[str, Any] = {
        f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}]}
        for n in range(30)
    }
    schema = {"$defs": {**chain, "a30": {"type": "object"}}, "$ref": "#/$defs/a0"}
    with pytest.raises(Exception, match="checks one value by more than 1,000 schemas"):
        load_repository(write_schemas({FILE: schema}))


@pytest.mark.parametrize(
    ("schema", "levels"),
    [
        ({}, work.MAX_LEVELS),
        ({"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}}, work.MAX_LEVELS),
        ({"items": {"$ref": "#"}, "additionalProperties": {"$ref": "#"}}, work.MAX_LEVELS),
        (
            {
                "anyOf": [
                    {"properties": {"and": {"items": {"$ref": "#"}}}},
                    {"properties": {"or": {"items": {"$ref": "#"}}}},
                    {"properties": {"not": {"$ref": "#"}}},
                ]
            },
            work.MAX_LEVELS,
        ),
        ({"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}}, 9),
        ({"prefixItems": [{"$ref": "#"}, {"$ref": "#"}]}, work.MAX_LEVELS),
        ({"allOf": [{}] * 1000}, 0),
        ({"$defs": {"unused": {"allOf": [{}] * 1000}}}, work.MAX_LEVELS),
        ({"properties": {"a": {"allOf": [{}] * 1000}}}, 1),
    ],
)
def test_how_deep_a_schema_may_go(schema: dict[str, Any], levels: int) -> None:
    """It is counted by levels how often one value can be looked at."""
    assert deepest(schema) == levels


@pytest.mark.parametrize(
    ("data", "levels"), [({}, 1), ({"a": 1}, 2), ({"a": [{}]}, 3), ({"a": {}, "b": [[1]]}, 4)]
)
def test_levels_of_data(data: object, levels: int) -> None:
    """The data itself is the first level."""
    assert not is_deeper(data, levels)
    assert is_deeper(data, levels - 1)
