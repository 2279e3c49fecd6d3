"""Schema files become a repository, and each kind of bad file is a fault that says what to do."""

import json
import os
import socket
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import SchemaError
from eventflow.schemas import SchemaName, Status, Validation, Version, files, load_repository
from eventflow.schemas import json_text as json_text_module

FILE = "shop/Sold/1.0.json"
FaultsOf = Callable[[dict[str, Any]], list[str]]
WriteSchemas = Callable[[dict[str, Any]], Path]


def test_no_directory_is_an_empty_repository(tmp_path: Path) -> None:
    """Whoever has no schemas needs no directory."""
    assert load_repository(tmp_path / "none").documents == ()


def test_a_directory_of_something_else(write_schemas: WriteSchemas) -> None:
    """JSON files that are no schemas, and that none refers to, concern nobody."""
    root = write_schemas({"settings.json": "{", "a/b.json": [1], "a/x.py": "import json"})
    assert load_repository(root).documents == ()


def test_what_a_file_says(write_schemas: WriteSchemas) -> None:
    """The words of JSON Schema and those of x-eventflow are read into one document."""
    old = {
        "description": "Something was sold.",
        "examples": [{"price": 5}],
        "properties": {"price": {"type": "integer"}},
        "x-eventflow": {
            "owner": "shop-team",
            "status": "deprecated",
            "deprecated_on": "2026-12-01",
            "successor": "2.0",
            "validation": "warn",
        },
    }
    root = write_schemas({FILE: old, "shop/Sold/2.0.json": {}, "a%2Fb/C%3A/1.0.1.json": {}})
    repository = load_repository(root)
    first, second = repository.versions("shop", "Sold")
    assert (first.owner, first.description) == ("shop-team", "Something was sold.")
    assert (first.status, first.deprecated_on) == (Status.DEPRECATED, date(2026, 12, 1))
    assert (first.successor, first.validation) == (Version(2, 0), Validation.WARN)
    assert first.file == root / FILE
    assert first.examples == ({"price": 5},)
    assert second.dialect == "https://json-schema.org/draft/2020-12/schema"
    assert repository.current("shop", "Sold") is second
    # A source or type that no file system takes is percent-encoded.
    assert repository.get(SchemaName("a/b", "C:", Version(1, 0, 1))) is not None


