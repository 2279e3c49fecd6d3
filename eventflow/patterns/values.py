"""All that many patterns ask of one field, by value: which of them accept this leaf?

Equality is a dict; beginnings and ends a dict for each length; ranges and networks a tree. What
has no key is put behind as cheap a test as there is, and asked one by one.
"""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import cast

from eventflow.patterns.addresses import Address, parse_address
from eventflow.patterns.affixes import beginnings, by_length, ends
from eventflow.patterns.comparable import comparable, is_number, number_key
from eventflow.patterns.hits import Hit
from eventflow.patterns.intervals import Intervals
from eventflow.patterns.operators.anything_but import AnythingBut
from eventflow.patterns.operators.cidr import Cidr
from eventflow.patterns.operators.exact import (
    ExactAddress,
    ExactConstant,
    ExactNumber,
    ExactString,
)
from eventflow.patterns.operators.exists import Exists
from eventflow.patterns.operators.ignore_case import (
    AnyCase,
    EqualsIgnoreCase,
    PrefixIgnoreCase,
    SuffixIgnoreCase,
)
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.numeric import Numeric
from eventflow.patterns.operators.prefix import Prefix
from eventflow.patterns.operators.suffix import Suffix
from eventflow.patterns.operators.wildcard import Wildcard

__all__ = ["Filing", "Values"]

Filing = tuple[Operator, Hit]
"""A test, and what is found when it accepts a leaf."""

_Texts = dict[str, list[Hit]]


class Values:
    """The tests of one field, by value. It never changes.

    Args:
        filings: The tests. A hit that stands behind an ``anything-but`` has one of them alone.

    Attributes:
        texts: What equal text finds.
        prefixes: What a text finds by its first characters, for each number of them.
        look_ups: What else a text is looked up with.
    """

    __slots__ = (
        *("_constants", "_everywhere", "_numbers", "_ranges"),
        *("look_ups", "prefixes", "texts"),
    )

    def __init__(self, filings: Iterable[Filing]) -> None:
        sorter = _Sorter(filings)
        self.texts = sorter.texts
        self.prefixes = tuple(by_length(sorter.prefixes))
        self._everywhere = tuple(sorter.look_ups())
        self.look_ups = (*sorter.text_look_ups(), *self._everywhere)
        self._numbers = sorter.numbers
        self._constants = sorter.constants
        self._ranges = Intervals(sorter.ranges) if sorter.ranges else None

    def find(self, value: object, found: set[Hit]) -> None:
        """Find the tests that accept a leaf.

        Args:
            value: The leaf.
            found: Where the hits are put.
        """
        if isinstance(value, str):
            here = self.texts.get(value)
            if here:
                found.update(here)
            for length, table in self.prefixes:
                found.update(table.get(value[:length], ()))
            for look_up in self.look_ups:
                look_up(value, found)
            return
        if is_number(value):
            here = self._numbers.get(number_key(value))
            if here:
                found.update(here)
            number = comparable(value) if self._ranges is not None else None
            if number is not None and self._ranges is not None:
                self._ranges.find(number, found)
        elif value is None or isinstance(value, bool):
            found.update(self._constants.get(value, ()))
        for look_up_any in self._everywhere:
            look_up_any(value, found)

    def find_any(self, values: list[object], found: set[Hit]) -> None:
        """Find the tests that accept any of some leaves.

        Args:
            values: The leaves; at least one.
            found: Where the hits are put.
        """
        if not self._everywhere and set(map(type, values)) == {float}:
            numbers = cast("list[float]", values)
            # Not so when one of them is no number, or infinite; rarely when they are huge.
            if isfinite(sum(numbers)):
                for number in self._numbers.keys() & numbers:
                    found.update(self._numbers[number])
                if self._ranges is not None:
                    self._ranges.find_any(numbers, found)
                return
        for value in values:
            self.find(value, found)


