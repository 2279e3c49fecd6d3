"""What the checks of single keywords may ask of the comparison that calls them."""

from typing import Protocol

from eventflow.schemas.inclusion.difference import Difference
from eventflow.schemas.inclusion.facts import Written
from eventflow.schemas.inclusion.node import Node
from eventflow.schemas.inclusion.wording import Wording

__all__ = ["Comparison"]


class Comparison(Protocol):
    """The comparison in progress.

    Attributes:
        words: How differences are said.
    """

    words: Wording

    def check(self, written: Written, reader: Node, path: str) -> list[Difference]:
        """Compare one part."""

    def is_same(self, written: Written, reader: Node) -> bool:
        """Tell whether one of the writer's schemas is the reader's."""

    def is_within(self, branch: Node, refused: Node) -> bool:
        """Tell whether what a part of the reader's accepts, a part of the writer's does, surely."""

    def undecided(self, path: str, what: str) -> Difference:
        """Return the difference that says what cannot be compared."""
