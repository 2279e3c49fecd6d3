"""The pages and their folder: escaped, complete, the same each time, and no one else's files."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from eventflow.catalogue import Catalogue, build_catalogue, write_catalogue
from eventflow.catalogue.site import render_pages
from eventflow.errors import SchemaError
from eventflow.patterns import Pattern
from eventflow.rules import Rule, RuleSet, RuleTarget, Target
from tests.unit.catalogue.conftest import MakeRepository

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> {{ 7 * 7 }} </script>"
RULES = RuleSet(
    [Target(name="audit", task="a.keep")],
    [Rule("everything", Pattern({"source": ["shop"]}), (RuleTarget("audit"),), EVIL, EVIL)],
)
FILES: dict[str, Any] = {
    "shop/Paid/1.0.json": {
        "description": "Paid.\n\nMore words.",
        "properties": {"amount": {"type": "number"}},
        "x-eventflow": {"status": "deprecated", "deprecated_on": "2026-12-01", "successor": "2.0"},
    },
    "shop/Paid/2.0.json": {
        "description": EVIL,
        "required": [EVIL],
        "properties": {EVIL: {"description": EVIL, "enum": [EVIL], "default": EVIL}},
        "examples": [{EVIL: EVIL}],
        "x-eventflow": {"owner": EVIL},
    },
    "bank/Moved/0.1.json": {"x-eventflow": {"status": "draft"}},
}


class Elements(HTMLParser):
    """Every element of a page, with its attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self._is_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._is_style = tag in {"style", "script"}

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False

    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.words += data


@pytest.fixture
def catalogue(make_repository: MakeRepository) -> Catalogue:
    """Events whose every word is an attack."""
    return build_catalogue(make_repository(FILES), rule_set=RULES, title=EVIL)


def test_what_schemas_say_is_text_and_never_markup(catalogue: Catalogue) -> None:
    """No word of a schema or rule becomes an element, an attribute or a template."""
    for page in render_pages(catalogue).values():
        elements = Elements(page)
        assert [] == [tag for tag, _ in elements.found if tag == "img"]
        assert (
            len([tag for tag, _ in elements.found if tag == "script"])
            == page.count("<script>")
            <= 1
        )
        assert [] == [
            name for _, attributes in elements.found for name in attributes if name.startswith("on")
        ]
        assert EVIL in elements.words


def test_page_says_all_of_an_event(catalogue: Catalogue) -> None:
    """An event's page has versions, status, successor, changes, fields, receivers and example."""
    words = Elements(render_pages(catalogue)["events/shop.Paid.html"]).words
    expected = ("Version 2.0", "Version 1.0", "deprecated on 2026-12-01", "Changes since 1.0")
    for text in (*expected, "amount", "everything", "a.keep", "Example", "JSON Schema"):
        assert text in words, text


def test_page_says_that_it_is_a_draft(catalogue: Catalogue) -> None:
    """A draft's page warns of it; an event that no rule receives says so."""
    words = Elements(render_pages(catalogue)["events/bank.Moved.html"]).words
    assert "A draft: it may change" in words
    assert "No rule receives it." in words


def test_without_rules_nothing_is_said_of_receivers(make_repository: MakeRepository) -> None:
    """Where the rules are not known, no page claims that nobody receives an event."""
    pages = render_pages(build_catalogue(make_repository(FILES)), shows_rules=False)
    assert [] == [name for name, page in pages.items() if "receive" in Elements(page).words]


def test_every_link_leads_to_a_page_or_a_place(catalogue: Catalogue, tmp_path: Path) -> None:
    """Each relative link leads to a file of the folder, each anchor to an element of the page."""
    write_catalogue(catalogue, tmp_path)
    for file in tmp_path.rglob("*.html"):
        elements = Elements(file.read_text())
        ids = {attributes.get("id") for _, attributes in elements.found}
        for link in [attributes.get("href") for tag, attributes in elements.found if tag == "a"]:
            assert link is not None
            path, _, anchor = link.partition("#")
            assert (file.parent / path).exists(), link
            assert not anchor or path or anchor in ids, link


def test_second_run_changes_nothing(catalogue: Catalogue, tmp_path: Path) -> None:
    """The same catalogue writes the same bytes, and touches no file."""
    first = write_catalogue(catalogue, tmp_path, with_yaml=True)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    second = write_catalogue(catalogue, tmp_path, with_yaml=True)
    assert first.files == first.changed == second.files
    assert ((), ()) == (second.changed, second.removed)
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}


def test_pages_of_events_that_are_no_more_are_removed(
    make_repository: MakeRepository, catalogue: Catalogue, tmp_path: Path
) -> None:
    """A stale page goes, and with it the YAML that is not asked for again; others' files stay."""
    out = tmp_path / "out"
    write_catalogue(catalogue, out, with_yaml=True)
    (out / "events/mine.html").write_text("<p>mine</p>")
    less = build_catalogue(make_repository({"bank/Moved/0.1.json": FILES["bank/Moved/0.1.json"]}))
    assert ("asyncapi.yaml", "events/shop.Paid.html") == tuple(
        sorted(write_catalogue(less, out).removed)
    )
    names = sorted(file.relative_to(out).as_posix() for file in out.rglob("*.*"))
    assert ["asyncapi.json", "events/bank.Moved.html", "events/mine.html", "index.html"] == names


def test_files_of_others_are_never_overwritten(catalogue: Catalogue, tmp_path: Path) -> None:
    """Where a file is in the way that no catalogue wrote, it is named and nothing is written."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.html").write_text("<p>mine</p>")
    with pytest.raises(SchemaError, match=r"index\.html.*no catalogue wrote it"):
        write_catalogue(catalogue, out)
    assert [out / "index.html"] == list(out.iterdir())


def test_folder_that_cannot_be_written_is_an_error(catalogue: Catalogue, tmp_path: Path) -> None:
    """A path that is a file, or lies below one, is said in one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SchemaError, match="the catalogue cannot be written to"):
        write_catalogue(catalogue, tmp_path / "file" / "site")
