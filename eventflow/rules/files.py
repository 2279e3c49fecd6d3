"""The rule files of a directory: which there are, and whether they changed."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eventflow.errors import Problem

__all__ = ["MAX_FILES", "Listing", "RuleFile", "list_files", "list_test_files"]

MAX_FILES = 1000
"""The most files that a rule set may have."""

_SUFFIXES = (".yaml", ".yml")
_TEST_SUFFIXES = (".test.yaml", ".test.yml")


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file as it was found.

    Attributes:
        path: Where it is, as the user would type it.
        size: Its bytes.
        modified: Its time of change in nanoseconds.
        inode: Its number on disk, which a file put in its place does not have.
    """

    path: str
    size: int
    modified: int
    inode: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What a directory held at one moment; two are equal where nothing changed between.

    Attributes:
        files: The rule files, sorted by path.
        problems: What could not be listed.
    """

    files: tuple[RuleFile, ...]
    problems: tuple[Problem, ...]


def list_files(path: Path) -> Listing:
    """List the rule files below *path*, or *path* itself where it is a file.

    Directories are searched to the bottom, links to directories included, each once. What is
    hidden (a name that begins with a dot) is passed over, and so are tests of the rules.

    Args:
        path: A directory, or one file.

    Returns:
        The files and what is wrong; never raises for what is on disk.
    """
    problems: list[Problem] = []
    names = [str(path)] if path.is_file() else _list_names(path, problems, tests=False)
    if not names and not problems:
        problems.append(_problem(path, _describe_nothing(path)))
    if len(names) > MAX_FILES:
        message = f"holds {len(names):,} rule files, and at most {MAX_FILES:,} may be"
        return Listing((), (_problem(path, message),))
    files = []
    for name in names:
        try:
            status = os.stat(name)  # noqa: PTH116 - half as slow, once a second for each file
        except OSError as error:
            problems.append(_problem(name, f"cannot be read: {error.strerror}"))
            continue
        if stat.S_ISREG(status.st_mode):
            files.append(RuleFile(name, status.st_size, status.st_mtime_ns, status.st_ino))
        else:
            problems.append(_problem(name, "is no regular file"))
    return Listing(tuple(files), tuple(problems))


def list_test_files(path: Path) -> tuple[list[str], list[Problem]]:
    """List the tests of rules below *path*: the files that end in ``.test.yaml``.

    Args:
        path: A directory.

    Returns:
        The files' paths, sorted, and what is wrong.
    """
    problems: list[Problem] = []
    names = _list_names(path, problems, tests=True)
    if len(names) > MAX_FILES:
        message = f"holds {len(names):,} files of tests, and at most {MAX_FILES:,} may be"
        return [], [_problem(path, message)]
    return names, problems


def _list_names(path: Path, problems: list[Problem], *, tests: bool) -> list[str]:
    found = _walk(path, problems)
    return sorted(name for name in found if name.lower().endswith(_TEST_SUFFIXES) is tests)


def _walk(path: Path, problems: list[Problem]) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        if error.filename != str(path):
            problems.append(_problem(error.filename, f"cannot be listed: {error.strerror}"))

    for folder, folders, names in os.walk(path, followlinks=True, onerror=note):
        status = os.stat(folder)  # noqa: PTH116 - os.walk gives text
        if (status.st_dev, status.st_ino) in seen:  # a link back up
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(_SUFFIXES) and not name.startswith("."):
                yield os.path.join(folder, name)  # noqa: PTH118 - os.walk gives text


def _describe_nothing(path: Path) -> str:
    if not path.exists():
        return "there is no such directory: make it, or set EVENTFLOW_RULES to where the rules are"
    if not path.is_dir():
        return "is neither a directory nor a file"
    if not os.access(path, os.R_OK | os.X_OK):
        return "cannot be listed: permission denied"
    return "holds no rule file: write one that ends in .yaml or .yml"


def _problem(path: Path | str, message: str) -> Problem:
    return Problem(str(path), 0, 0, "", message)
