"""Compatibility modes: what a new version must keep, and whom it breaks where it does not.

The modes are those of Confluent's schema registry ("Schema Evolution and Compatibility"): backward
means that who reads by the new version reads what was written by the one before, forward that who
reads by the one before reads what is written by the new one, full means both; the transitive ones
ask it of every earlier version. Like its lenient policy, fields that an open schema does not name
count as not sent; each such case is told as an assumption.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from eventflow.schemas.document import Compatibility, SchemaDocument, Status
from eventflow.schemas.inclusion import (
    Difference,
    Inclusion,
    Node,
    Verdict,
    identical,
)
from eventflow.schemas.repository import Repository

__all__ = [
    "Breach",
    "Direction",
    "compare",
    "compared_with",
    "directions",
    "is_reworded",
    "mode_of",
]


class Direction(StrEnum):
    """Who reads what."""

    BACKWARD = "backward"
    """Who reads by the new version reads data of the old one."""
    FORWARD = "forward"
    """Who reads by the old version reads data of the new one."""


_DIRECTIONS = {
    Compatibility.NONE: (),
    Compatibility.BACKWARD: (Direction.BACKWARD,),
    Compatibility.BACKWARD_TRANSITIVE: (Direction.BACKWARD,),
    Compatibility.FORWARD: (Direction.FORWARD,),
    Compatibility.FORWARD_TRANSITIVE: (Direction.FORWARD,),
    Compatibility.FULL: (Direction.BACKWARD, Direction.FORWARD),
    Compatibility.FULL_TRANSITIVE: (Direction.BACKWARD, Direction.FORWARD),
}


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing of which a reader by one version may not take what a writer by another sends.

    Attributes:
        old: The earlier version.
        new: The later one.
        direction: Who reads what.
        difference: What it is.
    """

    old: SchemaDocument
    new: SchemaDocument
    direction: Direction
    difference: Difference

    @property
    def is_hard(self) -> bool:
        """Whether it counts as breaking: all that is not merely assumed."""
        return self.difference.verdict is not Verdict.ASSUMED

    @property
    def reader(self) -> SchemaDocument:
        """The version that is read by, which is the one that breaks."""
        return self.new if self.direction is Direction.BACKWARD else self.old

    @property
    def fields(self) -> tuple[str, ...]:
        """The field's names from the event's top by EventBridge's names, arrays passed over."""
        names = self.difference.path.replace("[]", "").split(".")
        plain = [name.partition("[")[0] for name in names if name != "*"]
        return ("detail", *plain[1:])


def directions(mode: Compatibility) -> tuple[Direction, ...]:
    """Return what a mode asks for."""
    return _DIRECTIONS[mode]


def mode_of(repository: Repository, document: SchemaDocument) -> Compatibility:
    """Return the mode that a version is held to: its own, or the repository's."""
    own = document.compatibility
    return own if own is not None else repository.policy.compatibility


def compared_with(
    document: SchemaDocument, versions: Sequence[SchemaDocument], mode: Compatibility
) -> list[SchemaDocument]:
    """Return the earlier versions that a mode holds a version against, the last one first.

    Those of its major version that are no drafts: all for a transitive mode, else the last.

    Args:
        document: The version.
        versions: Every version of the type, in any order.
        mode: The mode.
    """
    own = document.name.version
    earlier = [
        item
        for item in versions
        if item.name.version.major == own.major
        and item.name.version < own
        and item.status is not Status.DRAFT
    ]
    earlier.sort(key=lambda item: item.name.version, reverse=True)
    if mode is Compatibility.NONE:
        return []
    return earlier if mode.value.endswith("_transitive") else earlier[:1]


def compare(
    old: SchemaDocument, new: SchemaDocument, asked: Sequence[Direction]
) -> Iterator[Breach]:
    """Yield what differs between two versions, in the directions that are asked for."""
    for direction in asked:
        writer, reader = (old, new) if direction is Direction.BACKWARD else (new, old)
        inclusion = Inclusion(writer=str(writer.name.version), reader=str(reader.name.version))
        for difference in inclusion.differences(_node(writer), _node(reader)):
            yield Breach(old, new, direction, difference)


def is_reworded(old: SchemaDocument, new: SchemaDocument) -> bool:
    """Tell whether nothing differs but words: titles, descriptions, examples, layout."""
    return identical(_node(old), _node(new))


def _node(document: SchemaDocument) -> Node:
    return Node.whole(document.whole, document.dialect)
