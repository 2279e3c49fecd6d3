"""Rules against schemas: what cannot be is told where it stands, and nothing else is."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eventflow.rules.cases import read_cases
from eventflow.rules.lint import lint
from eventflow.rules.loader import read_rules
from eventflow.schemas import (
    BusPolicy,
    Policy,
    Repository,
    SchemaDocument,
    SchemaName,
    Status,
    Unknown,
    Validation,
    Version,
)
from eventflow.schemas.discovery import propose
from eventflow.schemas.fields import FieldIndex

REFERENCE = Path(__file__).resolve().parents[3] / "rules"
LATEST = "https://json-schema.org/draft/2020-12/schema"
TARGETS = "targets: {a: {task: x}}\n"
HEAD = "source: [courier.app], detail-type: [CourierArrived]"


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def record(*, is_open: bool = False, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": is_open, "properties": properties}


def schema(name: str, content: dict[str, Any], **more: Any) -> SchemaDocument:
    return SchemaDocument(
        SchemaName.parse(name), content, Path(f"schemas/{name}.json"), LATEST, **more
    )


DOOR = record(
    id=text(maxLength=10),
    kind={"enum": ["garage", "gate", "front-door"]},
    floor={"type": "integer"},
)
ARRIVED = record(door=DOOR, tags={"type": "array", "items": text()})
ARRIVED_SCHEMA = schema("courier.app/CourierArrived/1.0", ARRIVED)
LEFT_SCHEMA = schema("courier.app/ParcelLeft/1.0", record(photo={"type": ["string", "null"]}))


@pytest.fixture
def found_by(write_rules: Callable[..., Path]) -> Callable[..., list[str]]:
    """Lint one pattern against schemas; returns what is said, less the file's name."""

    def run(
        pattern: str, *documents: SchemaDocument, input: str = "", policy: Policy | None = None
    ) -> list[str]:
        target = f"{{target: a, input: {input}}}" if input else "a"
        path = write_rules(
            m=f"{TARGETS}rules: {{r: {{pattern: {pattern}, targets: [{target}]}}}}\n"
        )
        repository = Repository(Path("schemas"), documents or (ARRIVED_SCHEMA,), policy)
        found = lint(read_rules(path), FieldIndex(repository), ignore=("never-matches",))
        return [str(each).partition(" ")[2] for each in found]

    return run


def test_field_that_a_closed_schema_lacks(found_by):
    """It is an error, with its place and what may be meant."""
    assert found_by(f"{{{HEAD}, detail: {{dor: {{kind: [gate]}}}}}}") == [
        (
            "error unknown-field: rules.r.pattern.detail.dor.kind: courier.app/CourierArrived has no "
            "field detail.dor.kind; did you mean 'door'?; no event can have it, so that this never "
            "matches"
        )
    ]


def test_place_of_a_finding(write_rules):
    """File, line and column are those of the field, or of the value in its list."""
    path = write_rules(
        m=f"{TARGETS}rules:\n  r:\n    targets: [a]\n    pattern:\n"
        "      source: [courier.app]\n      detail-type: [CourierArrived]\n"
        "      detail:\n        door:\n          kind: [gate, garag]\n          flooor: [1]\n"
    )
    found = lint(read_rules(path), FieldIndex(Repository(Path("s"), [ARRIVED_SCHEMA])))
    assert [(each.code, each.problem.line, each.problem.column) for each in found] == [
        ("impossible-value", 10, 24),
        ("unknown-field", 11, 11),
    ]


@pytest.mark.parametrize(
    ("head", "documents", "policy"),
    [
        pytest.param(
            HEAD,
            (schema("courier.app/CourierArrived/1.0", record(is_open=True, door=DOOR)),),
            None,
            id="the schema is open",
        ),
        pytest.param(HEAD, (), Policy(validation=Validation.WARN, buses={}), id="only warned of"),
        pytest.param(
            HEAD,
            (),
            Policy(buses={"default": BusPolicy(validation=Validation.OFF)}),
            id="off on the bus",
        ),
        pytest.param(
            HEAD,
            (schema("courier.app/CourierArrived/1.0", ARRIVED, status=Status.DRAFT),),
            None,
            id="a draft",
        ),
        pytest.param("source: [{prefix: courier.}]", (), None, id="others may match"),
    ],
)
def test_field_that_may_come_all_the_same(head, documents, policy, found_by):
    """What is not certain is a warning."""
    (found,) = found_by(f"{{{head}, detail: {{dor: [x]}}}}", *documents, policy=policy)
    assert found.startswith("warning unknown-field: rules.r.pattern.detail.dor: ")


