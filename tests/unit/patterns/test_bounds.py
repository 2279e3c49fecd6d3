"""Hostile patterns and events: refused with a number, or matched in time that grows with size."""

import json
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from eventflow.patterns import Matcher, Pattern, PatternError
from eventflow.patterns.shape import MAX_DEPTH, MAX_VALUES
from eventflow.patterns.syntax import MAX_ALTERNATIVES, MAX_CONDITIONS

_SECONDS = 5.0
"""Far above what any of these takes, far below what a blow-up would."""


def _nest(levels: int, innermost: Any, name: str = "a") -> Any:
    for _ in range(levels):
        innermost = {name: innermost}
    return innermost


def _loop() -> dict[str, Any]:
    pattern: dict[str, Any] = {}
    pattern["a"] = pattern
    return pattern


def _doubled(levels: int) -> Any:
    value: Any = ["x"]
    for _ in range(levels):
        value = {"a": value, "b": value}
    return value


def _choices(fields: int, branches: int) -> dict[str, Any]:
    return {
        f"f{index}": {"$or": [{"a": [number]} for number in range(branches)]}
        for index in range(fields)
    }


_REFUSED: list[tuple[str, Callable[[], Any], str, str]] = [
    ("100,000 levels", lambda: _nest(100_000, ["x"]), "",
     "a pattern is nested at most 100 levels deep, this one deeper"),
    ("100,000 lists", lambda: json.loads('{"a": ' + "[" * 900 + "]" * 900 + "}"), "",
     "a pattern is nested at most 100 levels deep, this one deeper"),
    ("a loop", _loop, "", "a pattern is nested at most 100 levels deep, this one deeper"),
    ("one level too many", lambda: _nest(MAX_DEPTH, ["x"]), "",
     "a pattern is nested at most 100 levels deep, this one deeper"),
    ("a path of too many names", lambda: {".".join("a" * (MAX_DEPTH + 1)): ["x"]}, "",
     "a field's path has at most 100 names, this one more"),
    ("a path of a million names", lambda: {"." * 1_000_000: ["x"]}, "",
     "a field's path has at most 100 names, this one more"),
    ("2 to the 90 shared values", lambda: _doubled(90), "",
     "a pattern holds at most 100,000 values, this one more"),
    ("too many values", lambda: {"a": list(range(MAX_VALUES))}, "",
     "a pattern holds at most 100,000 values, this one more"),
    ("1,024 combinations", lambda: _choices(10, 2), "",
     "$or makes 1,024 combinations; 1,000 are the most (AWS: over 1000 rule combinations)"),
    ("1,001 branches", lambda: _choices(1, MAX_ALTERNATIVES + 1), "",
     "$or makes 1,001 combinations; 1,000 are the most (AWS: over 1000 rule combinations)"),
    ("10 to the 9,000 combinations", lambda: _choices(3_000, 10), "",
     ("$or makes 1,000,000,000,000,000 or more combinations; 1,000 are the most"
     " (AWS: over 1000 rule combinations)")),
    ("too many conditions", lambda: _choices(1, 1000) | {f"g{n}": [1] for n in range(100)}, "",
     "$or makes 101,000 conditions in 1,000 combinations; 100,000 conditions are the most"),
    ("a key that is no string", lambda: {"a": {5: ["x"]}}, "a",
     "a field's name is a string, not 5"),
    ("an operator that is no string", lambda: {"a": ["x", {None: 1}]}, "a[1]",
     "a field's name is a string, not null"),
    ("half a surrogate pair in a value", lambda: {"a": {"b": ["x", "\ud800"]}}, "a.b[1]",
     'the string "\\ud800" has half of a surrogate pair'),
    ("half a surrogate pair in a name", lambda: {"a": {"\udfff": ["x"]}}, "a",
     'the field\'s name "\\udfff" has half of a surrogate pair'),
    ("not a number", lambda: {"a": [float("nan")]}, "a[0]", "a number is finite, not NaN"),
    ("infinity in an operator", lambda: {"a": [{"numeric": ["<", float("inf")]}]},
     "a[0].numeric[1]", "a number is finite, not Infinity"),
    ("an endless integer", lambda: {"a": [1 << 100_000]}, "a[0]",
     "an integer of 100001 bits is too large; 4096 bits are the most"),
    ("a date, as YAML reads one", lambda: {"time": [date(2026, 11, 23)]}, "time[0]",
     "a value of the type date is nothing that JSON has; put it in quotes if it is text"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "path", "message"), [pytest.param(*row[1:], id=row[0]) for row in _REFUSED]
)
def test_hostile_pattern_is_refused(make: Callable[[], Any], path: str, message: str) -> None:
    """What is out of bounds is refused soon, with its place and the bound."""
    pattern = make()
    started = time.monotonic()

    with pytest.raises(PatternError) as caught:
        Pattern(pattern)

    assert (path, message) == (caught.value.path, caught.value.message)
    assert time.monotonic() - started < _SECONDS


