"""What a difference is called, in words for a person."""

from collections.abc import Iterable
from typing import Any

from eventflow.schemas.inclusion.facts import write_kinds
from eventflow.schemas.inclusion.value import quote

__all__ = ["Wording"]

_PHRASES = {
    "minimum": "be at least {}",
    "exclusiveMinimum": "be more than {}",
    "maximum": "be at most {}",
    "exclusiveMaximum": "be less than {}",
    "multipleOf": "be a multiple of {}",
    "minLength": "have {} or more characters",
    "maxLength": "have {} or fewer characters",
    "pattern": "match {}",
    "format": "be of the format {}",
    "minItems": "hold {} or more elements",
    "maxItems": "hold {} or fewer elements",
    "uniqueItems": "hold no element twice",
    "minProperties": "have {} or more fields",
    "maxProperties": "have {} or fewer fields",
    "const": "be {}",
}
_MOST = 6  # values in a message


class Wording:
    """Says what differs between two versions.

    Args:
        writer: The version that data is written by, such as `1.0`.
        reader: The version that it is read by.
    """

    def __init__(self, writer: str, reader: str) -> None:
        self.writer = writer
        self.reader = reader

    def required(self) -> str:
        """A field that the reader needs."""
        return f"is required by {self.reader}: writers of {self.writer} need not send it"

    def kinds(self, sent: frozenset[str], taken: frozenset[str]) -> str:
        """Kinds of values that the reader does not take."""
        allowed = _list(write_kinds(taken)) or "nothing"
        refused = _list(write_kinds(sent - taken))
        return f"is {allowed} by {self.reader}: writers of {self.writer} may send {refused}"

    def values(self, refused: list[Any], taken: list[Any]) -> str:
        """Values outside of the reader's enum."""
        if refused:
            names = _list(map(quote, refused))
            return f"may be {names} by {self.writer}, which {self.reader} does not take"
        names = _list(map(quote, taken), "or")
        return f"is {names} by {self.reader}: writers of {self.writer} may send others"

    def bound(self, keyword: str, value: Any) -> str:
        """Another keyword that the reader holds values to."""
        phrase = _PHRASES.get(keyword, f"{keyword} {{}}").format(quote(value))
        return f"must {phrase} by {self.reader}: writers of {self.writer} need not keep to it"

    def undecided(self, what: str) -> str:
        """A keyword that cannot be compared."""
        return (
            f"{what} of {self.reader} cannot be compared with what {self.writer} says: "
            "treated as breaking"
        )

    def refused(self) -> str:
        """A field that the reader does not have."""
        return f"is sent by writers of {self.writer}, and {self.reader} refuses it"

    def others_refused(self) -> str:
        """Fields without a name that the reader does not have."""
        return f"{self.reader} refuses fields that it does not name: {self.writer} does not"

    def depends(self, name: str, trigger: str) -> str:
        """A field that the reader needs beside another."""
        return (
            f"is required by {self.reader} beside {trigger!r}: writers of {self.writer} need not "
            f"send {name!r}"
        )

    def assumed(self) -> str:
        """A field that only the reader speaks of."""
        return (
            f"is not named by {self.writer}: {self.reader} reads it as long as writers of "
            f"{self.writer} send none, or one that fits"
        )

    def no_branch(self) -> str:
        """Data that fits no alternative."""
        return f"fits none of the alternatives of {self.reader} as {self.writer} has it"


def _list(items: Iterable[str], word: str = "and") -> str:
    names = list(items)
    if len(names) > _MOST:
        names = [*names[:_MOST], f"{len(names) - _MOST} more"]
    if len(names) < 2:  # noqa: PLR2004 - one needs no comma
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
