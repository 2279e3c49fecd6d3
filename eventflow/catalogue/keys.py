"""Names that documents and every file system take, made of names that hold anything."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["safe_keys"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 100


def safe_keys(names: Iterable[str]) -> dict[str, str]:
    """Give each name a key of letters, digits, dots, hyphens and underscores.

    A name of such characters alone is its own key, unless another differs from it by case only:
    there are file systems on which the two would be one file.

    Args:
        names: The names; each is used once.

    Returns:
        The keys by name; no two are alike, also without regard to case.
    """
    every = sorted(set(names))
    counts = Counter(_plain(name).casefold() for name in every)
    return {
        name: name
        if _plain(name) == name and counts[name.casefold()] == 1
        else f"{_plain(name)}-{_digest(name)}"
        for name in every
    }


def _plain(name: str) -> str:
    return _UNSAFE.sub("-", name)[:_LONGEST].strip(".-") or "event"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
