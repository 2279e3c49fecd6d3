"""``{"prefix": "text"}``: strings that begin so."""

from dataclasses import dataclass
from typing import ClassVar

from eventflow.patterns.faults import fault, show
from eventflow.patterns.operators.ignore_case import PrefixIgnoreCase, read_inner
from eventflow.patterns.operators.node import Operator

__all__ = ["Prefix", "read_prefix"]


@dataclass(frozen=True, slots=True)
class Prefix:
    """Text that begins with another.

    Attributes:
        text: The beginning; an empty one accepts every string.
    """

    operator: ClassVar[str] = "prefix"
    text: str

    def matches(self, value: object) -> bool:
        """Tell whether *value* is text that begins so."""
        return isinstance(value, str) and value.startswith(self.text)

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return f"text that begins with {show(self.text)}"


def read_prefix(value: object, path: str) -> Operator:
    """Read the value of ``prefix``: text, or ``{"equals-ignore-case": text}``.

    Args:
        value: The value.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is neither.
    """
    if isinstance(value, dict):
        return PrefixIgnoreCase(read_inner("prefix", value, path))
    if not isinstance(value, str):
        message = f"prefix takes a string, not {show(value)}"
        raise fault(path, message, "prefix match pattern must be a string")
    return Prefix(value)
