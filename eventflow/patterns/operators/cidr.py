"""``{"cidr": "10.0.0.0/24"}``: strings that are an IP address of a network."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from eventflow.patterns.addresses import parse_address
from eventflow.patterns.faults import clip, fault, show
from eventflow.patterns.operators.node import Operator

__all__ = ["Cidr", "read_cidr"]

_IPV4 = 4
_BITS = {4: 32, 6: 128}
_MOST_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Cidr:
    """An address of a network.

    Attributes:
        version: 4 or 6.
        first: The network's lowest address, as a number.
        last: The highest.
    """

    operator: ClassVar[str] = "cidr"
    version: int
    first: int
    last: int

    def matches(self, value: object) -> bool:
        """Tell whether *value* is the text of an address in the network."""
        address = parse_address(value) if isinstance(value, str) else None
        return (
            address is not None
            and address[0] == self.version
            and self.first <= address[1] <= self.last
        )

    @property
    def text(self) -> str:
        """The network as a pattern writes it."""
        bits = _BITS[self.version] - (self.last - self.first).bit_length()
        address = IPv4Address(self.first) if self.version == _IPV4 else IPv6Address(self.first)
        return f"{address}/{bits}"

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return f"an IP address in {self.text}"


def read_cidr(value: object, path: str) -> Operator:
    """Read the value of ``cidr``: an address and the number of its leading bits that count.

    Args:
        value: The value.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is anything else.
    """
    if not isinstance(value, str):
        message = f"cidr takes a string as 10.0.0.0/24, not {show(value)}"
        # The service says "prefix" here, and means cidr.
        raise fault(path, message, "prefix match pattern must be a string")
    text, slash, mask = value.partition("/")
    if not slash or not mask or "/" in mask:
        message = f"cidr takes an address, a slash and a number of bits, not {show(value)}"
        raise fault(path, message, "Malformed CIDR, one '/' required")
    bits = _read_bits(mask, value, path)
    address = parse_address(text)
    if address is None:
        message = f"cidr takes an IPv4 or IPv6 address, not {show(text)}"
        raise fault(path, message, f"Nonstandard IP address: {clip(text)}")
    version, number = address
    size = _BITS[version]
    if bits >= size:
        message = f"cidr takes at most {size - 1} bits for IPv{version}, not {bits}"
        hint = "; write a single address bare, without cidr"
        raise fault(path, message + hint, f"IPv{version} mask bits must be < {size}")
    free = (1 << (size - bits)) - 1
    return Cidr(version, number & ~free, number | free)


def _read_bits(mask: str, value: str, path: str) -> int:
    digits = mask.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        message = f"cidr takes a whole number of bits after the slash, not {show(value)}"
        raise fault(path, message, "Malformed CIDR, mask bits must be an integer")
    if mask.startswith("-"):
        message = f"cidr takes a number of bits from 0, not {show(value)}"
        raise fault(path, message, "Malformed CIDR, mask bits must not be negative")
    # Beyond a few digits the number is too large anyway, and reading it could take long.
    return int(digits.lstrip("0")[: _MOST_DIGITS + 1] or "0")
