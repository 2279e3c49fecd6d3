"""Equality: a bare value in the list, or ``{"exactly": "text"}``."""

from dataclasses import dataclass
from typing import ClassVar

from eventflow.patterns.addresses import Address, parse_address
from eventflow.patterns.comparable import is_number, number_key
from eventflow.patterns.faults import fault, show
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.wording import show_number

__all__ = [
    "ExactAddress",
    "ExactConstant",
    "ExactNumber",
    "ExactString",
    "read_bare",
    "read_exactly",
]


@dataclass(frozen=True, slots=True)
class ExactString:
    """The same text, character by character: case counts, nothing is normalised.

    Attributes:
        text: The text wanted.
    """

    operator: ClassVar[str] = "equals"
    text: str

    def matches(self, value: object) -> bool:
        """Tell whether *value* is the text."""
        return isinstance(value, str) and value == self.text

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return show(self.text)


@dataclass(frozen=True, slots=True)
class ExactAddress:
    """An IP address, however it is written: the service takes bare text for one if it can be.

    Attributes:
        text: The address as the pattern writes it.
        address: The address itself.
    """

    operator: ClassVar[str] = "equals"
    text: str
    address: Address

    def matches(self, value: object) -> bool:
        """Tell whether *value* is a text with the same address."""
        return isinstance(value, str) and parse_address(value) == self.address

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return show(self.text)


@dataclass(frozen=True, slots=True)
class ExactNumber:
    """The same number, by value: 300, 300.0 and 3.0e2 are one.

    Attributes:
        number: The number wanted, as `number_key` gives it.
    """

    operator: ClassVar[str] = "equals"
    number: float

    def matches(self, value: object) -> bool:
        """Tell whether *value* is the number."""
        return is_number(value) and number_key(value) == self.number

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return show_number(self.number)


@dataclass(frozen=True, slots=True)
class ExactConstant:
    """True, false or null themselves; never the texts, never 1 or 0.

    Attributes:
        constant: True, False or None.
    """

    operator: ClassVar[str] = "equals"
    constant: bool | None

    def matches(self, value: object) -> bool:
        """Tell whether *value* is the constant."""
        return value is self.constant

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return show(self.constant)


def read_bare(value: object, path: str) -> Operator:
    """Read a bare value of a field's list.

    Args:
        value: What stands in the list; not an object.
        path: Where it stands.

    Returns:
        The node for equality with it.

    Raises:
        PatternError: If it is a list.
    """
    if isinstance(value, str):
        address = parse_address(value)
        return ExactString(value) if address is None else ExactAddress(value, address)
    if is_number(value):
        return ExactNumber(number_key(value))
    if value is None or isinstance(value, bool):
        return ExactConstant(value)
    message = (
        f"a field's list holds strings, numbers, true, false, null and operators, not {show(value)}"
    )
    raise fault(path, message, "Match value must be String, number, true, false, or null")


def read_exactly(value: object, path: str) -> Operator:
    """Read the value of ``exactly``: text, and never taken for an IP address.

    Args:
        value: The value.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is not a string.
    """
    if not isinstance(value, str):
        message = f"exactly takes a string, not {show(value)}"
        raise fault(path, message, "exact match pattern must be a string")
    return ExactString(value)
