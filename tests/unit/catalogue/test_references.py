"""References: `$ref` within a file, from file to file, and never out of the repository."""

from pathlib import Path

import pytest

from eventflow.catalogue.references import Place, SchemaFiles
from eventflow.errors import SchemaError
from tests.unit.catalogue.conftest import MakeRepository

FILES = {
    "shop/Paid/1.0.json": {
        "properties": {"a/b": {"type": "string"}, "to": {"$ref": "#who"}},
        "$defs": {"who": {"$anchor": "who", "type": "object"}},
    },
    "common/money.json": {"definitions": {"old": {"$id": "#amount", "type": "number"}}},
}


@pytest.fixture
def files(make_repository: MakeRepository) -> SchemaFiles:
    """A schema with a shared file beside it."""
    return SchemaFiles(make_repository(FILES))


@pytest.fixture
def origin(files: SchemaFiles) -> Place:
    """The schema's place."""
    return Place(files.root / "shop/Paid/1.0.json")


@pytest.mark.parametrize(
    ("reference", "file", "path"),
    [
        ("#", "shop/Paid/1.0.json", ()),
        ("#/properties/a~1b", "shop/Paid/1.0.json", ("properties", "a/b")),
        ("#who", "shop/Paid/1.0.json", ("$defs", "who")),
        ("../../common/money.json", "common/money.json", ()),
        ("../../common/money.json#amount", "common/money.json", ("definitions", "old")),
    ],
)
def test_reference_leads_to_its_place(
    files: SchemaFiles, origin: Place, reference: str, file: str, path: tuple[str, ...]
) -> None:
    """Pointers, anchors of both drafts and files each lead to the schema that they mean."""
    assert Place(files.root / file, path) == files.follow(origin, reference)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("http://example.org/x.json", "what is remote is never read"),
        ("file:///etc/passwd", "what is remote is never read"),
        ("../../../outside.json", "outside of the repository"),
        ("#/properties/none", "where nothing is"),
        ("#nobody", "the anchor 'nobody', which is not there"),
        ("missing.json", "cannot be read as JSON"),
    ],
)
def test_reference_that_leads_nowhere_is_an_error(
    files: SchemaFiles, origin: Place, reference: str, words: str
) -> None:
    """What is remote, outside, or not there is said with the place that refers to it."""
    with pytest.raises(SchemaError, match=words):
        files.follow(origin, reference)


def test_a_link_does_not_lead_out(files: SchemaFiles, origin: Place, tmp_path: Path) -> None:
    """A symbolic link in the repository to a file outside is outside."""
    (tmp_path / "secret.json").write_text("{}")
    (files.root / "shop/link.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(SchemaError, match="outside of the repository"):
        files.follow(origin, "../link.json")
