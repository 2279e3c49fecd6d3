"""The repository as it was in a revision of git, written to a directory of its own."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from eventflow.errors import SchemaError

__all__ = ["RevisionError", "read_revision"]

_REGULAR = (b"100644", b"100755")
_MOST_FILES = 20_000
_WAIT = 60.0  # seconds for one command of git


class RevisionError(SchemaError):
    """A revision cannot be read: no git, no work tree, or no such revision."""


@contextmanager
def read_revision(root: Path, revision: str) -> Iterator[Path]:
    """Give a directory that holds what *root* held in a revision; it is gone after the block.

    Args:
        root: The repository's directory, within a git work tree; it may be missing by now.
        revision: What git calls it: a branch, a tag, a commit, `HEAD~1`.

    Yields:
        The directory; empty where there were no schemas. Symbolic links are left out.

    Raises:
        RevisionError: When there is no git, *root* is in no work tree, or git knows no such
            revision.
    """
    here = _nearest(root)
    rest = root.absolute().relative_to(here)
    prefix = _git(here, "rev-parse", "--show-prefix", of=root).decode().strip()
    commit = _find_commit(here, revision)
    with TemporaryDirectory(prefix="eventflow-schemas-") as directory:
        _write_files(here, commit, PurePosixPath(prefix) / rest, Path(directory))
        yield Path(directory)


def _nearest(root: Path) -> Path:
    """Return the nearest directory that is there, links followed as git does."""
    for place in (root.absolute(), *root.absolute().parents):
        if place.is_dir():
            return place
    return Path.cwd()


def _find_commit(here: Path, revision: str) -> str:
    asked = f"{revision}^{{commit}}"
    try:
        found = _git(here, "rev-parse", "--verify", "--quiet", "--end-of-options", asked)
    except RevisionError:
        found = b""
    commit = found.decode(errors="replace").strip()
    if not commit:
        message = (
            f"git knows no revision {revision!r} here: name a branch, a tag or a commit. In CI the "
            "clone may hold the last commit alone: fetch the branch first, such as "
            "`git fetch origin main`, and name origin/main"
        )
        raise RevisionError(message)
    return commit


def _write_files(here: Path, commit: str, folder: PurePosixPath, directory: Path) -> None:
    # ls-tree takes its path literally, not as a pattern.
    place = [] if str(folder) == "." else [f"{folder}/"]
    listing = _git(here, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *place)
    entries = [entry.split(b"\t", 1) for entry in listing.split(b"\0") if entry]
    files = {
        os.fsdecode(name): about.split(b" ")[2].decode()
        for about, name in entries
        if about.split(b" ")[0] in _REGULAR
    }
    if len(files) > _MOST_FILES:
        message = f"revision {commit[:12]} holds {len(files)} schema files; {_MOST_FILES} are read"
        raise RevisionError(message)
    contents = _read_objects(here, list(files.values()))
    for name, content in zip(files, contents, strict=True):
        path = directory / PurePosixPath(name).relative_to(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _read_objects(here: Path, objects: Sequence[str]) -> list[bytes]:
    if not objects:
        return []
    answer = _git(here, "cat-file", "--batch", given="\n".join(objects).encode() + b"\n")
    contents = []
    position = 0
    for _ in objects:
        end = answer.index(b"\n", position)
        size = int(answer[position:end].split(b" ")[2])
        contents.append(answer[end + 1 : end + 1 + size])
        position = end + size + 2
    return contents


def _git(here: Path, *arguments: str, given: bytes | None = None, of: Path | None = None) -> bytes:
    try:
        # Arguments as a list, and revisions after --end-of-options: nothing is read as an option.
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(here), *arguments],  # noqa: S607 - the user's own git
            input=given if given is not None else b"",
            capture_output=True,
            timeout=_WAIT,
            check=False,
        )
    except FileNotFoundError as error:
        message = "there is no `git` on the path, which reads the earlier revision: install it"
        raise RevisionError(message) from error
    except subprocess.TimeoutExpired as error:
        message = f"git {arguments[0]} did not end within {_WAIT:.0f} s"
        raise RevisionError(message) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else f"exit code {done.returncode}"
        message = f"git cannot read what {str(of or here)!r} held before: {why}"
        raise RevisionError(message)
    return done.stdout
