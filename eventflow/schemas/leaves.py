"""What a schema lets stand at one place: kinds of values, the values themselves, bounds."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs

from eventflow.schemas.branches import Branch, Node

__all__ = ["LeafShape", "fits_text_pattern", "leaf_shape", "same_values"]

_KINDS = ("string", "number", "boolean", "null")
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class LeafShape:
    """What a value that is no object and no array may be; what is not said is not bounded.

    Attributes:
        kinds: Of `string`, `number`, `boolean` and `null`, those that fit.
        whole: Whether a number must be an integer.
        low: The least number; minus infinity for none.
        low_included: Whether it fits itself.
        high: The greatest number; infinity for none.
        high_included: Whether it fits itself.
        shortest: The fewest characters of a string.
        longest: The most; None for no bound.
        patterns: Regular expressions that a string must fit.
        values: The only values that fit; None where any do that are as above.
    """

    kinds: frozenset[str]
    whole: bool = False
    low: float = -math.inf
    low_included: bool = True
    high: float = math.inf
    high_included: bool = True
    shortest: int = 0
    longest: int | None = None
    patterns: tuple[str, ...] = ()
    values: tuple[Any, ...] | None = None  # Any: JSON's leaves

    def fits_text(self, text: str) -> bool:
        """Tell whether a string may stand here, as far as can be told."""
        return (
            "string" in self.kinds
            and self.shortest <= len(text)
            and (self.longest is None or len(text) <= self.longest)
            and all(fits_text_pattern(pattern, text) for pattern in self.patterns)
        )

    def fits_number(self, number: float) -> bool:
        """Tell whether a number may stand here, as far as can be told."""
        broken = number % 1 != 0  # of every kind of number, however large
        if "number" not in self.kinds or (self.whole and broken):
            return False
        above = number >= self.low if self.low_included else number > self.low
        return above and (number <= self.high if self.high_included else number < self.high)

    def _fits(self, value: Any) -> bool:
        if isinstance(value, str):
            return self.fits_text(value)
        if value is None or isinstance(value, bool):
            return ("null" if value is None else "boolean") in self.kinds
        return self.fits_number(value)

    def narrowed(self, values: Iterable[Any]) -> "LeafShape":
        """Return the same with these values as the only ones, less those that do not fit."""
        kept = tuple(value for value in values if self._fits(value))
        kinds = self.kinds & {_kind(value) for value in kept}
        return LeafShape(kinds=frozenset(kinds), values=kept)


def leaf_shape(branch: Branch) -> LeafShape:
    """Return what one way of fitting a schema lets stand here beside objects and arrays."""
    lows, highs = list(_bounds(branch, "inimum")), list(_bounds(branch, "aximum"))
    low, low_excluded = max(lows, default=(-math.inf, False))
    high, high_included = min(
        ((number, not excluded) for number, excluded in highs), default=(math.inf, True)
    )
    shape = LeafShape(
        kinds=frozenset(kind for kind in _KINDS if all(_lets(node, kind) for node in branch)),
        whole=any(not node.takes("number") for node in branch),
        low=low,
        low_included=not low_excluded,
        high=high,
        high_included=high_included,
        shortest=max(_lengths(branch, "minLength"), default=0),
        longest=min(_lengths(branch, "maxLength"), default=None),
        patterns=tuple(
            node.schema["pattern"] for node in branch if isinstance(node.schema.get("pattern"), str)
        ),
    )
    named = [values for node in branch if (values := node.values()) is not None]
    if not named:
        return shape
    first, *others = named
    return shape.narrowed(
        value
        for value in first
        if not isinstance(value, dict | list) and all(same_values(value, each) for each in others)
    )


def same_values(value: Any, among: Iterable[Any]) -> bool:
    """Tell whether a leaf is one of some values, as JSON compares them: 1 is 1.0 and never true."""
    return any(_kind(value) == _kind(each) and value == each for each in among)


@lru_cache(maxsize=2048)
def fits_text_pattern(pattern: str, text: str) -> bool:
    """Tell whether a text fits a schema's regular expression; True where it cannot be told."""
    try:
        return jsonschema_rs.validator_for({"pattern": pattern}).is_valid(text)
    except ValueError:  # none that the validator reads, or one that is too slow for it
        return True


def _lets(node: Node, kind: str) -> bool:
    return node.takes(kind) or (kind == "number" and node.takes("integer"))


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if isinstance(value, int | float) else "other"


def _bounds(branch: Branch, word: str) -> Iterator[tuple[float, bool]]:
    """Yield each bound, and whether it is excluded itself."""
    for node in branch:
        plain = node.schema.get(f"m{word}")
        excluded = node.schema.get(f"exclusiveM{word}")
        if _is_bound(plain):
            yield plain, excluded is True  # draft-04's form
        if _is_bound(excluded):
            yield excluded, True


def _is_bound(value: Any) -> bool:
    # Beyond the integers that doubles have, a comparison would not be certain.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _EXACT


def _lengths(branch: Branch, keyword: str) -> Iterator[int]:
    for node in branch:
        value = node.schema.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield int(value)
