"""The files of a repository: which there are, and whether they changed."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from eventflow.errors import Problem
from eventflow.schemas.policy import POLICY_FILE

__all__ = ["MAX_FILES", "Listing", "SchemaFile", "list_files"]

MAX_FILES = 5000
"""The most files that a repository may have."""


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One file as it was found.

    Attributes:
        path: Where it is, as the user would type it.
        below: The same, from the repository's directory on.
        size: Its bytes.
        modified: Its time of change in nanoseconds.
        inode: Its number on disk, which a file put in its place does not have.
    """

    path: str
    below: PurePosixPath
    size: int
    modified: int
    inode: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What a repository held at one moment; two are equal where nothing changed between.

    Attributes:
        files: The JSON files and the policy, sorted by path.
        problems: What could not be listed.
    """

    files: tuple[SchemaFile, ...]
    problems: tuple[Problem, ...]


def list_files(root: Path) -> Listing:
    """List the files of the repository in *root*; none where there is no such directory.

    What is hidden (a name that begins with a dot) is passed over, and so is what is neither a JSON
    file nor the policy. A link that leads out of the directory is a problem.

    Returns:
        The files and what is wrong; never raises for what is on disk.
    """
    problems: list[Problem] = []
    if not root.exists() and not root.is_symlink():
        return Listing((), ())
    if not root.is_dir():
        return Listing((), (_problem(root, "is no directory"),))
    files: list[SchemaFile] = []
    real_root = os.path.realpath(root)
    for path in _walk(root, real_root, problems):
        if os.path.islink(path) and not _is_inside(path, real_root):  # noqa: PTH114 - os.walk gives text
            problems.append(_problem(path, _LEAVES))
            continue
        try:
            status = os.stat(path)  # noqa: PTH116 - half as slow, once a second for each file
        except OSError as error:
            problems.append(_problem(path, f"cannot be read: {error.strerror}"))
            continue
        if not stat.S_ISREG(status.st_mode):
            problems.append(_problem(path, "is no regular file"))
            continue
        below = PurePosixPath(Path(path).relative_to(root).as_posix())
        files.append(SchemaFile(path, below, status.st_size, status.st_mtime_ns, status.st_ino))
    if len(files) > MAX_FILES:
        message = f"holds {len(files):,} schema files, and at most {MAX_FILES:,} may be"
        return Listing((), (_problem(root, message),))
    return Listing(tuple(sorted(files, key=lambda file: file.path)), tuple(problems))


_LEAVES = "is a link that leads out of the repository: copy the file, schemas are kept in one place"


def _walk(root: Path, real_root: str, problems: list[Problem]) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        problems.append(_problem(error.filename, f"cannot be listed: {error.strerror}"))

    for folder, folders, names in os.walk(root, followlinks=True, onerror=note):
        if not _is_inside(folder, real_root):
            problems.append(_problem(folder, _LEAVES))
            folders.clear()
            continue
        status = os.stat(folder)  # noqa: PTH116 - os.walk gives text
        if (status.st_dev, status.st_ino) in seen:  # a link back up
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            is_policy = name == POLICY_FILE and Path(folder) == root
            if is_policy or (name.lower().endswith(".json") and not name.startswith(".")):
                yield os.path.join(folder, name)  # noqa: PTH118 - os.walk gives text


def _is_inside(path: str, real_root: str) -> bool:
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip(os.sep) + os.sep)


def _problem(path: Path | str, message: str) -> Problem:
    return Problem(str(path), 0, 0, "", message)
