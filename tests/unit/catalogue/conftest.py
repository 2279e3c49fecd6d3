"""Repositories of schemas, written by tests as files."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from eventflow.schemas import Repository
from eventflow.schemas.loader import load_repository

MakeRepository = Callable[[Mapping[str, Any]], Repository]


@pytest.fixture
def make_repository(tmp_path: Path) -> MakeRepository:
    """A function that writes files by their paths, anew each time, and loads them."""
    made = 0

    def make(files: Mapping[str, Any]) -> Repository:
        nonlocal made
        made += 1
        root = tmp_path / f"schemas-{made}"
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(json.dumps(content))
        return load_repository(root)

    return make
