"""Repositories of schemas, written by tests as files."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import SchemaError
from eventflow.schemas import Repository, SchemaDocument, SchemaName, Status, Version
from eventflow.schemas.document import KEYWORD

MakeRepository = Callable[[Mapping[str, Any]], Repository]
_LATEST = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    """A function that writes files by their paths and reads those that are schemas of events."""
    root = tmp_path / "schemas"

    def make(files: Mapping[str, Any]) -> Repository:
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(json.dumps(content))
        documents = [_document(root, name, content) for name, content in files.items()]
        return Repository(root, [document for document in documents if document is not None])

    return make


def _document(root: Path, path: str, schema: dict[str, Any]) -> SchemaDocument | None:
    try:
        name = SchemaName.parse(path.removesuffix(".json"))
    except SchemaError:
        return None  # a part that others share
    facts = schema.get(KEYWORD, {})
    deprecated_on = facts.get("deprecated_on")
    successor = facts.get("successor")
    return SchemaDocument(
        name=name,
        schema=schema,
        file=root / path,
        dialect=schema.get("$schema", _LATEST),
        owner=facts.get("owner", ""),
        description=schema.get("description", ""),
        status=Status(facts.get("status", "active")),
        deprecated_on=date.fromisoformat(deprecated_on) if deprecated_on else None,
        successor=Version.parse(successor) if successor else None,
        examples=tuple(schema.get("examples", ())),
    )
