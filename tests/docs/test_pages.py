"""Every page of documentation does what it says."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.docs.pages import Block, read_page
from tests.docs.runner import Project

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page(path: Path, tmp_path: Path) -> None:
    """Following the page from top to bottom works: every file, command, output and rule of it."""
    with Project(tmp_path / "project") as project:
        project.follow(read_page(path))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Each relative link of the page leads to a file that is there."""
    missing = [link for link in read_page(path).links if not (path.parent / link).exists()]
    assert [] == missing


@pytest.mark.timeout(300)
def test_the_first_five_minutes_are_of_a_clone(tmp_path: Path) -> None:
    """Who has cloned the repository has other rules than the page's, and schemas: all works there too."""
    page = read_page(ROOT / "README.md")
    lines = (ROOT / "README.md").read_text().splitlines()
    start, end = (
        lines.index(f"## {name}") for name in ("The first five minutes", "Where to go from here")
    )

    def is_of_it(block: Block) -> bool:
        return start < block.line < end

    blocks = tuple(filter(is_of_it, page.blocks))
    assert len(blocks) == 3
    with Project(tmp_path / "project") as project:
        project.follow(replace(page, project="reference", blocks=blocks))
