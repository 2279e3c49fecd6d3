"""Input shaping: constants, paths, templates; escaping, missing values, limits."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from eventflow.errors import EventError
from eventflow.rules.documents import InputDocument
from eventflow.rules.inputs import MAX_CONSTANT, compile_input
from eventflow.rules.templates import MAX_PLACEHOLDERS, MAX_TEMPLATE

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "e1",
    "detail-type": "CourierArrived",
    "source": "courier.app",
    "account": "123456789012",
    "time": "2026-11-23T19:56:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": {
        "name": "Ada",
        "evil": '", "admin": true, "x": "\\ \n </b> <name> é 😀',
        "count": 3,
        "ratio": 1.5,
        "yes": True,
        "nothing": None,
        "empty": "",
        "zero": 0,
        "door": {"kind": "garage", "tags": ["a", "b"]},
    },
}
PATHS = {name: f"$.detail.{name}" for name in [*EVENT["detail"], "absent"]}
WITHOUT_DETAIL = {key: value for key, value in EVENT.items() if key != "detail"}


def shape(**document: object) -> Any:
    """Return what an input makes of the event; it must have no fault."""
    transform, faults = compile_input(InputDocument.model_validate(document))
    assert faults == []
    assert transform is not None
    return transform.shape(EVENT, rule_name="unlock", ingestion_time="2026-11-23T19:56:01.000Z")


def fill(template: object, **document: object) -> Any:
    """Return what a template over all of `PATHS` becomes."""
    return shape(paths=PATHS, template=template, **document)


def faults_of(**document: object) -> list[tuple[tuple[str | int, ...], str]]:
    """Return an input's faults as path and message."""
    transform, faults = compile_input(InputDocument.model_validate(document))
    assert transform is None
    return [(fault.path, fault.message) for fault in faults]


@pytest.mark.parametrize("constant", [None, 0, "", False, [], {}, {"a": [1, "<x>"]}, "<who>"])
def test_constant_is_what_the_target_gets(constant):
    """A constant stays as it is, null and what looks like a placeholder included."""
    assert json.dumps(shape(constant=constant)) == json.dumps(constant)


def test_constant_is_not_shared():
    """Whoever changes what he got changes nobody else's."""
    transform, _ = compile_input(InputDocument(constant={"list": []}))
    assert transform is not None
    first = transform.shape(EVENT, rule_name="r", ingestion_time="")
    first["list"].append("mine")
    assert transform.shape(EVENT, rule_name="r", ingestion_time="") == {"list": []}


def test_path_is_what_stands_there():
    """A path gives a part of the event, or all of it."""
    assert shape(path="$.detail.door") == EVENT["detail"]["door"]
    assert shape(path="$") == EVENT


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("<name>", "Ada", id="alone: the value"),
        pytest.param("<count>", 3, id="alone: a number"),
        pytest.param("<yes>", True, id="alone: a boolean"),
        pytest.param("<door>", {"kind": "garage", "tags": ["a", "b"]}, id="alone: an object"),
        pytest.param("<nothing>", None, id="alone: null"),
        pytest.param(" <count>", " 3", id="a space makes it text"),
        pytest.param("Hello <name>!", "Hello Ada!", id="within text"),
        pytest.param("<name><count>", "Ada3", id="side by side"),
        pytest.param("<count>/<ratio>/<yes>/<nothing>/<empty>/<zero>", "3/1.5/true/null//0"),
        pytest.param("at <door>", 'at {"kind":"garage","tags":["a","b"]}', id="object in text"),
        pytest.param({"n": "<count>", "t": "n=<count>"}, {"n": 3, "t": "n=3"}, id="mapping"),
        pytest.param(["<name>", ["<count>"], "x"], ["Ada", [3], "x"], id="list"),
        pytest.param({"a": {"b": [{"c": "<zero>"}]}}, {"a": {"b": [{"c": 0}]}}, id="deep"),
        pytest.param({"k": 5, "l": None, "m": True}, {"k": 5, "l": None, "m": True}, id="typed"),
        pytest.param(r"\<name>", "<name>", id="escaped placeholder"),
        pytest.param(r"\\<name>", "\\Ada", id="escaped backslash"),
        pytest.param(r"C:\dir a < b > c", r"C:\dir a < b > c", id="other text is text"),
        pytest.param("</b> < name> <a b>", "</b> < name> <a b>", id="no placeholders"),
        pytest.param("", "", id="empty text"),
        pytest.param("plain", "plain", id="plain text"),
    ],
)
def test_templates_are_filled(template, expected):
    """Alone a placeholder is the typed value; within text it is written into it."""
    actual = fill(template)
    assert json.dumps(actual) == json.dumps(expected)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param('{"n": <count>}', {"n": 3}, id="value position"),
        pytest.param('{"n": "<count>"}', {"n": "3"}, id="in quotes it is text"),
        pytest.param(
            '{"d": <door>, "l": [<yes>,<name>]}', {"d": EVENT["detail"]["door"], "l": [True, "Ada"]}
        ),
        pytest.param('[<count>, "<name> and <count>"]', [3, "Ada and 3"], id="array"),
        pytest.param('"Hello <name>"', "Hello Ada", id="EventBridge's quoted text"),
        pytest.param('"<count>"', "3", id="quoted placeholder is text"),
        pytest.param('  {"a": 1}\n', {"a": 1}, id="space around"),
        pytest.param('{"a": "\\"<name>\\""}', {"a": '"Ada"'}, id="escaped quotes"),
        pytest.param('{"a": "\\\\<name>"}', {"a": "<name>"}, id="escaped placeholder"),
        pytest.param('{"a": "NaN"}', {"a": "NaN"}, id="NaN as text"),
        pytest.param('{"NaN": <count>}', {"NaN": 3}, id="NaN as key"),
        pytest.param('"[urgent] <name>"', "[urgent] Ada", id="text that begins like JSON"),
    ],
)
def test_json_text_is_a_template(template, expected):
    """A template written as JSON text, as for EventBridge, becomes the same JSON value."""
    assert json.dumps(fill(template)) == json.dumps(expected)


