"""Every page of documentation does what it says."""

from pathlib import Path

import pytest

from tests.docs.pages import read_page
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
