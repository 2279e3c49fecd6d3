"""What the index finds: the names of patterns that match, and alternatives that may."""

from eventflow.patterns.tree import Branch

__all__ = ["Candidate", "Hit"]


class Candidate:
    """An alternative of which one condition is met, to be laid over the event. It never changes.

    Attributes:
        name: The pattern's name.
        tree: The alternative as a tree.
    """

    __slots__ = ("name", "tree")

    def __init__(self, name: str, tree: Branch) -> None:
        self.name = name
        self.tree = tree


Hit = str | Candidate
"""A pattern's name where the condition found is all that it asks, else the candidate."""