@pytest.mark.parametrize(
    "template",
    [
        pytest.param({"text": "<evil>", "n": 1}, id="alone"),
        pytest.param('{"text": <evil>, "n": 1}', id="JSON text, value"),
        pytest.param('{"text": "<evil>", "n": 1}', id="JSON text, quoted"),
    ],
)
def test_values_cannot_break_out(template):
    """Quotes, braces, backslashes, newlines and placeholders in a value stay in that value."""
    shaped = fill(template)
    assert shaped == {"text": EVENT["detail"]["evil"], "n": 1}
    assert json.loads(json.dumps(shaped)) == shaped


@pytest.mark.parametrize(
    ("template", "missing", "expected"),
    [
        ("<absent>", "null", None),
        ("<absent>", None, None),  # what YAML makes of an unquoted null
        ("<absent>", "omit", None),  # there is no key to drop
        ({"a": "<absent>", "b": 1}, "null", {"a": None, "b": 1}),
        ({"a": "<absent>", "b": 1}, "omit", {"b": 1}),
        (["<absent>", 1], "null", [None, 1]),
        (["<absent>", 1], "omit", [1]),
        ({"a": {"b": "<absent>"}}, "omit", {"a": {}}),
        ("Dear <absent>.", "null", "Dear ."),
        ({"a": "Dear <absent>."}, "omit", {"a": "Dear ."}),
        ('{"a": <absent>, "b": "<absent>"}', "omit", {"b": ""}),
        ({"a": "<nothing>"}, "omit", {"a": None}),  # null is there
        ({"a": "<nothing>"}, "fail", {"a": None}),
        ({"a": "<zero>", "b": "<empty>"}, "omit", {"a": 0, "b": ""}),
    ],
)
def test_missing_values_are_a_choice(template, missing, expected):
    """What a path does not find is null, or dropped; null, zero and empty text are found."""
    assert fill(template, missing=missing) == expected


def test_missing_is_null_unless_said():
    """Without a choice a missing value is null."""
    assert fill({"a": "<absent>"}) == {"a": None}
    assert shape(path="$.detail.absent") is None


@pytest.mark.parametrize(
    "document",
    [
        {"path": "$.detail.absent", "missing": "fail"},
        {"paths": PATHS, "template": "<absent>", "missing": "fail"},
        {"paths": PATHS, "template": {"a": ["x <absent>"]}, "missing": "fail"},
    ],
)
def test_missing_can_fail(document):
    """With `fail` a missing value is an error that names the path."""
    with pytest.raises(EventError, match="missing: fail") as caught:
        shape(**document)
    assert caught.value.path == "$.detail.absent"


def test_fail_asks_only_for_what_the_template_uses():
    """A path that no placeholder uses may lead nowhere."""
    assert fill("<name>", missing="fail") == "Ada"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<aws.events.rule-name>", "unlock"),
        ("<aws.events.rule-arn>", "arn:eventflow:events:eu-central-1:123456789012:rule/unlock"),
        ("at <aws.events.event.ingestion-time>", "at 2026-11-23T19:56:01.000Z"),
        ("<aws.events.event>", WITHOUT_DETAIL),
        ('{"e": <aws.events.event>}', {"e": WITHOUT_DETAIL}),
        ("<aws.events.event.json>", EVENT),
        ({"all": "<aws.events.event.json>"}, {"all": EVENT}),
        ('{"all": <aws.events.event.json>}', {"all": EVENT}),
    ],
)
def test_eventbridges_own_placeholders(template, expected):
    """EventBridge's reserved placeholders need no path."""
    assert shape(template=template) == expected


