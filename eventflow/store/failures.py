"""What failed: where in the user's code, and which dead letters failed by the same fault.

The group's id is a digest of target, error class, file and function, and the message without its
numbers and ids. The line is shown and no part of it: a line added above the fault splits no group.
"""

import hashlib
import pkgutil
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from eventflow.records import DeadLetter

__all__ = ["MOST_PATTERN", "Failure", "failure_of", "pattern_of"]

MOST_PATTERN = 200
"""Characters of a message, without its numbers and ids, that tell one group from another."""

_ID_LENGTH = 12  # hexadecimal digits: among a million groups, two share one by 1 in 500 runs
_HOLE = "…"

_FRAME = re.compile(
    r'^[ \t|+]*File "(?P<file>[^"\n]+)", line (?P<line>\d+), in (?P<function>[^\n]+)$', re.MULTILINE
)
# A chain of exceptions has the last one at its end, and Python's sentence before it.
_CHAINED = re.compile(
    r"^[ \t|+]*(?:The above exception was the direct cause of the following exception|"
    r"During handling of the above exception, another exception occurred):$",
    re.MULTILINE,
)
_HOLES = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|\b0[xX][0-9a-fA-F]+"
    # Long and of letters and digits both: an id, a key, a digest.
    r"|\b(?=[A-Za-z_]*\d)(?=\d*[A-Za-z_])\w{8,}\b"
    r"|\d+(?:[.,:]\d+)*"
)
_LIBRARIES = frozenset({"site-packages", "dist-packages"})
_PYTHON = re.compile(r"[/\\]lib[/\\]python3[^/\\]*[/\\]|^<")
_OWN = frozenset(
    module.name for module in pkgutil.iter_modules([str(Path(__file__).resolve().parents[1])])
)


class Failure(NamedTuple):
    """By what fault a delivery died.

    Attributes:
        group_id: The same for all letters of one target that died by the same fault.
        place: ``folder/file.py:line function`` of the innermost frame of the user's code; empty
            where no traceback is known.
    """

    group_id: str
    place: str


def failure_of(letter: DeadLetter) -> Failure:
    """Tell by what fault a dead letter died.

    Args:
        letter: The dead letter.
    """
    file, line, function = _innermost(letter.traceback)
    # What has no exception (too old, say) is told apart by its reason.
    kind = letter.error_type or letter.reason.value
    parts = (letter.target, kind, file, function, pattern_of(letter.error))
    digest = hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()
    return Failure(digest[:_ID_LENGTH], f"{file}:{line} {function}" if file else "")


def pattern_of(message: str) -> str:
    """Return an error's message with a hole where a number or an id was.

    Args:
        message: The message.

    Returns:
        Such as ``no door … in garage …``, cut where it is too long.
    """
    return _HOLES.sub(_HOLE, " ".join(message.split()))[:MOST_PATTERN]


def _innermost(traceback: str) -> tuple[str, str, str]:
    """Return file, line and function of the innermost frame of the user's code.

    The exception that ended the attempt comes first, then what caused it; where nothing is the
    user's own, the innermost frame of all.
    """
    blocks = [list(_frames(block)) for block in _CHAINED.split(traceback)]
    for frames in reversed(blocks):
        for frame in reversed(frames):
            if _is_users(frame["file"]):
                return _short(frame)
    every = [frame for frames in blocks for frame in frames]
    return _short(every[-1]) if every else ("", "", "")


def _frames(text: str) -> Iterator[re.Match[str]]:
    return _FRAME.finditer(text)


def _is_users(file: str) -> bool:
    if _PYTHON.search(file):
        return False
    parts = PurePosixPath(file.replace("\\", "/")).parts
    if not _LIBRARIES.isdisjoint(parts):
        return False
    # This package in a checkout, where it is no site-package.
    return not any(
        folder == "eventflow" and name.removesuffix(".py") in _OWN
        for folder, name in pairwise(parts)
    )


def _short(frame: re.Match[str]) -> tuple[str, str, str]:
    # Two machines may have the project in different folders, and its releases do have.
    parts = PurePosixPath(frame["file"].replace("\\", "/")).parts[-2:]
    return "/".join(part for part in parts if part != "/"), frame["line"], frame["function"].strip()
