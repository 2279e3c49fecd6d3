"""What every operator is: a test of one leaf value."""

from typing import ClassVar, Protocol

__all__ = ["Operator"]


class Operator(Protocol):
    """One test that a pattern puts to a leaf value of an event.

    Nodes are frozen: they are made once, when the pattern is read, and are shared by threads.
    Equal nodes accept the same values.

    Attributes:
        operator: The operator's name as in the table, such as ``prefix``.
    """

    operator: ClassVar[str]

    def matches(self, value: object) -> bool:
        """Tell whether the test accepts *value*.

        Args:
            value: A leaf: a string, a number, true, false or null. Whatever else an event may
                hold is no error, it is just none of these.
        """
        ...

    def describe(self) -> str:
        """Return what the test wants, in words that end no sentence: ``text like "a*"``."""
        ...
