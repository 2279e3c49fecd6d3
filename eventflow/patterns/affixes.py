"""Beginnings and ends of texts, in one dict for each length."""

from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["beginnings", "by_length", "ends"]

_T = TypeVar("_T")


def beginnings(
    filed: Iterable[tuple[str, _T]], *, any_case: bool = False
) -> Callable[[str, set[_T]], None]:
    """Make a look-up by the beginnings of texts.

    Args:
        filed: Each beginning, with what is filed under it.
        any_case: Whether case is of no matter; the beginnings are ASCII then, and in lower case.

    Returns:
        What takes a text, and puts all that is filed under a beginning of it into a set.
    """
    tables = by_length(filed)

    def find(text: str, found: set[_T]) -> None:
        for length, table in tables:
            here = table.get(text[:length])
            if here:
                found.update(here)

    def find_in_any_case(text: str, found: set[_T]) -> None:
        for length, table in tables:
            part = text[:length]
            # The Kelvin sign lowers to "k": beyond ASCII nothing is equal to ASCII.
            here = table.get(part.lower()) if part.isascii() else None
            if here:
                found.update(here)

    return find_in_any_case if any_case else find


def ends(
    filed: Iterable[tuple[str, _T]], *, any_case: bool = False
) -> Callable[[str, set[_T]], None]:
    """Make a look-up by the ends of texts.

    Args:
        filed: Each end, none of them empty, with what is filed under it.
        any_case: Whether case is of no matter; the ends are ASCII then, and in lower case.

    Returns:
        What takes a text, and puts all that is filed under an end of it into a set.
    """
    tables = by_length(filed)

    def find(text: str, found: set[_T]) -> None:
        for length, table in tables:
            here = table.get(text[-length:])
            if here:
                found.update(here)

    def find_in_any_case(text: str, found: set[_T]) -> None:
        for length, table in tables:
            part = text[-length:]
            here = table.get(part.lower()) if part.isascii() else None
            if here:
                found.update(here)

    return find_in_any_case if any_case else find


def by_length(filed: Iterable[tuple[str, _T]]) -> list[tuple[int, dict[str, list[_T]]]]:
    """Sort what is filed under texts by their lengths.

    Args:
        filed: Each text, with what is filed under it.

    Returns:
        For each length, what is filed under the texts that have it.
    """
    tables: dict[int, dict[str, list[_T]]] = {}
    for text, what in filed:
        tables.setdefault(len(text), {}).setdefault(text, []).append(what)
    return list(tables.items())