def test_unknown_events_are_refused(found_by):
    """Where events without a schema are refused, those that have one are all that is expected."""
    policy = Policy(unknown=Unknown.REFUSE, buses={})
    (found,) = found_by("{detail: {dor: [x]}}", policy=policy)
    assert found.startswith("warning unknown-field: ")
    assert found_by("{source: [{prefix: shop.}]}", policy=policy) == [
        (
            "warning unknown-event: rules.r.pattern.source: no event that has a schema can match; an "
            "event without a schema is refused here"
        )
    ]
    (found,) = found_by("{source: [shop], detail-type: [Sold]}", policy=policy)
    assert found.startswith(
        "warning unknown-event: rules.r.pattern.source[0]: no schema is of the "
    )


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("{detail: {tenant: [x]}}", id="whose events is not said"),
        pytest.param("{source: [{exists: true}], detail: {tenant: [x]}}", id="nor here"),
        pytest.param(
            "{source: [{anything-but: shop}], detail: {tenant: [x]}}", id="nor here either"
        ),
        pytest.param("{source: [shop], detail: {tenant: [x]}}", id="a source without schemas"),
        pytest.param("{source: [courier.app, shop], detail: {door: {kind: [gate]}}}", id="known"),
        pytest.param(
            "{source: [courier.app], detail: {photo: [x]}}", id="one of its events has the field"
        ),
        pytest.param(
            "{source: [courier.app], detail: {$or: [{photo: [{exists: false}]}, {door: {kind: [gate]}}]}}",
            id="each event has one of the fields",
        ),
        pytest.param(f"{{{HEAD}, detail: {{tags: [medicine]}}}}", id="in an array"),
        pytest.param(f"{{{HEAD}, detail.door.kind: [gate]}}", id="names with dots"),
        pytest.param(f"{{{HEAD}, detail: {{door: {{kind: [{{anything-but: gate}}]}}}}}}", id="but"),
        pytest.param(f"{{{HEAD}, detail: {{door: {{kind: [{{exists: false}}]}}}}}}", id="absence"),
        pytest.param(
            f"{{{HEAD}, detail: {{door: {{floor: [{{numeric: ['>', 2]}}]}}}}}}", id="range"
        ),
        pytest.param(
            f"{{{HEAD}, detail: {{door: {{kind: [{{wildcard: 'g*'}}]}}}}}}", id="wildcard"
        ),
    ],
)
def test_nothing_is_said(pattern, found_by):
    """What can be, or what no schema speaks of, is not spoken of."""
    assert found_by(pattern, ARRIVED_SCHEMA, LEFT_SCHEMA) == []


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (
            "kind: [garag]",
            (
                'detail.door.kind is never "garag": it is "garage", "gate" or "front-door"; did you mean '
                "'garage'?"
            ),
        ),
        (
            "kind: [{equals-ignore-case: lobby}]",
            'detail.door.kind is never "lobby" in any case: it is "garage", "gate" or "front-door"',
        ),
        ("floor: [two]", 'detail.door.floor is never "two": it is an integer'),
        ("floor: [1.5]", "detail.door.floor is never 1.5: it is an integer"),
        (
            "floor: [{numeric: ['>', 1, '<', 2]}]",
            "detail.door.floor is never a number > 1 and < 2: it is an integer",
        ),
        (
            "floor: [{cidr: 10.0.0.0/8}]",
            "detail.door.floor is never an IP address in 10.0.0.0/8: it is an integer",
        ),
        (
            "id: [{numeric: ['>', 1]}]",
            "detail.door.id is never a number > 1: it is a string of at most 10 characters",
        ),
        ("id: [null]", "detail.door.id is never null: it is a string of at most 10 characters"),
        (
            "id: [{prefix: hundreds-of}]",
            (
                'detail.door.id is never text that begins with "hundreds-of": it is a string of at most '
                "10 characters"
            ),
        ),
    ],
)
def test_value_that_cannot_be(field, message, found_by):
    """A value outside of an enum or of the wrong type is told with what there is instead."""
    assert found_by(f"{{{HEAD}, detail: {{door: {{{field}}}}}}}") == [
        (
            f"error impossible-value: rules.r.pattern.detail.door.{field.partition(':')[0]}[0]: "
            f"{message}; no event can match"
        )
    ]


def test_one_value_of_several(found_by):
    """Where other values of the list can be, the rule works: a warning."""
    (found,) = found_by(f"{{{HEAD}, detail: {{door: {{kind: [gate, lobby]}}}}}}")
    assert found.startswith("warning impossible-value: rules.r.pattern.detail.door.kind[1]: ")


def test_object_where_a_value_is_asked_for(found_by):
    """A list on a field that is an object never matches."""
    assert found_by(f"{{{HEAD}, detail: {{door: [gate]}}}}") == [
        (
            "error impossible-value: rules.r.pattern.detail.door: detail.door is an object, and a list "
            "in a pattern asks for a value: ask for one of its fields"
        )
    ]


def test_absence_of_an_unknown_field(found_by):
    """It always holds, which is told and is no error."""
    assert found_by(f"{{{HEAD}, detail: {{snapshot: [{{exists: false}}]}}}}") == [
        (
            "warning unknown-field: rules.r.pattern.detail.snapshot: courier.app/CourierArrived has no "
            "field detail.snapshot; detail has door, tags; so exists: false holds whatever comes"
        )
    ]


