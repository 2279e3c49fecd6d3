"""How fields combine: AND over fields, OR over a list, one element of an array, `$or`."""

from typing import Any

import pytest

from eventflow.patterns import Pattern

_PEOPLE = {
    "people": [{"first": "Anna", "last": "Smith"}, {"first": "Ben", "last": "Jones"}],
}
_DEEP: dict[str, Any] = {
    "orders": [
        {"id": 1, "lines": [{"sku": "a", "count": 1}, {"sku": "b", "count": 2}]},
        {"id": 2, "lines": [{"sku": "a", "count": 2}]},
    ],
}
_ABSENT = [{"exists": False}]

_ROWS: list[tuple[str, Any, Any, bool]] = [
    ("all fields must match", {"a": [1], "b": [2]}, {"a": 1, "b": 2}, True),
    ("one field does not", {"a": [1], "b": [2]}, {"a": 1, "b": 3}, False),
    ("fields unnamed are ignored", {"a": [1]}, {"a": 1, "b": 3}, True),
    ("any of a list may match", {"a": [1, 2]}, {"a": 2}, True),
    ("lists may be mixed", {"a": ["x", {"numeric": [">", 5]}]}, {"a": 6}, True),
    ("case of values counts", {"a": ["x"]}, {"a": "X"}, False),
    ("case of names counts", {"a": ["x"]}, {"A": "x"}, False),
    ("nothing is normalised", {"a": ["é"]}, {"a": "e\u0301"}, False),
    ("an element may match", {"a": ["x"]}, {"a": ["y", "x"]}, True),
    ("arrays in arrays are one", {"a": ["x"]}, {"a": [["y"], [["x"]]]}, True),
    ("an object is no text", {"a": ["x"]}, {"a": {"x": 1}}, False),
    ("a text is no object", {"a": {"b": ["x"]}}, {"a": "x"}, False),
    ("dots in the pattern", {"a.b": [1]}, {"a": {"b": 1}}, True),
    ("dots in the event", {"a": {"b": [1]}}, {"a.b": 1}, True),
    ("dots in both", {"a.b": {"c": [1]}}, {"a": {"b.c": 1}}, True),
    ("dots in the event, half", {"a.b.c": [1]}, {"a": {"b.c": 1}}, True),
    ("both spellings at once: the one", {"a.b": [1], "a.c": [2]}, {"a": {"b": 1}, "a.c": 2}, True),
    ("both spellings at once: either", {"a.b": [1]}, {"a": {"b": 2}, "a.b": 1}, True),
    ("both spellings at once: present", {"a.b": _ABSENT}, {"a": {"c": 2}, "a.b": 1}, False),
    ("both spellings of a list", {"a.b": [1]}, {"a": [{"c": 2}], "a.b": 1}, True),
    ("both spellings beside a text", {"a.b": [1]}, {"a": "x", "a.b": 1}, True),
    ("the later of two spellings counts", {"a": {"b": [1]}, "a.b": [2]}, {"a": {"b": 2}}, True),
    ("the earlier does not", {"a": {"b": [1]}, "a.b": [2]}, {"a": {"b": 1}}, False),
    ("a field and one below it", {"a": ["x"], "a.b": [1]}, {"a": ["x", {"b": 1}]}, True),
    # one element meets all
    ("Anna Smith is one", {"people": {"first": ["Anna"], "last": ["Smith"]}}, _PEOPLE, True),
    ("Anna Jones is none", {"people": {"first": ["Anna"], "last": ["Jones"]}}, _PEOPLE, False),
    ("in the same line", {"orders": {"lines": {"sku": ["b"], "count": [2]}}}, _DEEP, True),
    ("not in the same line", {"orders": {"lines": {"sku": ["b"], "count": [1]}}}, _DEEP, False),
    ("in the same order", {"orders": {"id": [2], "lines": {"count": [2]}}}, _DEEP, True),
    ("not in the same order", {"orders": {"id": [2], "lines": {"sku": ["b"]}}}, _DEEP, False),
    ("in inner arrays too", {"a": {"b": [1], "c": [2]}}, {"a": [[{"b": 1, "c": 2}]]}, True),
    ("inner arrays apart", {"a": {"b": [1], "c": [2]}}, {"a": [[{"b": 1}], [{"c": 2}]]}, False),
    ("arrays side by side are free", {"a": {"x": [1]}, "b": {"x": [2]}},
     {"a": [{"x": 0}, {"x": 1}], "b": [{"x": 2}, {"x": 0}]}, True),
    # absence in arrays: of the chosen element, or of all when none is chosen yet
    ("absent in the chosen", {"a": {"b": [1], "c": _ABSENT}}, {"a": [{"b": 1}, {"c": 1}]}, True),
    ("there in the chosen", {"a": {"b": [1], "c": _ABSENT}}, {"a": [{"b": 1, "c": 1}]}, False),
    ("none is chosen yet", {"a": {"b": _ABSENT, "c": [1]}}, {"a": [{"b": 1}, {"c": 1}]}, False),
    ("nowhere in the array", {"a": {"b": _ABSENT, "c": [1]}}, {"a": [{"d": 1}, {"c": 1}]}, True),
    ("absent, or two in the chosen", {"a": {"b": [2, *_ABSENT], "c": [1]}},
     {"a": [{"b": 1}, {"b": 2, "c": 1}]}, True),
    ("absent, or two, and it is one", {"a": {"b": [2, *_ABSENT], "c": [1]}},
     {"a": [{"b": 2}, {"c": 1}]}, False),
    ("all may be absent", {"a": {"b": _ABSENT, "c": _ABSENT}}, {"a": [{"d": 1}, "x"]}, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "event", "expected"), [pytest.param(*row[1:], id=row[0]) for row in _ROWS]
)
def test_combination(pattern: dict[str, Any], event: dict[str, Any], expected: bool) -> None:
    """The pattern matches the event, or does not."""
    assert expected is Pattern(pattern).matches(event)


