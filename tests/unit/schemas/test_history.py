"""Versions held against each other, and against what was published before."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eventflow.schemas import Compatibility, Policy, Repository, SchemaDocument, SchemaName, Status
from eventflow.schemas.history import CODES, check_history, check_versions, new_versions

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ROOT = Path("schemas")
TODAY = date(2026, 11, 25)
TEXT = {"type": "string"}
ONE = {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}
WORDS = {**ONE, "description": "In other words."}
WIDER = {"type": "object", "properties": {"a": TEXT}}
NARROWER = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]}


def document(version: str, schema: Any = ONE, **more: Any) -> SchemaDocument:
    name = SchemaName.parse(f"courier.app/CourierArrived/{version}")
    return SchemaDocument(name, schema, ROOT / name.path, DIALECT, **more)


def repository(*documents: SchemaDocument, mode: str = "backward") -> Repository:
    return Repository(ROOT, documents, Policy(compatibility=Compatibility(mode), buses={}))


def codes(findings: Any) -> list[tuple[str, str]]:
    return [(finding.severity, finding.code) for finding in findings]


@pytest.mark.parametrize(
    ("mode", "newer", "expected"),
    [
        ("backward", WIDER, [("note", "beyond-the-mode")]),
        ("forward", WIDER, [("error", "incompatible")]),
        ("full", WIDER, [("error", "incompatible")]),
        ("backward", NARROWER, [("error", "incompatible")]),
        ("forward", NARROWER, [("note", "beyond-the-mode")]),
        ("none", NARROWER, [("note", "beyond-the-mode")]),
        ("full", WORDS, []),
    ],
)
def test_a_minor_version_keeps_what_its_mode_asks(mode, newer, expected) -> None:
    """What the mode asks for is an error, what it does not is a note, and words are nothing."""
    found = check_versions(repository(document("1.0"), document("1.1", newer), mode=mode))
    assert expected == codes(found)


def test_a_version_has_a_mode_of_its_own() -> None:
    """`compatibility` in a file is held instead of the repository's."""
    own = document("1.1", NARROWER, compatibility=Compatibility.NONE)
    found = check_versions(repository(document("1.0"), own))
    assert [("note", "beyond-the-mode")] == codes(found)


def test_a_transitive_mode_asks_every_version() -> None:
    """A version that goes with the last one, and not with the first, is found by it alone."""
    # 1.1 forgets `b`, so that 1.2 may give it another type, which 1.0's events do not have.
    versions = [
        document("1.0", {"type": "object", "properties": {"b": TEXT}}),
        document("1.1", {"type": "object"}),
        document("1.2", {"type": "object", "properties": {"b": {"type": "integer"}}}),
    ]
    assert ("error", "incompatible") not in codes(check_versions(repository(*versions)))
    found = check_versions(repository(*versions, mode="backward_transitive"))
    assert ("error", "incompatible") in codes(found)


def test_a_draft_is_warned_of() -> None:
    """A draft is still being written: what it would break is a warning."""
    draft = document("1.1", NARROWER, status=Status.DRAFT)
    assert [("warning", "incompatible")] == codes(
        check_versions(repository(document("1.0"), draft))
    )


def test_a_patch_changes_words_alone() -> None:
    """A patch that changes what is accepted is told to be a minor version."""
    good = repository(document("1.0"), document("1.0.1", WORDS))
    assert [] == codes(check_versions(good))
    (finding,) = check_versions(repository(document("1.0"), document("1.0.1", WIDER)))
    assert ("error", "not-a-patch") == (finding.severity, finding.code)
    assert str(finding).endswith("changes what 1.0 accepts: make it 1.1")


def test_a_major_version_says_what_it_breaks() -> None:
    """A new major may break: each breach is a warning that says for whom."""
    found = check_versions(repository(document("1.0"), document("2.0", NARROWER)))
    assert [("warning", "new-major")] == codes(found)
    assert str(found[0]) == (
        "schemas/courier.app/CourierArrived/2.0.json: warning new-major: data.b: is required by "
        "2.0: writers of 1.0 need not send it: breaks readers by 2.0 of events by 1.0"
    )


def history(published: Repository, now: Repository) -> list[tuple[str, str]]:
    return codes(check_history(now, published, today=TODAY, revision="main"))


def test_a_published_version_stays() -> None:
    """It may change in words, owner and status, and in nothing else."""
    published = repository(document("1.0"))
    reworded = document("1.0", WORDS, owner="devices", status=Status.DEPRECATED)
    assert [] == history(published, repository(reworded))
    assert [("error", "immutable")] == history(published, repository(document("1.0", WIDER)))
    draft = document("1.0", status=Status.DRAFT)
    assert [("error", "unpublished")] == history(published, repository(draft))


def test_a_draft_is_free() -> None:
    """A version that was a draft may change, and go."""
    published = repository(document("1.0", status=Status.DRAFT))
    assert [] == history(published, repository(document("1.0", WIDER)))
    assert [] == history(published, repository())


@pytest.mark.parametrize(
    ("deprecated_on", "expected"),
    [
        (date(2026, 11, 25), []),
        (date(2026, 11, 26), [("error", "deleted")]),
        (None, [("error", "deleted")]),
    ],
)
def test_a_deprecated_version_may_go_on_its_date(deprecated_on, expected) -> None:
    """A published version may be deleted once the date of its deprecation has come."""
    status = Status.DEPRECATED if deprecated_on else Status.ACTIVE
    published = repository(document("1.0", status=status, deprecated_on=deprecated_on))
    assert expected == history(published, repository())


def test_versions_do_not_go_back() -> None:
    """A new version is above those that were published of its major; an older major may go on."""
    published = repository(document("1.2"), document("3.0"))
    low = repository(document("1.1"), document("1.2"), document("3.0"))
    assert [("error", "version-goes-back")] == history(published, low)
    between = repository(document("1.2"), document("2.0"), document("3.0"))
    assert [("error", "version-goes-back")] == history(published, between)
    on = repository(document("1.2"), document("1.3"), document("3.0"))
    assert [] == history(published, on)


def test_only_new_versions_are_asked() -> None:
    """What was published with a breach before is not told again."""
    published = repository(document("1.0"), document("1.1", NARROWER))
    now = repository(document("1.0"), document("1.1", NARROWER), document("1.2", NARROWER))
    only = new_versions(now, published)
    assert ["1.2"] == [str(name.version) for name in only]
    assert () == check_versions(now, only=only)


def test_the_reference_has_every_code() -> None:
    """The page of findings has one row for each code, and for no other."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "schema-findings.md"
    rows = re.findall(r"^\| `([a-z-]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(CODES) == sorted(rows)
