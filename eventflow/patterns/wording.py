"""How what a pattern wants is put into words."""

from collections.abc import Sequence

from eventflow.patterns.faults import show

__all__ = ["MOST_NAMED", "list_words", "show_number"]

MOST_NAMED = 6
"""The most things that one list of words names; of the others their number is said."""

_READABLE = 10**15


def list_words(words: Sequence[str], count: int | None = None) -> str:
    """Join *words* as in ``"a", "b" or "c"``, cut where they are many.

    Args:
        words: At least one.
        count: How many there are in all, where *words* are only the first of them.

    Returns:
        The list in words.
    """
    count = len(words) if count is None else count
    shown = list(words[:MOST_NAMED])
    if count > len(shown):
        shown.append(f"one of {count - len(shown):,} more")
    if len(shown) == 1:
        return shown[0]
    return f"{', '.join(shown[:-1])} or {shown[-1]}"


def show_number(value: float) -> str:
    """Return a number as people write it: ``300``, not ``300.0``."""
    if abs(value) < _READABLE and value == int(value):
        return show(int(value))
    return show(value)
