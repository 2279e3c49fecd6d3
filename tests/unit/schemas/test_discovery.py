"""Discovery: drafts out of events, which grow, and never in the place of what people made."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventflow.events import Event
from eventflow.patterns import Pattern
from eventflow.rules.field_lint import Candidate, Candidates, check_test
from eventflow.rules.readers import field_tests
from eventflow.rules.ruleset import Rule
from eventflow.schemas import Repository, SchemaDocument, SchemaName, Status
from eventflow.schemas.compiled import compile_schema
from eventflow.schemas.discovery import DISCOVERED, propose
from eventflow.schemas.fields import FieldIndex
from eventflow.schemas.inference import MAX_NAMES, new_inference
from eventflow.schemas.loader import load_repository

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "github-webhooks"
LATEST = "https://json-schema.org/draft/2020-12/schema"


def infer(*values: Any) -> dict[str, Any]:
    inference = new_inference()
    for value in values:
        inference.add_data({"v": value})
    return inference.schema()["properties"]["v"]


def sold(hour: int, **data: Any) -> Event:
    return Event(source="shop", type="Sold", time=f"2026-11-25T{hour:02}:00:00Z", data=data)


def document(schema: dict[str, Any], status: Status = Status.DRAFT) -> SchemaDocument:
    name = SchemaName.parse("shop/Sold/1.0")
    return SchemaDocument(name, schema, Path("s/shop/Sold/1.0.json"), LATEST, status=status)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "b"], {"type": "string"}),  # no enum
        ([1, 2], {"type": "integer"}),
        ([1, 2.5], {"type": "number"}),
        (["a", None], {"type": ["null", "string"]}),
        (
            ["2026-11-25T00:00:00Z", None],
            {"anyOf": [{"type": "null"}, {"format": "date-time", "type": "string"}]},
        ),
        (["2026-11-25", "2026-11-26"], {"type": "string", "format": "date"}),
        (["https://example.org/a"], {"type": "string", "format": "uri"}),
        (["urn:x"], {"type": "string"}),
        (["0b7d5a5e-30b5-4d6a-9d3e-6a3f3a1f4f6e"], {"type": "string", "format": "uuid"}),
        (["10.1.2.3"], {"type": "string", "format": "ipv4"}),
        (["2026-11-25T00:00:00Z", "soon"], {"type": "string"}),
        ([[1], ["a"]], {"type": "array", "items": {"type": ["integer", "string"]}}),
        (
            [{"a": 1, "b": 2}, {"a": 3}],
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a"],
            },
        ),
        (
            [{"EU-000001": 1}, {"EU-000002": 2.5}],
            {"type": "object", "additionalProperties": {"type": "number"}},
        ),
    ],
)
def test_what_is_inferred(values, expected):
    """Types, formats, what is required, and maps follow from the values, and no enum does."""
    assert infer(*values) == expected


def test_very_many_keys():
    """An object with more keys than the bound is a map, of whatever its values are."""
    many = {f"k{letter}": 1 for letter in map(chr, range(0x4E00, 0x4E01 + MAX_NAMES))}
    assert infer(many) == {"type": "object", "additionalProperties": {"type": "integer"}}


def leaves_of(value: Any, path: str = "detail") -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of each leaf."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves_of(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves_of(inner, path)
    else:
        yield path, value


def test_new_draft():
    """Events without a schema get a draft that says how many it saw, and when."""
    (found,) = propose([sold(2, n=1), sold(1, n=2, m="x")], Repository(Path("s")))
    assert (str(found.name), found.verdict, found.events) == ("shop/Sold/1.0", "new", 2)
    assert found.schema == {
        "$schema": LATEST,
        "title": "Sold",
        "x-eventflow": {"status": "draft"},
        DISCOVERED: {"events": 2, "first": "2026-11-25T01:00:00Z", "last": "2026-11-25T02:00:00Z"},
        "type": "object",
        "properties": {"n": {"type": "integer"}, "m": {"type": "string"}},
        "required": ["n"],
    }


def test_draft_grows():
    """A discovered draft takes in what new events bring, and keeps what people wrote above it."""
    (first,) = propose([sold(1, n=1, m="x")], Repository(Path("s")))
    assert first.schema is not None
    draft = {
        **first.schema,
        "description": "A sale.",
        "x-eventflow": {"status": "draft", "owner": "us"},
    }
    repository = Repository(Path("s"), [document(draft)])
    (found,) = propose([sold(3, n=1.5)], repository)
    assert found.verdict == "grown"
    assert found.schema == {
        **draft,
        DISCOVERED: {"events": 2, "first": "2026-11-25T01:00:00Z", "last": "2026-11-25T03:00:00Z"},
        "properties": {"n": {"type": "number"}, "m": {"type": "string"}},
        "required": ["n"],
    }
    (again,) = propose([sold(3, n=1, m="y")], repository)
    assert again.verdict == "unchanged"


@pytest.mark.parametrize("status", Status)
def test_what_people_made_stays(status):
    """Of a schema that was not discovered it is said which events do not fit, and how."""
    own = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    repository = Repository(Path("s"), [document(own, status)])
    (found,) = propose([sold(1, n=1), sold(2, n="x"), sold(3, n="x")], repository)
    assert (found.verdict, found.schema, found.unfit) == ("differs", None, 2)
    assert [(it.path, it.events) for it in found.misfits] == [("data.n", 2)]
    (found,) = propose([sold(1, n=1)], repository)
    assert (found.verdict, found.schema) == ("fits", None)


def _load_official(root: Path, schemas: dict[str, Any], types: Iterable[str]) -> Repository:
    """Load GitHub's schemas as they are, and for each type one that is any of its actions'."""
    for path, schema in schemas.items():
        file = root / "official" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema), encoding="utf-8")
    for name in types:
        actions = sorted(path for path in schemas if path.startswith(f"{name}/"))
        either = {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "anyOf": [{"$ref": f"../../official/{path}"} for path in actions],
        }
        file = root / "github" / name / "1.0.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(either), encoding="utf-8")
    return load_repository(root)


@pytest.mark.skipif(
    not DATA.is_dir(), reason="no ../shared/data/github-webhooks beside the checkout"
)
def test_github_payloads_match(tmp_path):
    """No value of GitHub's payloads is held impossible by the official schemas, nor any field unknown."""
    lines = (DATA / "payloads.jsonl").read_text(encoding="utf-8").splitlines()
    schemas = json.loads((DATA / "schemas.json").read_text(encoding="utf-8"))
    types = {json.loads(line)["event"] for line in lines}
    official = FieldIndex(_load_official(tmp_path, schemas, types))
    seen = set()
    for entry in map(json.loads, lines):
        (document,) = official.repository.versions("github", entry["event"])
        candidates = Candidates((Candidate(document, official.of(document), True),), all_known=True)
        for path, leaf in leaves_of(entry["payload"]):
            if (entry["event"], path) in seen or not all(path.split(".")):
                continue
            seen.add((entry["event"], path))
            if len(seen) % 12:  # all of them take ten seconds
                continue
            rule = Rule("r", Pattern({path: [leaf]}), ())
            found = [it for test in field_tests(rule) for it in check_test(test, candidates)]
            assert [it for it in found if it.certain or it.code == "impossible-value"] == []
    assert len(seen) > 5_000


@pytest.mark.skipif(
    not DATA.is_dir(), reason="no ../shared/data/github-webhooks beside the checkout"
)
def test_github_payloads(tmp_path):
    """Every payload of GitHub's is valid under the schema discovered of its type, and the official."""
    lines = (DATA / "payloads.jsonl").read_text(encoding="utf-8").splitlines()
    events = [
        Event(source="github", type=entry["event"], data=entry["payload"])
        for entry in map(json.loads, lines)
    ]
    found = propose(events, Repository(Path("s")))
    assert (len(found), sum(each.events for each in found)) == (40, 171)
    drafts = [
        SchemaDocument(each.name, each.schema or {}, Path("x"), LATEST, status=Status.DRAFT)
        for each in found
    ]
    assert {each.verdict for each in propose(events, Repository(Path("s"), drafts))} == {
        "unchanged"
    }
    for draft in drafts:
        validator = compile_schema(draft.schema, LATEST)
        assert all(validator.is_valid(it.data) for it in events if it.type == draft.name.type)
    schemas = json.loads((DATA / "schemas.json").read_text(encoding="utf-8"))
    official = _load_official(tmp_path, schemas, {event.type for event in events})
    assert [each for each in propose(events, official) if each.verdict != "fits"] == []
