"""Whether typed events and their files say the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from eventflow.schemas import EventModel, Repository
from eventflow.schemas.agreement import Difference, Kind, compare_models
from eventflow.schemas.canonical import write_schema
from eventflow.schemas.export import export_schema
from eventflow.schemas.loader import load_repository


class Opened(EventModel, source="tests.agreement", type="Opened", version="1.1"):
    """A door was opened."""

    door: str
    by: str | None = None


FILE = Path("tests.agreement/Opened/1.1.json")


@pytest.fixture
def compare(tmp_path: Path):
    """Compares `Opened` with a file of this content; none where that is None."""

    def call(schema: dict[str, Any] | None) -> tuple[Difference, ...]:
        if schema is not None:
            file = tmp_path / FILE
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(schema))
        return compare_models([Opened], load_repository(tmp_path))

    return call


def published(**changes: Any) -> dict[str, Any]:
    """What the file of `Opened` holds, once it is active."""
    return {**export_schema(Opened, None), "x-eventflow": {"status": "active"}, **changes}


def test_same_is_no_difference(compare) -> None:
    """A file that says the same agrees, in whatever order it is written."""
    assert () == compare(dict(reversed(published().items())))


def test_missing_file(compare, tmp_path: Path) -> None:
    """A model without a file says so, and the diff makes the whole file."""
    (found,) = compare(None)
    assert (Kind.MISSING, tmp_path / FILE) == (found.kind, found.file)
    assert found.message.endswith("Opened has no file: write it with `eventflow schemas export`")
    assert found.diff.startswith("--- /dev/null\n")
    assert write_schema(export_schema(Opened, None)) == found.after


def test_missing_version(tmp_path: Path) -> None:
    """A model whose version alone has no file is told which versions there are."""
    file = tmp_path / FILE.with_name("1.0.json")
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    (found,) = compare_models([Opened], load_repository(tmp_path))
    assert "is version 1.1, of which there is no file (there is 1.0)" in found.message


def test_other_words(compare) -> None:
    """A description alone may differ without touching what is published."""
    (found,) = compare(published(description="Once upon a time."))
    assert Kind.WORDS == found.kind
    assert '+  "description": "A door was opened."' in found.diff


def test_title_of_a_property_is_no_word(compare) -> None:
    """A property that is called `title` is held to its schema, and so are enums and constants."""
    changed = published()
    changed["properties"] = {**changed["properties"], "title": {"const": {"title": "x"}}}
    assert Kind.PUBLISHED == compare(changed)[0].kind


def test_published_version_stays(compare) -> None:
    """A published version that would change asks for a new version."""
    (found,) = compare(published(required=[]))
    assert Kind.PUBLISHED == found.kind
    assert 'raise the version that the class names (version="1.1")' in found.message


def test_draft_may_change(compare) -> None:
    """A draft that differs is written anew by the export."""
    (found,) = compare(published(required=[], **{"x-eventflow": {"status": "draft"}}))
    assert Kind.CONTRACT == found.kind
    assert str(found.problem) == f"{found.file}: {found.message}"


def test_other_files_need_no_model(tmp_path: Path) -> None:
    """Schemas that no model here has are nobody's fault."""
    assert () == compare_models([], Repository(tmp_path))