def test_bounds_themselves_are_allowed() -> None:
    """A pattern of exactly the deepest, longest and widest is read, and matches."""
    deepest = _nest(MAX_DEPTH - 1, ["x"])
    longest = {".".join("a" * MAX_DEPTH): ["x"]}
    widest = _choices(1, MAX_ALTERNATIVES)

    assert Pattern(deepest).matches(_nest(MAX_DEPTH - 1, "x"))
    assert Pattern(longest).matches(_nest(MAX_DEPTH, "x"))
    assert Pattern(widest).matches({"f0": {"a": MAX_ALTERNATIVES - 1}})
    assert Pattern({"a": list(range(MAX_VALUES - 2))}).matches({"a": 7})
    assert MAX_CONDITIONS > MAX_ALTERNATIVES


def _time(pattern: Any, event: dict[str, Any]) -> float:
    read = Pattern(pattern)
    started = time.monotonic()
    assert not read.matches(event)
    return time.monotonic() - started


_MANY = 20_000
_ONE_OF = [{"exists": False}, 1]

_SLOW: list[tuple[str, Any, Callable[[], Any]]] = [
    ("stars against what nearly matches", {"a": [{"wildcard": "*a*a*a*a*a*a*a*a*b"}]},
     lambda: {"a": "a" * 200_000}),
    ("half a million stars", {"a": [{"wildcard": "*a" * 25_000}]}, lambda: {"a": "a" * 24_000}),
    ("letters of two forms", {"a": [{"equals-ignore-case": "ß" * 20_000}]},
     lambda: {"a": "ßSS" * 13_000}),
    ("objects that meet all fields but the last",
     {"a": {**{f"f{n}": [1] for n in range(10)}, "z": [2]}},
     lambda: {"a": [{**{f"f{n}": 1 for n in range(10)}, "z": 1} for _ in range(_MANY)]}),
    ("arrays side by side, the last without a match",
     {**{f"a{n}": {"b": [1]} for n in range(10)}, "z": {"b": [2]}},
     lambda: {name: [{"b": 1}] * 2_000 for name in [*(f"a{n}" for n in range(10)), "z"]}),
    ("arrays in arrays of objects", _nest(12, [2], "a"),
     lambda: _deep_arrays(12)),
    ("absences before the first present field",
     {"a": {**{f"f{n}": _ONE_OF for n in range(20)}, "z": [2]}},
     lambda: {"a": [{"z": 1} for _ in range(_MANY)]}),
    ("an array nested deeply", {"a": ["x"], "a.b": [{"exists": False}, 2], "a.c": [1]},
     lambda: {"a": _nested_lists(2_000)}),
    ("an array nested more deeply", {"a": {"b": [1]}}, lambda: {"a": _nested_lists(200_000)}),
    ("an object nested deeply", {"a": {"a": ["x"]}}, lambda: _nest(100_000, "x")),
    ("names with dots", {"a": {"b": [1]}},
     lambda: {"a": {f"x{n}": 1 for n in range(_MANY)}, **{f"a.c{n}": 1 for n in range(_MANY)}}),
    ("names of nothing but dots", _nest(90, [1], ""), lambda: {"." * 1_000_000: 1}),
    ("a name that is no text", {"a": {"b": [1]}}, lambda: {"a": {5: 1, "c": 2}}),
    ("an endless integer", {"a": [5, {"numeric": [">", 5]}]}, lambda: {"a": 1 << 1_000_000}),
    ("half a surrogate pair", {"a": ["x", {"wildcard": "*x"}]}, lambda: {"a": "\ud800"}),
]  # fmt: skip


def _deep_arrays(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value, value]}
    return value


def _nested_lists(levels: int) -> Any:
    value: Any = ["x"]
    for _ in range(levels):
        value = ["x", value]
    return value


@pytest.mark.parametrize(("pattern", "make"), [pytest.param(*row[1:], id=row[0]) for row in _SLOW])
def test_hostile_event_does_not_stop_matching(pattern: Any, make: Callable[[], Any]) -> None:
    """The answer (no) comes soon, and no depth or size ends in an exception."""
    assert _time(pattern, make()) < _SECONDS


@pytest.mark.parametrize(("pattern", "make"), [pytest.param(*row[1:], id=row[0]) for row in _SLOW])
def test_hostile_event_does_not_stop_a_matcher(pattern: Any, make: Callable[[], Any]) -> None:
    """The index finds its way through the same events as soon, beside another pattern."""
    event = make()
    matcher = Matcher({"hostile": pattern, "other": {"z": [{"exists": False}, "y"]}})
    started = time.monotonic()
    assert "hostile" not in matcher.match(event)
    assert time.monotonic() - started < _SECONDS


def test_cost_grows_with_the_event_not_faster() -> None:
    """Ten times as many objects in an array take some ten times as long, never a hundred."""
    pattern = {"a": {"b": [1], "c": {"d": [1], "e": [2]}, "f": [{"exists": False}]}}

    def event(count: int) -> dict[str, Any]:
        return {"a": [{"b": 1, "c": [{"d": 1, "e": 1}] * 3} for _ in range(count)]}

    small = min(_time(pattern, event(2_000)) for _ in range(3))
    large = min(_time(pattern, event(20_000)) for _ in range(3))

    assert large < 40 * small
