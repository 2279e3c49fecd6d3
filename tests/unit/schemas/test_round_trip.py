"""There and back: what a model accepts and what its schema accepts is the same data."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from eventflow.encoding import encode_event
from eventflow.errors import EventError
from eventflow.schemas.agreement import compare_models
from eventflow.schemas.declared import declared_models, model_name
from eventflow.schemas.generate import generate_module
from eventflow.schemas.identifiers import class_name
from eventflow.schemas.loader import load_repository
from tests.unit.schemas.fitting_data import fitting
from workers import events

ROOT = Path(__file__).resolve().parents[3]
REPOSITORY = load_repository(ROOT / "schemas")
SCHEMAS = {document.name.type: dict(document.whole) for document in REPOSITORY.documents}
_GITHUB = ROOT.parent / "shared/data/github-webhooks"
_QUICK = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def load(text: str, place: Path, name: str) -> ModuleType:
    """Import a generated module."""
    file = place / f"{name}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The reference deployment's events, generated from their files."""
    text = generate_module(REPOSITORY.documents, REPOSITORY)
    return load(text, tmp_path_factory.mktemp("round"), "generated_reference")


def is_valid(name: str, data: object) -> bool:
    """Tell whether data fits the schema of a type of the reference deployment."""
    return jsonschema_rs.is_valid(SCHEMAS[name], data, validate_formats=True)


def test_reference_models_agree_with_their_files() -> None:
    """Every event of the reference deployment has a file that says the same, and is no draft."""
    models = declared_models(["workers"])
    assert () == compare_models(models, REPOSITORY)
    assert {model_name(model) for model in models} == {item.name for item in REPOSITORY.documents}
    assert all(item.owner and item.examples and item.description for item in REPOSITORY.documents)


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_the_schema_accepts_the_models_accept(name: str, generated: ModuleType) -> None:
    """Data that fits the file is read by the model and by the generated one, and still fits."""

    @_QUICK
    @given(fitting(SCHEMAS[name], SCHEMAS[name]))
    def check(data: dict[str, Any]) -> None:
        assert is_valid(name, data)
        for module in (events, generated):
            written = to_jsonable_python(getattr(module, name).model_validate(data))
            assert is_valid(name, written), written

    check()


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_the_model_accepts_the_schema_accepts(name: str, generated: ModuleType) -> None:
    """Data with a fault fits neither model nor file; what the model lets pass fits once written."""
    (example, *_) = SCHEMAS[name]["examples"]
    values = st.one_of(st.none(), st.text(max_size=3), st.integers(-2, 2), st.just([]), st.just({}))
    paths = [path for path, _ in leaves(example)]

    @_QUICK
    @given(st.sampled_from(paths), values, st.booleans())
    def check(path: tuple[str | int, ...], value: object, is_absent: bool) -> None:
        data = changed(example, path, value, is_absent=is_absent)
        for module in (events, generated):
            try:
                model = getattr(module, name).model_validate(data)
                encoded = encode_event(model.to_event())
            except (ValidationError, EventError):  # an infinity, read from text, is never written
                assert not is_valid(name, data), data
            else:
                assert is_valid(name, json.loads(encoded)["detail"]), data

    check()


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    """Every part of a JSON value but the whole, with its path."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in pairs:
        found.append(((*path, key), item))
        if isinstance(item, dict | list):
            found += leaves(item, (*path, key))
    return found


def changed(
    example: Any, path: tuple[str | int, ...], value: object, *, is_absent: bool
) -> dict[str, Any]:
    """The example with another value at a path, or none."""
    data: dict[str, Any] = json.loads(json.dumps(example))
    place: Any = data
    for step in path[:-1]:
        place = place[step]
    if is_absent:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


@pytest.mark.skipif(not _GITHUB.is_dir(), reason="no ../shared/data/github-webhooks here")
def test_github(tmp_path: Path) -> None:
    """Draft-07 with references between files: each payload is read by the generated class."""
    wanted = ("check_run", "pull_request", "deployment_status")
    official = json.loads((_GITHUB / "schemas.json").read_text())
    folder = tmp_path / "schemas" / "github"
    dialect = "http://json-schema.org/draft-07/schema#"
    for name, schema in official.items():
        if name.partition("/")[0] in (*wanted, "common"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(schema))
    for name in wanted:
        actions = sorted(file.name for file in (folder / name).iterdir())
        choice = {"$schema": dialect, "oneOf": [{"$ref": action} for action in actions]}
        (folder / name / "1.0.json").write_text(json.dumps(choice))
    repository = load_repository(tmp_path / "schemas")
    module = load(generate_module(repository.documents, repository), tmp_path, "generated_github")
    payloads = [json.loads(line) for line in (_GITHUB / "payloads.jsonl").read_text().splitlines()]
    chosen = [item for item in payloads if item["event"] in wanted]
    assert len(chosen) > 20
    for item in chosen:
        event = (
            getattr(module, class_name(item["event"])).model_validate(item["payload"]).to_event()
        )
        assert item["event"] == event.type
