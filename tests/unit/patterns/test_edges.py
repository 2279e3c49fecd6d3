"""The edges, as measured on AWS's own matcher: each row one observation."""

from typing import Any

import pytest

from eventflow.patterns import Pattern

_BIG = 2**53 + 1

_ROWS: list[tuple[str, Any, Any, bool]] = [
    # anything-but
    ("anything-but: a missing field is not anything", [{"anything-but": "x"}], {}, False),
    ("anything-but: null is", [{"anything-but": "x"}], {"a": None}, True),
    ("anything-but: true is", [{"anything-but": "x"}], {"a": True}, True),
    ("anything-but: a number is, to a string", [{"anything-but": "x"}], {"a": 5}, True),
    ("anything-but prefix: a number is", [{"anything-but": {"prefix": "x"}}], {"a": 5}, True),
    ("anything-but prefix: null is", [{"anything-but": {"prefix": "x"}}], {"a": None}, True),
    ("anything-but: one element escapes", [{"anything-but": "x"}], {"a": ["x", "y"]}, True),
    ("anything-but: none escapes", [{"anything-but": "x"}], {"a": ["x"]}, False),
    ("anything-but: an empty array has none", [{"anything-but": "x"}], {"a": []}, False),
    ("anything-but: an object is no leaf", [{"anything-but": "x"}], {"a": {"b": 1}}, False),
    ("anything-but 5: 5.0 is 5", [{"anything-but": 5}], {"a": 5.0}, False),
    ('anything-but 5: "5" is not 5', [{"anything-but": 5}], {"a": "5"}, True),
    ("anything-but 1: true is not 1", [{"anything-but": 1}], {"a": True}, True),
    # exists
    ("exists: null is a leaf", [{"exists": True}], {"a": None}, True),
    ("exists: the empty text is a leaf", [{"exists": True}], {"a": ""}, True),
    ("exists: an empty array has no leaf", [{"exists": True}], {"a": []}, False),
    ("exists: an empty object is no leaf", [{"exists": True}], {"a": {}}, False),
    ("exists: an object is no leaf", [{"exists": True}], {"a": {"b": 1}}, False),
    ("absent: missing", [{"exists": False}], {}, True),
    ("absent: an empty array", [{"exists": False}], {"a": []}, True),
    ("absent: an object", [{"exists": False}], {"a": {"b": 1}}, True),
    ("absent: null is there", [{"exists": False}], {"a": None}, False),
    ("absent or x: missing", [{"exists": False}, "x"], {}, True),
    ("absent or x: x", [{"exists": False}, "x"], {"a": "x"}, True),
    ("absent or x: y", [{"exists": False}, "x"], {"a": "y"}, False),
    # numbers
    ("300 is 300.0", [300], {"a": 300.0}, True),
    ("300.0 is 300", [300.0], {"a": 300}, True),
    ("300 is 3.0e2", [300], {"a": 3.0e2}, True),
    ('300 is not "300"', [300], {"a": "300"}, False),
    ('"300" is not 300', ["300"], {"a": 300}, False),
    ("1 is not true", [1], {"a": True}, False),
    ("true is not 1", [True], {"a": 1}, False),
    ("0 is not false", [0], {"a": False}, False),
    ("0 is -0.0", [0], {"a": -0.0}, True),
    ("a big integer matches itself", [_BIG], {"a": _BIG}, True),
    ("a big integer is not its neighbour", [_BIG], {"a": _BIG - 1}, False),
    ("a big integer is not the double near it", [_BIG], {"a": float(_BIG)}, False),
    ("a big integer cannot be compared", [{"numeric": [">", 0]}], {"a": _BIG}, False),
    ("an account number matches", [123456789012], {"a": 123456789012}, True),
    # constants
    ('true is not "true"', [True], {"a": "true"}, False),
    ('"true" is not true', ["true"], {"a": True}, False),
    ("null is null", [None], {"a": None}, True),
    ("null is not missing", [None], {}, False),
    ("null is not the empty text", [None], {"a": ""}, False),
    ("the empty text is not null", [""], {"a": None}, False),
    # prefix, suffix, wildcard
    ("an empty prefix accepts any string", [{"prefix": ""}], {"a": "x"}, True),
    ("an empty prefix accepts no number", [{"prefix": ""}], {"a": 5}, False),
    ("an empty suffix accepts the empty string", [{"suffix": ""}], {"a": ""}, True),
    ("an empty suffix accepts no null", [{"suffix": ""}], {"a": None}, False),
    ("a star accepts the empty string", [{"wildcard": "*"}], {"a": ""}, True),
    ("a star accepts no number", [{"wildcard": "*"}], {"a": 5}, False),
    ("a question mark is itself", [{"wildcard": "a?"}], {"a": "a?"}, True),
    ("a question mark is no joker", [{"wildcard": "a?"}], {"a": "ab"}, False),
    ("an escaped star is a star", [{"wildcard": r"\*"}], {"a": "*"}, True),
    ("an escaped star is no joker", [{"wildcard": r"\*"}], {"a": "x"}, False),
    ("an escaped backslash is one", [{"wildcard": r"\\*"}], {"a": r"\x"}, True),
    # case
    ("ß is SS in any case", [{"equals-ignore-case": "ß"}], {"a": "SS"}, True),
    ("é is É in any case", [{"equals-ignore-case": "é"}], {"a": "É"}, True),
    (
        "SS is not ß: each letter has its own forms",
        [{"equals-ignore-case": "SS"}],
        {"a": "ß"},
        False,
    ),
    # addresses
    ("::1 written out", ["::1"], {"a": "0:0:0:0:0:0:0:1"}, True),
    ("10.0.0.1 with a zero", ["10.0.0.1"], {"a": "10.0.0.01"}, True),
    ("exactly takes no address", [{"exactly": "10.0.0.1"}], {"a": "10.0.0.01"}, False),
    ("anything-but takes no address", [{"anything-but": "10.0.0.1"}], {"a": "10.0.0.01"}, True),
    ("what only looks like an address is text", ["08:23"], {"a": "08:23"}, True),
    ("and so is this", ["300.1.1.1"], {"a": "300.1.1.1"}, True),
]


@pytest.mark.parametrize(
    ("asked", "event", "expected"), [pytest.param(*row[1:], id=row[0]) for row in _ROWS]
)
def test_edge(asked: list[Any], event: dict[str, Any], expected: bool) -> None:
    """A field `a` with these values in the pattern matches the event, or does not."""
    assert expected is Pattern({"a": asked}).matches(event)


_BELOW: list[tuple[str, Any, bool]] = [
    ("above it is a scalar", {"a": 5}, True),
    ("above it is nothing", {}, True),
    ("an element has it", {"a": [{"b": 1}, {"c": 1}]}, False),
    ("no element has it", {"a": [{"c": 1}, {"c": 2}]}, True),
    ("it is an object", {"a": {"b": {}}}, True),
]


@pytest.mark.parametrize(
    ("event", "expected"), [pytest.param(*row[1:], id=row[0]) for row in _BELOW]
)
def test_absence_below(event: dict[str, Any], expected: bool) -> None:
    """`a.b` is absent when no leaf lies there, whatever `a` is."""
    assert expected is Pattern({"a": {"b": [{"exists": False}]}}).matches(event)
