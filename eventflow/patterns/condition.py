"""What a pattern asks of one field: its name and the operators, of which one must accept."""

from dataclasses import dataclass, field

from eventflow.patterns.addresses import Address, parse_address
from eventflow.patterns.comparable import is_number, number_key
from eventflow.patterns.operators.exact import ExactAddress, ExactNumber, ExactString
from eventflow.patterns.operators.exists import Exists
from eventflow.patterns.operators.node import Operator

__all__ = ["Condition"]


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
        absences = sum(node == Exists(wanted=False) for node in self.operators)
        strings = {node.text for node in self.operators if isinstance(node, ExactString)}
        numbers = {node.number for node in self.operators if isinstance(node, ExactNumber)}
        addresses = {node.address for node in self.operators if isinstance(node, ExactAddress)}
        by_look_up = ExactString | ExactNumber | ExactAddress
        others = tuple(node for node in self.operators if not isinstance(node, by_look_up))
        object.__setattr__(self, "may_be_absent", absences > 0)
        object.__setattr__(self, "may_be_present", absences < len(self.operators))
        object.__setattr__(self, "_strings", frozenset(strings))
        object.__setattr__(self, "_numbers", frozenset(numbers))
        object.__setattr__(self, "_addresses", frozenset(addresses))
        object.__setattr__(self, "_others", others)

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