class _Sorter:
    """Sorts tests by what they can be looked up with."""

    def __init__(self, filings: Iterable[Filing]) -> None:
        self.texts: _Texts = {}
        self.numbers: dict[float, list[Hit]] = {}
        self.constants: dict[bool | None, list[Hit]] = {}
        self.ranges: list[tuple[float, bool, float, bool, Hit]] = []
        self.every: list[Hit] = []
        self.tests: list[Filing] = []
        self.excluding: list[Hit] = []
        self.excluded: list[Filing] = []
        self.prefixes: list[tuple[str, Hit]] = []
        self._addresses: dict[Address, list[Hit]] = {}
        self._networks: list[tuple[Address, bool, Address, bool, Hit]] = []
        self._lowered: _Texts = {}
        self._folded: dict[str, list[Filing]] = {}
        # By whether case matters, and whether it is the end that is asked for.
        self._affixes: dict[tuple[bool, bool], list[tuple[str, Hit]]] = {}
        self._tested_affixes: dict[bool, list[tuple[str, Filing]]] = {}
        for operator, hit in filings:
            self._file(operator, hit)

    def text_look_ups(self) -> Iterable[Callable[[str, set[Hit]], None]]:
        """Make the look-ups that are needed for a text, beside equality."""
        for (any_case, at_end), filed in self._affixes.items():
            yield (ends if at_end else beginnings)(filed, any_case=any_case)
        for at_end, tested in self._tested_affixes.items():
            yield _Tested((ends if at_end else beginnings)(tested)).find
        if self._lowered:
            yield _Lowered(self._lowered).find
        if self._folded:
            yield _Folded(self._folded).find
        if self._addresses or self._networks:
            yield _Addresses(self._addresses, self._networks).find

    def look_ups(self) -> Iterable[Callable[[object, set[Hit]], None]]:
        """Make the look-ups that are needed for every leaf."""
        if self.every:
            yield _Every(self.every).find
        if self.excluding:
            yield _Excluding(self.excluding, Values(self.excluded)).find
        if self.tests:
            yield _Tests(self.tests).find

    def _file(self, operator: Operator, hit: Hit) -> None:
        match operator:
            case ExactString(text=text) | Wildcard(parts=(text,)):
                self.texts.setdefault(text, []).append(hit)
            case ExactNumber(number=number):
                self.numbers.setdefault(number, []).append(hit)
            case ExactConstant(constant=constant):
                self.constants.setdefault(constant, []).append(hit)
            case ExactAddress(address=address):
                self._addresses.setdefault(address, []).append(hit)
            case Exists():
                # An absence accepts no leaf, and is looked for elsewhere.
                self.every += [hit] if operator.wanted else []
            case Numeric():
                self._file_numeric(operator, hit)
            case Cidr(version=version, first=first, last=last):
                self._networks.append(((version, first), True, (version, last), True, hit))
            case AnythingBut():
                self._file_exclusion(operator, hit)
            case _:
                self._file_text_test(operator, hit)

    def _file_numeric(self, operator: Numeric, hit: Hit) -> None:
        if operator.low == operator.high:
            self.numbers.setdefault(operator.low, []).append(hit)
            return
        low, high = (operator.low, operator.low_included), (operator.high, operator.high_included)
        self.ranges.append((*low, *high, hit))

    def _file_exclusion(self, operator: AnythingBut, hit: Hit) -> None:
        self.excluding.append(hit)
        self.excluded += [(ExactString(text), hit) for text in operator.strings]
        self.excluded += [(ExactNumber(number), hit) for number in operator.numbers]
        self.excluded += [(inner, hit) for inner in operator.operators]

    def _file_text_test(self, operator: Operator, hit: Hit) -> None:
        match operator:
            case Prefix(text=text) | Suffix(text="" as text):
                self.prefixes.append((text, hit))
            case Suffix(text=text):
                self._file_affix(text, hit, at_end=True)
            case EqualsIgnoreCase(text=AnyCase(text=text)) if text.isascii():
                self._lowered.setdefault(text.lower(), []).append(hit)
            case EqualsIgnoreCase(text=AnyCase(text=text)) if _folds_safely(text):
                self._folded.setdefault(text.casefold(), []).append((operator, hit))
            case PrefixIgnoreCase(text=AnyCase(text=text)) if text.isascii():
                self._file_affix(text.lower(), hit, at_end=False, any_case=True)
            case SuffixIgnoreCase(text=AnyCase(text=text)) if text and text.isascii():
                self._file_affix(text.lower(), hit, at_end=True, any_case=True)
            case Wildcard(parts=(first, *_, last)) if first or last:
                at_end = len(last) > len(first)
                tested = self._tested_affixes.setdefault(at_end, [])
                tested.append((last if at_end else first, (operator, hit)))
            case _:
                self.tests.append((operator, hit))

    def _file_affix(self, text: str, hit: Hit, *, at_end: bool, any_case: bool = False) -> None:
        self._affixes.setdefault((any_case, at_end), []).append((text, hit))