_EITHER = {"s": ["x"], "$or": [{"a": [1]}, {"b": [2], "c": [3]}]}
_INSIDE = {"d": {"$or": [{"a": [1]}, {"b": {"$or": [{"c": [2]}, {"c": [3], "e": [4]}]}}]}}
_TWICE = {"$or": [{"a": [1]}, {"a": [2]}], "d": {"$or": [{"b": [1]}, {"b": [2]}]}}
_OVERRIDDEN = {"a": ["1"], "$or": [{"a": ["2"]}, {"b": ["3"]}]}
_OVERRIDING = {"$or": [{"a": ["2"]}, {"b": ["3"]}], "a": ["1"]}

_OR_ROWS: list[tuple[str, Any, Any, bool]] = [
    ("the first branch", _EITHER, {"s": "x", "a": 1}, True),
    ("the second branch", _EITHER, {"s": "x", "b": 2, "c": 3}, True),
    ("half a branch", _EITHER, {"s": "x", "b": 2}, False),
    ("a branch without the rest", _EITHER, {"a": 1}, False),
    ("below the root", _INSIDE, {"d": {"a": 1}}, True),
    ("nested, first", _INSIDE, {"d": {"b": {"c": 2}}}, True),
    ("nested, second", _INSIDE, {"d": {"b": {"c": 3, "e": 4}}}, True),
    ("nested, half", _INSIDE, {"d": {"b": {"c": 3}}}, False),
    ("two of them: each must", _TWICE, {"a": 2, "d": {"b": 1}}, True),
    ("two of them: one does not", _TWICE, {"a": 2, "d": {"b": 3}}, False),
    ("what is written last counts: the branch", _OVERRIDDEN, {"a": "2"}, True),
    ("what is written last counts: not the field", _OVERRIDDEN, {"a": "1"}, False),
    ("in the other branch the field counts", _OVERRIDDEN, {"a": "1", "b": "3"}, True),
    ("what is written last counts: the field", _OVERRIDING, {"a": "1"}, True),
    ("what is written last counts: not the branch", _OVERRIDING, {"a": "2"}, False),
    ("one element of an array meets a branch", {"a": {"b": [1], "$or": [{"c": [1]}, {"d": [1]}]}},
     {"a": [{"b": 1}, {"c": 1}, {"b": 1, "d": 1}]}, True),
    ("elements apart do not", {"a": {"b": [1], "$or": [{"c": [1]}, {"d": [1]}]}},
     {"a": [{"b": 1}, {"c": 1}, {"d": 1}]}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "event", "expected"), [pytest.param(*row[1:], id=row[0]) for row in _OR_ROWS]
)
def test_or(pattern: dict[str, Any], event: dict[str, Any], expected: bool) -> None:
    """`$or` matches by any branch, at any level, together with what stands beside it."""
    assert expected is Pattern(pattern).matches(event)
