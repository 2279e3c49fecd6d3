"""``{"suffix": "text"}``: strings that end so."""

from dataclasses import dataclass
from typing import ClassVar

from eventflow.patterns.faults import fault, show
from eventflow.patterns.operators.ignore_case import SuffixIgnoreCase, read_inner
from eventflow.patterns.operators.node import Operator

__all__ = ["Suffix", "read_suffix"]


@dataclass(frozen=True, slots=True)
class Suffix:
    """Text that ends with another.

    Attributes:
        text: The end; an empty one accepts every string.
    """

    operator: ClassVar[str] = "suffix"
    text: str

    def matches(self, value: object) -> bool:
        """Tell whether *value* is text that ends so."""
        return isinstance(value, str) and value.endswith(self.text)

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return f"text that ends with {show(self.text)}"


def read_suffix(value: object, path: str) -> Operator:
    """Read the value of ``suffix``: text, or ``{"equals-ignore-case": text}``.

    Args:
        value: The value.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is neither.
    """
    if isinstance(value, dict):
        return SuffixIgnoreCase(read_inner("suffix", value, path))
    if not isinstance(value, str):
        message = f"suffix takes a string, not {show(value)}"
        raise fault(path, message, "suffix match pattern must be a string")
    return Suffix(value)