def test_every_version_counts(found_by):
    """A field of any version may come; one that only deprecated versions have is told."""
    old = schema(
        "courier.app/CourierArrived/1.0", record(door=DOOR, gate=text()), status=Status.DEPRECATED
    )
    new = schema("courier.app/CourierArrived/2.0", ARRIVED)
    draft = schema(
        "courier.app/CourierArrived/3.0", record(door=DOOR, lock=text()), status=Status.DRAFT
    )
    assert found_by(f"{{{HEAD}, detail: {{lock: [x]}}}}", old, new, draft) == []
    assert found_by(f"{{{HEAD}, detail: {{gate: [x]}}}}", old, new, draft) == [
        (
            "warning deprecated-field: rules.r.pattern.detail.gate: only deprecated schemas have "
            "detail.gate; courier.app/CourierArrived/2.0 does not"
        )
    ]


def test_deprecated_schema_and_field(found_by):
    """An event whose current schema is deprecated is told with its successor; so is a field."""
    old = schema(
        "courier.app/CourierArrived/1.0",
        record(door={**DOOR, "deprecated": True}, id=text(deprecated=True)),
        status=Status.DEPRECATED,
        deprecated_on=date(2026, 12, 1),
        successor=Version(2, 0),
    )
    assert found_by(f"{{{HEAD}, detail: {{id: [x]}}}}", old) == [
        (
            "warning deprecated-schema: rules.r.pattern.detail-type[0]: courier.app/CourierArrived is "
            "deprecated (2026-12-01); its successor is 2.0"
        ),
        "warning deprecated-field: rules.r.pattern.detail.id: detail.id is deprecated by its schema",
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (
            "{source: [courier.app], detail-type: [CourierArived]}",
            (
                "warning unknown-event: rules.r.pattern.detail-type[0]: courier.app has no event "
                "'CourierArived' by the schemas; did you mean 'CourierArrived'?"
            ),
        ),
        (
            "{source: [courier.ap], detail-type: [CourierArrived]}",
            (
                "warning unknown-event: rules.r.pattern.source[0]: no schema is of the source "
                "'courier.ap'; did you mean 'courier.app'?"
            ),
        ),
    ],
)
def test_event_that_no_schema_knows(pattern, expected, found_by):
    """A source or a type that is most likely misspelt is told."""
    assert found_by(pattern) == [expected]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.detail.door.kind", []),
        ("$.detail", []),
        ("$.time", []),
        ("$.detail.tags[0]", []),
        (
            "$.detail.door.knd",
            [
                (
                    "error unknown-input-path: rules.r.targets[0].input.path: courier.app/CourierArrived has "
                    "no detail.door.knd; did you mean 'kind'?; no event can have it, so that the path never "
                    "leads to anything"
                )
            ],
        ),
    ],
)
def test_paths_of_inputs(path, expected, found_by):
    """A path of an input that leads to nothing is told."""
    assert found_by(f"{{{HEAD}}}", input=f"{{path: '{path}'}}") == expected


def test_path_through_an_array(found_by):
    """A path that lacks an index says so."""
    items = schema(
        "courier.app/CourierArrived/1.0",
        record(items={"type": "array", "items": record(sku=text())}),
    )
    (found,) = found_by(
        f"{{{HEAD}}}", items, input="{paths: {s: $.detail.items.sku}, template: <s>}"
    )
    assert found == (
        "error unknown-input-path: rules.r.targets[0].input.paths.s: courier.app/CourierArrived has no "
        "detail.items.sku; an array is on the way: say which element, such as [0]; no event can have "
        "it, so that the path never leads to anything"
    )


def test_no_schemas_no_findings(write_rules):
    """An empty repository says nothing."""
    path = write_rules(m=f"{TARGETS}rules: {{r: {{pattern: {{{HEAD}}}, targets: [a]}}}}\n")
    assert lint(read_rules(path), FieldIndex(Repository(Path("schemas")))) == ()


def closed(inferred: Any) -> Any:
    """Close each object of a schema to what it names."""
    if isinstance(inferred, list):
        return [closed(item) for item in inferred]
    if not isinstance(inferred, dict):
        return inferred
    inner = {key: closed(value) for key, value in inferred.items()}
    return {"additionalProperties": False, **inner} if inner.get("type") == "object" else inner


def test_no_false_alarm_on_the_reference():
    """By closed schemas of the events that its own tests have, nothing is wrong with the reference."""
    loaded = read_rules(REFERENCE)
    events = [case.event for case in read_cases(REFERENCE, loaded.rule_set.targets)]
    drafts = propose(events, Repository(Path("s")))
    documents = [schema(str(each.name), closed(each.schema)) for each in drafts]
    assert lint(loaded, FieldIndex(Repository(Path("s"), documents))) == ()
