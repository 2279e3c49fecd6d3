"""Beginnings and ends of texts, in one dict for each length."""

from collections.abc import Iterable
from typing import Generic, TypeVar

__all__ = ["Affixes"]

_T = TypeVar("_T")


class Affixes(Generic[_T]):
    """What is filed under the beginnings of texts, or under their ends.

    Args:
        filed: Each beginning or end with what is filed under it. No end is empty.
        at_end: Whether they are ends.
        any_case: Whether case is of no matter; they are ASCII, and in lower case, then.
    """

    __slots__ = ("_any_case", "_at_end", "_tables")

    def __init__(
        self, filed: Iterable[tuple[str, _T]], *, at_end: bool = False, any_case: bool = False
    ) -> None:
        tables: dict[int, dict[str, list[_T]]] = {}
        for text, what in filed:
            tables.setdefault(len(text), {}).setdefault(text, []).append(what)
        self._tables = tuple(sorted(tables.items()))
        self._at_end = at_end
        self._any_case = any_case

    def find(self, text: str, found: set[_T]) -> None:
        """Find what is filed under a beginning, or an end, of a text.

        Args:
            text: The text.
            found: Where it is put.
        """
        size = len(text)
        for length, table in self._tables:
            if length > size:
                break
            part = text[size - length :] if self._at_end else text[:length]
            if self._any_case:
                # The Kelvin sign lowers to "k": beyond ASCII nothing is equal to ASCII.
                if not part.isascii():
                    continue
                part = part.lower()
            here = table.get(part)
            if here:
                found.update(here)
