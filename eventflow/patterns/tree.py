"""The conditions of one alternative as a tree, by the names on the way to their fields."""

from collections.abc import Iterable

from eventflow.patterns.condition import Condition

__all__ = ["SEPARATOR", "Branch", "grow"]

SEPARATOR = "."
"""What stands between the names of a field's path."""


class Branch:
    """A field, or an object on the way to fields. Once grown, it never changes.

    Attributes:
        condition: What is asked of the field itself, if anything.
        children: The branches below, by name.
        optional: Whether all that is asked here and below may be absent.
        optional_below: Whether all that is asked below may be absent.
        absent_first: Of the fields below, in the service's order, those that may be absent, up to
            the first that may not: each with the names that lead to it from here.
    """

    __slots__ = ("absent_first", "children", "condition", "optional", "optional_below")

    def __init__(self) -> None:
        self.condition: Condition | None = None
        self.children: dict[str, Branch] = {}
        self.optional = False
        self.optional_below = False
        self.absent_first: list[tuple[Branch, tuple[str, ...]]] = []


def grow(conditions: Iterable[Condition]) -> Branch:
    """Grow the tree.

    Args:
        conditions: In the service's order, each on another field.

    Returns:
        The root, which stands for the event.
    """
    root = Branch()
    decided: set[Branch] = set()
    for condition in conditions:
        _plant(root, condition, decided)
    _mark_optional(root)
    return root


def _plant(root: Branch, condition: Condition, decided: set[Branch]) -> None:
    names = tuple(condition.path.split(SEPARATOR))
    way = [root]
    for name in names:
        way.append(way[-1].children.setdefault(name, Branch()))
    leaf = way.pop()
    leaf.condition = condition
    for index, branch in enumerate(way):
        if branch in decided:
            continue
        if condition.may_be_absent:
            branch.absent_first.append((leaf, names[index:]))
        else:
            decided.add(branch)


def _mark_optional(branch: Branch) -> None:
    for child in branch.children.values():
        _mark_optional(child)
    own = branch.condition is None or branch.condition.may_be_absent
    branch.optional_below = all(child.optional for child in branch.children.values())
    branch.optional = own and branch.optional_below
