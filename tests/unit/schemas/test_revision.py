"""The repository of an earlier revision, out of a real git."""

import os
import subprocess
from pathlib import Path

import pytest

from eventflow.schemas.revision import RevisionError, read_revision


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a git work tree whose schemas were committed and then changed."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "project" / "deep er"
    file = folder / "schemas" / "courier.app" / "Arrivé*" / "1.0.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"title": "before"}')
    (folder / "schemas" / "link.json").symlink_to(file)
    (folder / "other.json").write_text("{}")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    file.write_text('{"title": "after"}')
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_revision_is_read(project: Path) -> None:
    """The files are as they were committed, without symbolic links, and gone after the block."""
    with read_revision(project / "schemas", "HEAD") as found:
        assert {"courier.app/Arrivé*/1.0.json": '{"title": "before"}'} == contents(found)
    assert not found.exists()


@pytest.mark.parametrize("revision", ["nope", "-n", "--all", "HEAD:x", ""])
def test_what_is_no_commit(project: Path, revision: str) -> None:
    """What git takes for no commit is no revision, and nothing is taken for an option."""
    with (
        pytest.raises(RevisionError, match="git knows no revision"),
        read_revision(project / "schemas", revision),
    ):
        pass


def test_a_directory_that_is_gone_is_read_all_the_same(project: Path) -> None:
    """The revision's files are there although the work tree's directory is not."""
    git(project, "rm", "-r", "--quiet", "--force", "schemas")
    with read_revision(project / "schemas", "HEAD") as found:
        assert ["courier.app/Arrivé*/1.0.json"] == list(contents(found))


def test_a_directory_that_was_not_there_is_empty(project: Path) -> None:
    """Where the revision had no schemas, none were published."""
    with read_revision(project / "later", "HEAD") as found:
        assert {} == contents(found)


def test_outside_of_a_work_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no git work tree, git's own words are told."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with (
        pytest.raises(RevisionError, match="not a git repository"),
        read_revision(tmp_path, "HEAD"),
    ):
        pass


def test_without_git(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git is told what is missing."""
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(RevisionError, match="there is no `git`"), read_revision(project, "HEAD"):
        pass