@pytest.mark.parametrize(
    "dialect",
    [
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-04/schema#",
    ],
)
def test_dialects_that_are_read(faults_of: FaultsOf, dialect: str) -> None:
    """Each is read by its own meta-schema, with the `#` at its end or without."""
    schema = {"$schema": dialect, "type": "thing", "minimum": "x"}
    faults = faults_of({FILE: schema})
    assert [fault.split(": ")[1] for fault in faults] == ["type", "minimum"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("{", f"{FILE}:1:2: is no JSON: Expecting property name", id="no-json"),
        pytest.param("", f"{FILE}:1:1: is no JSON", id="empty"),
        pytest.param('{"minimum": NaN}', f"{FILE}:1:1: is no JSON: it holds NaN", id="nan"),
        pytest.param('{"minimum": 1e999}', f"{FILE}:1:2: minimum: is a number too", id="inf"),
        pytest.param(
            '{"type": "object",\n "type": "array"}', f"{FILE}:1:2: type: is given twice", id="twice"
        ),
        pytest.param(
            '{"a": {"b": 1, "b": 2}}', f"{FILE}:1:8: a.b: is given twice", id="twice-below"
        ),
        pytest.param('{"title": "\\ud800"}', f"{FILE}:1:2: title: holds half", id="surrogate"),
        pytest.param("[" * 200 + "]" * 200, f"{FILE}:1:1: is nested deeper than 128", id="deep"),
        pytest.param(
            "[" * 5000 + "]" * 5000, f"{FILE}:1:1: is nested deeper than 128", id="deeper"
        ),
        pytest.param(
            '{"title": "' + "x" * json_text_module.MAX_BYTES + '"}',
            f"{FILE}: has more than 1,048,576 bytes",
            id="large",
        ),
        pytest.param(
            "[]", f"{FILE}:1:1: is no schema of an event: it must be an object", id="list"
        ),
        pytest.param("true", f"{FILE}:1:1: is no schema of an event", id="boolean"),
        pytest.param("null", f"{FILE}:1:1: is null, which is no schema", id="null"),
        pytest.param(
            {"properties": {"a": {"type": "strin"}}},
            "properties.a.type: is no type: write one or more of array, boolean",
            id="no-type",
        ),
        pytest.param({"required": "a"}, "required: is no JSON Schema", id="meta-schema"),
        pytest.param({"$schema": "urn:mine"}, "$schema: is no dialect that is read", id="dialect"),
        pytest.param({"$schema": 5}, "$schema: is no dialect that is read", id="dialect-kind"),
        pytest.param(
            {"pattern": "(?=a)b"},
            "pattern: is a pattern that cannot be used: it looks around",
            id="look",
        ),
        pytest.param({"pattern": r"(a)\1"}, "cannot be used: it refers back", id="back-reference"),
        pytest.param({"pattern": "("}, "cannot be used: it is no regular", id="no-expression"),
        pytest.param(
            {"patternProperties": {"(": {}}}, "patternProperties.(: is a pattern", id="name-pattern"
        ),
        pytest.param({"pattern": "(a{1000}){1000}"}, "one of too many states", id="states"),
        pytest.param({"x-eventflow": []}, "x-eventflow: must be an object", id="extension"),
        pytest.param({"x-eventflow": {"ower": "a"}}, "x-eventflow.ower: is no key of", id="key"),
        pytest.param({"x-eventflow": {"owner": 5}}, "owner: must be a string", id="owner"),
        pytest.param(
            {"x-eventflow": {"status": "new"}}, "x-eventflow.status: cannot be", id="status"
        ),
        pytest.param(
            {"x-eventflow": {"status": "deprecated", "successor": "2.0"}},
            "status: is deprecated without deprecated_on: say the date",
            id="no-date",
        ),
        pytest.param(
            {"x-eventflow": {"status": "deprecated", "deprecated_on": "2026-12-01"}},
            "status: is deprecated without successor: say the version",
            id="no-successor",
        ),
        pytest.param(
            {"x-eventflow": {"deprecated_on": "2026-12-01"}},
            "deprecated_on: is for what is deprecated",
            id="date-of-active",
        ),
        pytest.param(
            {"x-eventflow": {"status": "deprecated", "deprecated_on": "soon", "successor": "2.0"}},
            "deprecated_on: must be a date",
            id="no-day",
        ),
        pytest.param(
            {
                "x-eventflow": {
                    "status": "deprecated",
                    "deprecated_on": "2026-12-01",
                    "successor": "9.0",
                }
            },
            "successor: is 9.0, and there is no such version of 'Sold'",
            id="successor-unknown",
        ),
        pytest.param(
            {
                "x-eventflow": {
                    "status": "deprecated",
                    "deprecated_on": "2026-12-01",
                    "successor": "0.9",
                }
            },
            "successor: is 0.9, and no later version than this one, 1.0",
            id="successor-goes-back",
        ),
        pytest.param(
            {
                "properties": {"a": {"properties": {"b": {"type": "integer"}}}},
                "examples": [{"a": {"b": 1}}, {"a": {"b": "secret"}}],
            },
            "examples[1].a.b: this example does not fit the schema: must be an integer",
            id="example",
        ),
        pytest.param({"$dynamicRef": "#a"}, "$dynamicRef is not read: write $ref", id="dynamic"),
    ],
)
def test_a_bad_file(faults_of: FaultsOf, content: Any, expected: str) -> None:
    """Each is one fault, at its place."""
    (fault,) = faults_of({FILE: content, "shop/Sold/2.0.json": {}})
    assert expected in fault


def test_all_faults_of_all_files_at_once(faults_of: FaultsOf) -> None:
    """No fault hides another one, and each has its line and column."""
    faults = faults_of(
        {
            FILE: '{\n  "type": "strin",\n  "x-eventflow": {\n    "status": "old"}}',
            "shop/Sold/2.json": {},
            "shop/Returned/1.0.json": "{",
            "repository.yaml": "validation: hard\nunknwon: allow\n",
        }
    )
    assert [fault.split(": ")[0] for fault in faults] == [
        "repository.yaml:1:1",
        "repository.yaml:2:1",
        "shop/Returned/1.0.json:1:2",
        "shop/Sold/1.0.json:2:3",
        "shop/Sold/1.0.json:4:5",
        "shop/Sold/2.json:1:1",
    ]


