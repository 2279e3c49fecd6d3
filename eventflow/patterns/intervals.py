"""Ranges of numbers or addresses: which of many hold a value?

A segment tree: the bounds cut the line into points and gaps, and each range is kept at a few
nodes that together cover its own. A look-up bisects, and climbs from the value's leaf to the root.
"""

from bisect import bisect_left, bisect_right
from typing import Generic, TypeVar

from eventflow.patterns.addresses import Address
from eventflow.patterns.hits import Hit

__all__ = ["Intervals"]

_Bound = TypeVar("_Bound", float, Address)


class Intervals(Generic[_Bound]):
    """Ranges with the hits that they stand for; never changed once in use.

    Args:
        ranges: Each range with its hit: lower bound, whether it belongs to the range, upper
            bound, whether that does.
    """

    __slots__ = ("_bounds", "_nodes", "_ranges", "_size")

    def __init__(self, ranges: list[tuple[_Bound, bool, _Bound, bool, Hit]]) -> None:
        self._ranges: list[tuple[_Bound, bool, _Bound, bool, Hit]] = ranges
        bounds = {low for low, *_ in ranges} | {high for _, _, high, _, _ in ranges}
        self._bounds: list[_Bound] = sorted(bounds)
        # Bound number i is slot 2 i + 1; the slots between are the gaps around the bounds.
        self._size = 2 * len(self._bounds) + 1
        slots = {bound: 2 * index + 1 for index, bound in enumerate(self._bounds)}
        nodes: list[tuple[Hit, ...] | list[Hit]] = [()] * (2 * self._size)
        for low, low_included, high, high_included, hit in ranges:
            left = slots[low] + (not low_included) + self._size
            right = slots[high] + high_included + self._size
            while left < right:
                if left & 1:
                    _put(nodes, left, hit)
                    left += 1
                if right & 1:
                    right -= 1
                    _put(nodes, right, hit)
                left >>= 1
                right >>= 1
        self._nodes = [tuple(node) for node in nodes]

    def find(self, value: _Bound, found: set[Hit]) -> None:
        """Find the ranges that hold a value.

        Args:
            value: The value.
            found: Where the hits are put.
        """
        bounds, nodes = self._bounds, self._nodes
        index = bisect_left(bounds, value)
        node = 2 * index + self._size
        if index < len(bounds) and bounds[index] == value:
            node += 1
        while node:
            if nodes[node]:
                found.update(nodes[node])
            node >>= 1

    def find_any(self, values: list[_Bound], found: set[Hit]) -> None:
        """Find the ranges that hold any of some values.

        Args:
            values: The values.
            found: Where the hits are put.
        """
        if len(self._ranges) > len(values):
            for value in values:
                self.find(value, found)
            return
        values = sorted(values)
        for low, low_included, high, high_included, hit in self._ranges:
            index = (bisect_left if low_included else bisect_right)(values, low)
            if index < len(values):
                value = values[index]
                if value < high or (high_included and value == high):
                    found.add(hit)


def _put(nodes: list[tuple[Hit, ...] | list[Hit]], place: int, hit: Hit) -> None:
    node = nodes[place]
    if isinstance(node, list):
        node.append(hit)
    else:
        nodes[place] = [hit]
