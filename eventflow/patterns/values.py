"""All that many patterns ask of one field, by value: which of them accept this leaf?

Equality is a dict; beginnings and ends a dict for each length; ranges and networks a tree. What
has no key is put behind as cheap a test as there is, and asked one by one.
"""

from collections.abc import Callable, Iterable

from eventflow.patterns.addresses import Address, parse_address
from eventflow.patterns.affixes import Affixes
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
        simple: Whether equal text finds all that any text can.
    """

    __slots__ = (
        "_constants",
        "_every",
        "_excluded",
        "_excluding",
        "_look_ups",
        "_numbers",
        "_ranges",
        "_tests",
        "simple",
        "texts",
    )

    def __init__(self, filings: Iterable[Filing]) -> None:
        sorter = _Sorter(filings)
        self.texts = sorter.texts
        self._look_ups = tuple(sorter.text_look_ups())
        self._numbers = sorter.numbers
        self._constants = sorter.constants
        self._ranges = Intervals(sorter.ranges) if sorter.ranges else None
        self._tests = tuple(sorter.tests)
        self._every = tuple(sorter.every)
        self._excluding = frozenset(sorter.excluding)
        self._excluded = Values(sorter.excluded) if sorter.excluded else None
        self.simple = not (self._look_ups or self._every or self._excluding or self._tests)

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
            for look_up in self._look_ups:
                look_up(value, found)
        elif is_number(value):
            self._find_number(value, found)
        elif value is None or isinstance(value, bool):
            found.update(self._constants.get(value, ()))
        if self._every:
            found.update(self._every)
        if self._excluding:
            self._find_not_excluded(value, found)
        for operator, hit in self._tests:
            if operator.matches(value):
                found.add(hit)

    def _find_number(self, value: float, found: set[Hit]) -> None:
        here = self._numbers.get(number_key(value))
        if here:
            found.update(here)
        if self._ranges is not None:
            number = comparable(value)
            if number is not None:
                self._ranges.find(number, found)

    def _find_not_excluded(self, value: object, found: set[Hit]) -> None:
        excluded: set[Hit] = set()
        if self._excluded is not None:
            self._excluded.find(value, excluded)
        found.update(self._excluding - excluded if excluded else self._excluding)


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
            yield Affixes(filed, at_end=at_end, any_case=any_case).find
        for at_end, tested in self._tested_affixes.items():
            yield _Tested(Affixes(tested, at_end=at_end)).find
        if self._lowered:
            yield _Lowered(self._lowered).find
        if self._folded:
            yield _Folded(self._folded).find
        if self._addresses or self._networks:
            yield _Addresses(self._addresses, self._networks).find

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
                self._file_affix(text, hit, at_end=False)
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


class _Tested:
    """Beginnings or ends that have a test behind them."""

    __slots__ = ("_affixes",)

    def __init__(self, affixes: Affixes[Filing]) -> None:
        self._affixes = affixes

    def find(self, text: str, found: set[Hit]) -> None:
        tested: set[Filing] = set()
        self._affixes.find(text, tested)
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