def _folds_safely(text: str) -> bool:
    # Every form that the operator accepts must have the pattern's key: not so with a dotless i.
    return all(
        letter.casefold() == letter.lower().casefold() == letter.upper().casefold()
        for letter in text
    )


class _Every:
    """What any leaf finds."""

    __slots__ = ("_hits",)

    def __init__(self, hits: list[Hit]) -> None:
        self._hits = tuple(hits)

    def find(self, _value: object, found: set[Hit]) -> None:
        found.update(self._hits)


class _Excluding:
    """What any leaf finds that is none of the excluded."""

    __slots__ = ("_excluded", "_hits")

    def __init__(self, hits: list[Hit], excluded: Values) -> None:
        self._hits = frozenset(hits)
        self._excluded = excluded

    def find(self, value: object, found: set[Hit]) -> None:
        excluded: set[Hit] = set()
        self._excluded.find(value, excluded)
        found.update(self._hits - excluded if excluded else self._hits)


class _Tests:
    """Tests that have no key."""

    __slots__ = ("_filings",)

    def __init__(self, filings: list[Filing]) -> None:
        self._filings = tuple(filings)

    def find(self, value: object, found: set[Hit]) -> None:
        for operator, hit in self._filings:
            if operator.matches(value):
                found.add(hit)


class _Tested:
    """Beginnings or ends that have a test behind them."""

    __slots__ = ("_look_up",)

    def __init__(self, look_up: Callable[[str, set[Filing]], None]) -> None:
        self._look_up = look_up

    def find(self, text: str, found: set[Hit]) -> None:
        tested: set[Filing] = set()
        self._look_up(text, tested)
        for operator, hit in tested:
            if operator.matches(text):
                found.add(hit)


class _Lowered:
    """ASCII in any case."""

    __slots__ = ("_texts",)

    def __init__(self, texts: _Texts) -> None:
        self._texts = texts

    def find(self, text: str, found: set[Hit]) -> None:
        if text.isascii():
            found.update(self._texts.get(text.lower(), ()))


class _Folded:
    """Other letters in any case: what folds alike may still differ."""

    __slots__ = ("_filings",)

    def __init__(self, filings: dict[str, list[Filing]]) -> None:
        self._filings = filings

    def find(self, text: str, found: set[Hit]) -> None:
        for operator, hit in self._filings.get(text.casefold(), ()):
            if operator.matches(text):
                found.add(hit)


class _Addresses:
    """IP addresses and the networks that they lie in."""

    __slots__ = ("_addresses", "_networks")

    def __init__(
        self,
        addresses: dict[Address, list[Hit]],
        networks: list[tuple[Address, bool, Address, bool, Hit]],
    ) -> None:
        self._addresses = addresses
        self._networks = Intervals(networks) if networks else None

    def find(self, text: str, found: set[Hit]) -> None:
        address = parse_address(text)
        if address is not None:
            found.update(self._addresses.get(address, ()))
            if self._networks is not None:
                self._networks.find(address, found)
