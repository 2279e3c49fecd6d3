"""What the index finds: the names of patterns that match, and alternatives that may."""

from eventflow.patterns.pattern import Pattern
from eventflow.patterns.tree import Branch

__all__ = ["Candidate", "Hit"]


class Candidate:
    """An alternative of which one condition is met, to be laid over the event. It never changes.

    Attributes:
        name: The pattern's name.
        pattern: The pattern.
        index: Which of its alternatives.
    """

    __slots__ = ("index", "name", "pattern")

    def __init__(self, name: str, pattern: Pattern, index: int = 0) -> None:
        self.name = name
        self.pattern = pattern
        self.index = index

    @property
    def tree(self) -> Branch:
        """The alternative as a tree; grown when it is first asked for."""
        return self.pattern.trees[self.index]

    def copy(self) -> "Candidate":
        """Return another candidate for the same alternative."""
        return Candidate(self.name, self.pattern, self.index)


Hit = str | Candidate
"""A pattern's name where the condition found is all that it asks, else the candidate."""
