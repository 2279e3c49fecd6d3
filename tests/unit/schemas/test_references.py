"""References: within a file, between files, and whatever must not be."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventflow.schemas import load_repository
from eventflow.schemas.bundle import MAX_SCHEMAS
from eventflow.schemas.validation import Action, SchemaCheck

FILE = "shop/Sold/1.0.json"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
GITHUB = Path(__file__).parents[4] / "shared" / "data" / "github-webhooks"
FaultsOf = Callable[[dict[str, Any]], list[str]]
WriteSchemas = Callable[[dict[str, Any]], Path]


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({FILE: {"$ref": "#/$defs/a", "$defs": {"a": {"required": ["x"]}}}}, id="defs"),
        pytest.param(
            {
                FILE: {
                    "$schema": DRAFT_7,
                    "$ref": "#/definitions/a~1b",
                    "definitions": {"a/b": {"required": ["x"]}},
                }
            },
            id="definitions",
        ),
        pytest.param(
            {FILE: {"$ref": "#here", "$defs": {"a": {"$anchor": "here", "required": ["x"]}}}},
            id="anchor",
        ),
        pytest.param(
            {FILE: {"$ref": "part.json"}, "shop/Sold/part.json": {"required": ["x"]}}, id="beside"
        ),
        pytest.param(
            {
                FILE: {"$ref": "../../common/part.json#/$defs/a"},
                "common/part.json": {
                    "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"required": ["x"]}}
                },
            },
            id="elsewhere",
        ),
        pytest.param(
            {
                FILE: {"$id": "https://shop.example/sold", "$ref": "part"},
                "common/p.json": {"$id": "https://shop.example/part", "required": ["x"]},
            },
            id="absolute-id",
        ),
        pytest.param(
            {
                FILE: {"$id": "sold", "$ref": "common/p.json"},
                "shop/common/p.json": {"$id": "common/p.json", "required": ["x"]},
            },
            id="relative-id",
        ),
        pytest.param(
            {
                FILE: {"$ref": "p.json"},
                "shop/Sold/p.json": {"$ref": "q.json"},
                "shop/Sold/q.json": {"$ref": "p.json#/$defs/x", "$defs": {}},
                "shop/Sold/r.json": {},
            }
            | {
                "shop/Sold/p.json": {
                    "allOf": [{"$ref": "q.json"}],
                    "$defs": {"x": {"required": ["x"]}},
                }
            },
            id="there-and-back",
        ),
        pytest.param(
            {FILE: {"$ref": "1.1.json"}, "shop/Sold/1.1.json": {"required": ["x"]}}, id="version"
        ),
        pytest.param(
            {FILE: {"$ref": "a b.json"}, "shop/Sold/a b.json": {"required": ["x"]}}, id="blank"
        ),
        pytest.param(
            {FILE: {"$ref": "a%20b.json"}, "shop/Sold/a b.json": {"required": ["x"]}}, id="encoded"
        ),
        pytest.param(
            {FILE: {"properties": {"$ref": {"type": "string"}}, "required": ["x"]}},
            id="a-field-called-ref",
        ),
        pytest.param(
            {
                FILE: {
                    "$schema": "http://json-schema.org/draft-04/schema#",
                    "id": "sold",
                    "allOf": [{"$ref": "p"}],
                    "definitions": {"p": {"id": "p", "required": ["x"]}},
                }
            },
            id="draft-04-id",
        ),
    ],
)
def test_what_a_reference_may_be(write_schemas: WriteSchemas, files: dict[str, Any]) -> None:
    """However it is written, data is checked by what it refers to, and the whole is one piece."""
    repository = load_repository(write_schemas(files))
    document = repository.versions("shop", "Sold")[0]
    text = json.dumps(document.whole)
    assert ".json" not in text
    assert '"$id"' not in text
    check = SchemaCheck(repository)
    name = "shop/Sold/1.0"
    assert check.check("shop", "Sold", name, "default", {"x": 1}).action is Action.PASS
    refused = check.check("shop", "Sold", name, "default", {})
    assert [fault.path for fault in refused.faults] == ["data.x"]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nothing.json", "the repository has no file 'shop/Sold/nothing.json'"),
        ("#/$defs/nothing", "has nothing at '/$defs/nothing'"),
        ("#nothing", "there is no anchor 'nothing'"),
        ("#/required", "which is no schema"),
        ("../../../outside.json", "lies outside of the repository: copy the file into it"),
        ("/etc/passwd", "lies outside of the repository"),
        ("//host/a.json", "is outside of the repository and is never fetched"),
        ("file:///etc/passwd", "is outside of the repository and is never fetched"),
        ("https://json-schema.org/draft/2020-12/schema", "is never fetched"),
        ("urn:x", "is never fetched"),
        ("../Other", "the repository has no file 'shop/Other'"),
        ("http://[", "is never fetched"),
    ],
)
def test_what_a_reference_may_not_be(faults_of: FaultsOf, reference: str, expected: str) -> None:
    """Each is a fault at the reference, which says why."""
    (fault,) = faults_of({FILE: {"properties": {"a": {"$ref": reference}}, "required": []}})
    assert "properties.a.$ref: refers to" in fault
    assert expected in fault


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({FILE: {"$ref": "#"}}, id="itself"),
        pytest.param({FILE: {"allOf": [{"$ref": "#"}]}}, id="in-place"),
        pytest.param(
            {
                FILE: {
                    "$ref": "#/$defs/a",
                    "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
                }
            },
            id="each-other",
        ),
        pytest.param(
            {FILE: {"$ref": "a.json"}, "shop/Sold/a.json": {"not": {"$ref": "1.0.json"}}},
            id="files",
        ),
        pytest.param({FILE: {"if": {"dependentSchemas": {"a": {"$ref": "#"}}}}}, id="dependent"),
    ],
)
def test_a_reference_without_end(faults_of: FaultsOf, files: dict[str, Any]) -> None:
    """A circle that never gets to a value below is a fault."""
    assert any("refers to itself without end" in fault for fault in faults_of(files))


def test_data_may_be_recursive(write_schemas: WriteSchemas) -> None:
    """A tree of nodes is a circle that gets one level down, and as deep as an event may be."""
    tree = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "n": {"type": "integer"}}}
    check = SchemaCheck(load_repository(write_schemas({FILE: tree})))
    data: dict[str, Any] = {"n": "x"}
    for _ in range(98):
        data = {"left": data, "right": {"n": 1}}
    result = check.check("shop", "Sold", None, "default", data)
    assert [fault.path for fault in result.faults] == ["data" + ".left" * 98 + ".n"]


def test_an_id_that_two_files_have(faults_of: FaultsOf) -> None:
    """A reference to it could mean either."""
    (fault,) = faults_of(
        {FILE: {"$ref": "urn:a"}, "x/a.json": {"$id": "urn:a"}, "x/b.json": {"$id": "urn:a"}}
    )
    assert "refers to 'urn:a', which is the $id of both x/a.json and x/b.json" in fault


def test_parts_of_another_dialect(faults_of: FaultsOf) -> None:
    """A word may mean another thing there, so that both are to be written in one."""
    (fault,) = faults_of({FILE: {"$ref": "a.json"}, "shop/Sold/a.json": {"$schema": DRAFT_7}})
    assert fault.startswith(
        "shop/Sold/a.json:2:3: $schema: is not the dialect of what refers to it"
    )


def test_faults_of_parts_are_told_once(faults_of: FaultsOf) -> None:
    """Two schemas that share a faulty part are one fault, in the part's file."""
    faults = faults_of(
        {
            FILE: {"$ref": "a.json"},
            "shop/Sold/1.1.json": {"$ref": "a.json"},
            "shop/Sold/a.json": {"type": "nothing"},
        }
    )
    assert [fault.split(":")[0] for fault in faults] == ["shop/Sold/a.json"]


