"""What a pattern asks of one field: its name and the operators, of which one must accept."""

from dataclasses import dataclass, field
from typing import Never

from eventflow.patterns.addresses import Address, parse_address
from eventflow.patterns.comparable import is_number, number_key
from eventflow.patterns.operators.exact import ExactAddress, ExactNumber, ExactString
from eventflow.patterns.operators.exists import Exists
from eventflow.patterns.operators.node import Operator

__all__ = ["Condition"]

_NONE: frozenset[Never] = frozenset()
_put = object.__setattr__
_SORTED = ("_strings", "_numbers", "_addresses", "_others")


@dataclass(frozen=True, slots=True)
class Condition:
    """One field and its tests.

    Attributes:
        path: The field's name from the event's root, as ``detail.door.kind``.
        operators: The tests in the pattern's order; at least one.
        may_be_absent: Whether the field may have no leaf: one test is ``{"exists": false}``.
        may_be_present: Whether any leaf could be accepted: one test is another.
    """

    path: str
    operators: tuple[Operator, ...]
    may_be_absent: bool = field(init=False, compare=False)
    may_be_present: bool = field(init=False, compare=False)
    # Equality is one look-up, however many values a list has.
    _strings: frozenset[str] = field(init=False, repr=False, compare=False)
    _numbers: frozenset[float] = field(init=False, repr=False, compare=False)
    _addresses: frozenset[Address] = field(init=False, repr=False, compare=False)
    _others: tuple[Operator, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        absences = 0
        for node in self.operators:
            absences += type(node) is Exists and not node.wanted
        _put(self, "may_be_absent", absences > 0)
        _put(self, "may_be_present", absences < len(self.operators))

    def __getattr__(self, name: str) -> object:
        # Sorted when first asked for: most conditions of a large set never meet an event.
        if name not in _SORTED:
            raise AttributeError(name, name=name, obj=self)
        self._sort()
        return getattr(self, name)

    def _sort(self) -> None:
        strings: set[str] = set()
        numbers: set[float] = set()
        addresses: set[Address] = set()
        others: list[Operator] = []
        for node in self.operators:
            if isinstance(node, ExactString):
                strings.add(node.text)
            elif isinstance(node, ExactNumber):
                numbers.add(node.number)
            elif isinstance(node, ExactAddress):
                addresses.add(node.address)
            else:
                others.append(node)
        _put(self, "_strings", frozenset(strings) if strings else _NONE)
        _put(self, "_numbers", frozenset(numbers) if numbers else _NONE)
        _put(self, "_addresses", frozenset(addresses) if addresses else _NONE)
        _put(self, "_others", tuple(others))

    def accepts(self, value: object) -> bool:
        """Tell whether a test accepts a leaf.

        Args:
            value: A leaf of the field.

        Returns:
            True when one of the operators matches it.
        """
        if isinstance(value, str):
            if value in self._strings:
                return True
            if self._addresses and parse_address(value) in self._addresses:
                return True
        elif self._numbers and is_number(value) and number_key(value) in self._numbers:
            return True
        return any(node.matches(value) for node in self._others)
