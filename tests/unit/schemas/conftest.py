"""Repositories of schemas, written for one test each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import SchemaError
from eventflow.schemas import load_repository

WriteSchemas = Callable[[dict[str, Any]], Path]


@pytest.fixture
def write_schemas(tmp_path: Path) -> WriteSchemas:
    """Return a function that writes files below one directory: documents as JSON, text as it is."""
    root = tmp_path / "schemas"

    def write(files: dict[str, Any]) -> Path:
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else json.dumps(content, indent=2)
            file.write_text(text, encoding="utf-8")
        return root

    return write


@pytest.fixture
def faults_of(write_schemas: WriteSchemas) -> Callable[[dict[str, Any]], list[str]]:
    """Return a function that loads files and returns the faults, each below the directory."""

    def load(files: dict[str, Any]) -> list[str]:
        root = write_schemas(files)
        with pytest.raises(SchemaError) as caught:
            load_repository(root)
        return [str(problem).removeprefix(f"{root}/") for problem in caught.value.problems]

    return load