@pytest.mark.parametrize(
    ("template", "path", "message"),
    [
        pytest.param("<nobody>", (), "<nobody> is no placeholder here", id="unknown"),
        pytest.param({"a": ["x <nobody>"]}, ("a", 0), "<nobody> is no", id="unknown, deep"),
        pytest.param("<b>bold</b>", (), r"write \<b> where that text is meant", id="markup"),
        pytest.param("<aws.events.event.id>", (), "is no placeholder", id="reserved-like"),
        pytest.param({"<name>": 1}, ("<name>",), "may not be in a key: <name>", id="key"),
        pytest.param({"a": {"x <name>": 1}}, ("a", "x <name>"), "in a key", id="within a key"),
        pytest.param("all: <aws.events.event.json>", (), "may not stand within text", id="event"),
        pytest.param('{"a": "<aws.events.event.json>"}', ("a",), "within text", id="quoted event"),
        pytest.param('{"a": <nobody>}', (), "<nobody> is no placeholder", id="JSON text"),
        pytest.param("{<name>: 1}", (), "<name> may not be a key", id="JSON text, key"),
        pytest.param('{"x<name>": 1}', ("x<name>",), "in a key", id="JSON text, quoted key"),
        pytest.param('{"a": <name>', (), "begins like JSON and is none", id="JSON, unclosed"),
        pytest.param("[urgent] <name>", (), "put the text in double quotes", id="text like JSON"),
        pytest.param('{"a": NaN}', (), "NaN and Infinity are not in JSON", id="NaN"),
        pytest.param('{"a": -Infinity}', (), "NaN and Infinity", id="Infinity"),
        pytest.param('{"a": 1, "a": <name>}', (), "written twice in one object", id="JSON, twice"),
        pytest.param("[" * 200 + "]" * 200, (), "nested deeper than 120", id="JSON, deep"),
        pytest.param("x" * (MAX_TEMPLATE + 1), (), "has 8,193 characters", id="too long"),
        pytest.param(["x" * MAX_TEMPLATE], (), "at most 8,192", id="too long as JSON"),
        pytest.param("<name>" * (MAX_PLACEHOLDERS + 1), (), "used 101 times", id="too many"),
    ],
)
def test_faulty_templates_are_refused(template, path, message):
    """A template that cannot be is refused when it is loaded, where the fault is."""
    (fault,) = faults_of(paths=PATHS, template=template)
    assert fault[0] == ("template", *path)
    assert message in fault[1]


def test_limits_are_exact():
    """What is exactly as long or as many as allowed is accepted."""
    assert len(fill("x" * MAX_TEMPLATE)) == MAX_TEMPLATE
    assert fill("<name>" * MAX_PLACEHOLDERS) == "Ada" * MAX_PLACEHOLDERS
    assert len(shape(constant="x" * (MAX_CONSTANT - 2))) == MAX_CONSTANT - 2
    assert faults_of(constant="x" * (MAX_CONSTANT - 1)) == [
        (("constant",), "the constant has 8,193 characters, and at most 8,192 may be")
    ]
    many = {f"p{number}": "$.id" for number in range(100)}
    assert shape(paths=many, template="<p99>") == "e1"
    with pytest.raises(ValidationError, match="there are 101 paths, and at most 100 may be"):
        InputDocument(paths={**many, "more": "$.id"}, template="x")


def test_every_fault_is_found():
    """Wrong paths and several faults of a template are told together."""
    faults = faults_of(
        paths={"a": "detail", "b": "$.detail.b"}, template={"x": "<c>", "y": "<d>", "<b>": 1}
    )
    assert [path for path, _ in faults] == [
        ("paths", "a"),
        ("template", "<b>"),
        ("template", "x"),
        ("template", "y"),
    ]


def test_faulty_path_is_refused():
    """A single path is read as strictly as those of a template."""
    ((path, message),) = faults_of(path="detail.door")
    assert path == ("path",)
    assert "'detail.door' is not a path" in message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "takes one of constant, path and template"),
        ({"constant": 1, "path": "$"}, "takes one of"),
        ({"path": "$", "template": "x"}, "takes one of"),
        ({"paths": {"a": "$"}}, "paths are for a template, and there is none"),
        ({"paths": {"a": "$"}, "constant": 1}, "paths are for a template"),
        ({"missing": "null"}, "takes one of"),
        ({"constant": 1, "missing": "fail"}, "a constant misses nothing"),
        ({"path": "$", "missing": "omit"}, "missing: omit is for a template"),
        ({"template": "x", "missing": "drop"}, "'null', 'omit' or 'fail'"),
        ({"template": "x", "paths": {"a b": "$"}}, "'a b' cannot name a placeholder"),
        ({"template": "x", "paths": {"aws.x": "$"}}, "'aws.x' cannot name a placeholder"),
        ({"template": "x", "paths": {"a": 5}}, "valid string"),
        ({"templet": "x"}, "Extra inputs"),
    ],
)
def test_kinds_do_not_mix(document, message):
    """An input is a constant, a path or a template, with the keys that belong to it."""
    with pytest.raises(ValidationError) as caught:
        InputDocument.model_validate(document)
    assert message in str(caught.value)