@pytest.mark.parametrize(
    "name", ["1.json", "v1.0.json", "1.0.0.0.json", "1.0-beta.json", "01.0.json"]
)
def test_a_file_name_that_is_no_version(faults_of: FaultsOf, name: str) -> None:
    """What looks like a version and is none is a fault, not a part that nobody refers to."""
    (fault,) = faults_of({f"shop/Sold/{name}": {}, FILE: {}})
    assert "is no version: write MAJOR.MINOR" in fault


def test_a_schema_that_lies_elsewhere(faults_of: FaultsOf) -> None:
    """A file that says it is an event's schema, and lies where none does, is a fault."""
    (fault,) = faults_of({"shop/1.0.json": {"x-eventflow": {}}, FILE: {}})
    assert "lies where no schema does: it must be" in fault


@pytest.mark.parametrize("other", ["shop/Sold/1.0.0.json", "%73hop/Sold/1.0.json"])
def test_two_files_for_one_version(faults_of: FaultsOf, other: str) -> None:
    """1.0 and 1.0.0 are one version, and so are names that differ in their encoding alone."""
    (fault,) = faults_of({FILE: {}, other: {}})
    assert "is the same version as" in fault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("validation: off\nbuses: {other: {validation: warn, unknown: refuse}}", ""),
        ("", ""),
        ("- a", "must be a mapping"),
        ("validation: enforce\nvalidation: warn", "validation: is given twice"),
        ("buses: {other: {mode: warn}}", "buses.other.mode: is no key of the policy"),
        ("a: [", "is no YAML"),
        ("compatibility: sideways", "compatibility: cannot be"),
    ],
)
def test_the_policy(write_schemas: WriteSchemas, text: str, expected: str) -> None:
    """`off` is the word, not YAML's false; whatever cannot be is said."""
    root = write_schemas({"repository.yaml": text})
    if expected:
        with pytest.raises(SchemaError, match=expected):
            load_repository(root)
        return
    policy = load_repository(root).policy
    assert policy.validation == ("off" if text else "enforce")
    assert policy.of_bus("other") == (("warn", "refuse") if text else ("enforce", "allow"))


def test_more_files_than_may_be(faults_of: FaultsOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that is no repository of schemas is not read to its end."""
    monkeypatch.setattr(files, "MAX_FILES", 2)
    (fault,) = faults_of({f"shop/Sold/{number}.0.json": {} for number in range(3)})
    assert "holds 3 schema files, and at most 2 may be" in fault


def test_a_link_that_leads_out(
    faults_of: FaultsOf, write_schemas: WriteSchemas, tmp_path: Path
) -> None:
    """Neither a file nor a folder is read from outside of the repository."""
    root = write_schemas({FILE: {}})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text("{}")
    (root / "shop" / "secret.json").symlink_to(outside / "secret.json")
    (root / "more").symlink_to(outside)
    faults = faults_of({})
    assert [fault.split(":")[0] for fault in faults] == ["more", "shop/secret.json"]
    assert all("is a link that leads out of the repository" in fault for fault in faults)


def test_a_link_within(write_schemas: WriteSchemas) -> None:
    """A link to a part of the same repository is a file like any other."""
    root = write_schemas({FILE: {"$ref": "x.json"}, "common/x.json": {"type": "object"}})
    (root / "shop" / "Sold" / "x.json").symlink_to(root / "common" / "x.json")
    (root / "shop" / "again").symlink_to(root)
    assert len(load_repository(root).documents) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read(faults_of: FaultsOf, write_schemas: WriteSchemas) -> None:
    """The fault says why."""
    (write_schemas({FILE: {}}) / FILE).chmod(0)
    assert faults_of({}) == [f"{FILE}: cannot be read: Permission denied"]


def test_a_remote_reference_is_never_fetched(faults_of: FaultsOf) -> None:
    """A server that is there sees nothing of it."""
    seen: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def watch() -> None:
            try:
                seen.append(server.accept())
            except TimeoutError:
                return

        thread = threading.Thread(target=watch)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.json"
        (fault,) = faults_of({FILE: {"$ref": address}})
        thread.join()
    assert "is outside of the repository and is never fetched: copy it into" in fault
    assert seen == []


def test_faults_hold_no_values(faults_of: FaultsOf) -> None:
    """What an example holds may be secret, so that a fault says its kind alone."""
    schema = {"additionalProperties": {"type": "integer"}, "examples": [{"a": "hunter2"}]}
    assert "hunter2" not in json.dumps(faults_of({FILE: schema}))