def test_a_whole_that_grows_without_measure(faults_of: FaultsOf) -> None:
    """Parts that take in other parts again and again are a fault, and no full memory."""
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"properties": {"a": deep, **{f"k{n}": {} for n in range(40)}}}
    pointers = ["#" + "/properties/a" * level for level in range(60)]
    large = {"allOf": [{"$ref": f"part.json{pointer}"} for pointer in pointers]}
    (fault,) = faults_of({FILE: large, "shop/Sold/part.json": deep})
    assert f"is made of more than {MAX_SCHEMAS:,} schemas" in fault


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of GitHub's official schemas as they are, and one thin file an event."""
    if not GITHUB.is_dir():
        pytest.skip("the webhook payloads of GitHub are not on this machine")
    root = tmp_path_factory.mktemp("github")
    actions: dict[str, list[str]] = defaultdict(list)
    schemas = json.loads((GITHUB / "schemas.json").read_text())
    for name, schema in schemas.items():
        file = root / "github" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema))
        if file.parent.name != "common":
            actions[file.parent.name].append(file.name)
    for event, names in actions.items():
        thin = {"$schema": DRAFT_7, "oneOf": [{"$ref": name} for name in names]}
        (root / "github" / event / "1.0.json").write_text(json.dumps(thin))
    return root


def test_official_schemas_of_github(github: Path) -> None:
    """207 files that name each other by `$id` load as they are, and all payloads fit them."""
    check = SchemaCheck(load_repository(github))
    assert len(check.repository.documents) == 40
    payloads = [json.loads(line) for line in (GITHUB / "payloads.jsonl").read_text().splitlines()]
    results = [
        check.check("github", item["event"], None, "default", item["payload"]) for item in payloads
    ]
    assert [result.message for result in results if result.action is not Action.PASS] == []
    assert len(results) == 171
    broken = {**payloads[0]["payload"], "sender": 5}
    refused = check.check("github", payloads[0]["event"], None, "default", broken)
    assert "data.sender" in [fault.path for fault in refused.faults]
