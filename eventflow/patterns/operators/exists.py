"""``{"exists": true}``: the field has a leaf value, or has none."""

from dataclasses import dataclass
from typing import ClassVar

from eventflow.patterns.faults import fault, show
from eventflow.patterns.operators.node import Operator

__all__ = ["Exists", "read_exists"]


@dataclass(frozen=True, slots=True)
class Exists:
    """A leaf, whatever it is: null and the empty text are leaves; objects and ``[]`` are not.

    Attributes:
        wanted: True when the field must have a leaf, False when it must have none.
    """

    operator: ClassVar[str] = "exists"
    wanted: bool

    def matches(self, value: object) -> bool:  # noqa: ARG002 - a value is there; which, is no matter
        """Tell whether a leaf is what is wanted."""
        return self.wanted

    def describe(self) -> str:
        """Return what is wanted, in words."""
        return "any value" if self.wanted else "no value: the field absent"


def read_exists(value: object, path: str) -> Operator:
    """Read the value of ``exists``: true or false.

    Args:
        value: The value.
        path: Where its expression stands.

    Returns:
        The node.

    Raises:
        PatternError: If it is neither.
    """
    if not isinstance(value, bool):
        message = f"exists takes true or false, not {show(value)}"
        raise fault(path, message, "exists match pattern must be either true or false.")
    return Exists(value)
