"""Each operator on leaves: what it accepts, what it does not, and the name its node knows."""

from typing import Any

import pytest

from eventflow.patterns import Pattern
from eventflow.patterns.operators.ignore_case import AnyCase
from eventflow.patterns.operators.table import OPERATORS, read_operator

_ROWS: list[tuple[Any, str, list[Any], list[Any]]] = [
    # expression, the node's operator, leaves accepted, leaves not accepted
    ("x", "equals", ["x"], ["X", "x ", "", 1, None, True]),
    (5, "equals", [5, 5.0], [4, "5", True, 5.000001]),
    (True, "equals", [True], [1, "true", False, None]),
    (None, "equals", [None], ["", 0, False, "null"]),
    ("10.0.0.255", "equals", ["10.0.0.255", "010.0.0.255", "::ffff:a00:ff"], ["10.0.0.25", 10]),
    ({"exactly": "x"}, "equals", ["x"], ["y", 1]),
    ({"prefix": "ab"}, "prefix", ["ab", "abc"], ["a", "Ab", "xab", 1, None]),
    ({"prefix": {"equals-ignore-case": "aB"}}, "prefix", ["AB", "abc"], ["a", "xab", 1]),
    ({"prefix": {"equals-ignore-case": "é"}}, "prefix", ["É", "éa"], ["e", ""]),
    ({"suffix": "ab"}, "suffix", ["ab", "cab"], ["b", "aB", "abx", 1, None]),
    ({"suffix": {"equals-ignore-case": "aB"}}, "suffix", ["AB", "cab"], ["b", "abx", 1]),
    ({"suffix": {"equals-ignore-case": "straße"}}, "suffix", ["LANGSTRASSE"], ["STRASE", ""]),
    ({"equals-ignore-case": "aB1"}, "equals-ignore-case", ["ab1", "AB1"], ["ab", "ab12", 1]),
    # the Kelvin sign lowers to k, and is none; neither is the long s
    ({"equals-ignore-case": "ks"}, "equals-ignore-case", ["KS"], ["\u212as", "k\u017f"]),
    # there is no case beyond the basic plane: Deseret
    ({"equals-ignore-case": "\U00010400"}, "equals-ignore-case", ["\U00010400"], ["\U00010428"]),
    ({"equals-ignore-case": ""}, "equals-ignore-case", [""], ["x", None]),
    ({"wildcard": "a*b"}, "wildcard", ["ab", "axb", "abab"], ["a", "abx", "xab", 1]),
    ({"wildcard": "a*a"}, "wildcard", ["aa", "aba"], ["a"]),
    ({"wildcard": "*ab*ab"}, "wildcard", ["abab", "ababab", "xabyab"], ["ab", "aba"]),
    ({"wildcard": "*a*"}, "wildcard", ["a", "bab"], ["", "b"]),
    ({"wildcard": ""}, "wildcard", [""], ["x"]),
    ({"wildcard": "x"}, "wildcard", ["x"], ["xx", "X"]),
    ({"wildcard": "a.*c"}, "wildcard", ["a.c", "a.\nc"], ["abc"]),
    ({"anything-but": "x"}, "anything-but", ["y", "", 1, None, True], ["x"]),
    ({"anything-but": ["x", "y"]}, "anything-but", ["z", 0], ["x", "y"]),
    ({"anything-but": [1, 2.5]}, "anything-but", ["1", 3, True, None], [1, 1.0, 2.5]),
    ({"anything-but": {"prefix": "a"}}, "anything-but", ["ba", 1], ["a", "ab"]),
    ({"anything-but": {"prefix": ["a", "b"]}}, "anything-but", ["c"], ["a", "b1"]),
    ({"anything-but": {"suffix": "a"}}, "anything-but", ["ab", None], ["a", "ba"]),
    ({"anything-but": {"suffix": ["a", "b"]}}, "anything-but", ["c"], ["ca", "b"]),
    ({"anything-but": {"equals-ignore-case": "a"}}, "anything-but", ["b", 1], ["a", "A"]),
    ({"anything-but": {"equals-ignore-case": ["a", "b"]}}, "anything-but", ["c"], ["A", "B"]),
    ({"anything-but": {"wildcard": "a*b"}}, "anything-but", ["a", True], ["ab", "axb"]),
    ({"anything-but": {"wildcard": ["*a", "b*"]}}, "anything-but", ["c"], ["ca", "bc"]),
    ({"numeric": ["=", 5]}, "numeric", [5, 5.0], [4, "5", True, None]),
    ({"numeric": [">", 0]}, "numeric", [1, 0.1, 1e300], [0, -1, "1", True, float("inf")]),
    ({"numeric": [">=", 0]}, "numeric", [0, -0.0, 1], [-0.1, float("nan")]),
    ({"numeric": ["<", 0]}, "numeric", [-1], [0, 1, False]),
    ({"numeric": ["<=", -2.5]}, "numeric", [-2.5, -3], [-2.4]),
    ({"numeric": [">", 0, "<=", 5]}, "numeric", [1, 5, 4.9], [0, 5.1, "3"]),
    ({"numeric": [">=", 0, "<", 5]}, "numeric", [0, 4.999], [5, -1]),
    ({"numeric": [">", 10**29]}, "numeric", [10**30, 2e30], [10**29, 10**400]),
    ({"exists": True}, "exists", ["", None, 0, False], []),
    ({"cidr": "10.0.0.0/24"}, "cidr", ["10.0.0.0", "10.0.0.255"], ["10.0.1.0", "x", 10, "::1"]),
    # the bits after the mask do not count
    ({"cidr": "10.0.0.77/24"}, "cidr", ["10.0.0.1"], ["10.0.1.77"]),
    ({"cidr": "0.0.0.0/0"}, "cidr", ["255.255.255.255", "1.2.3.4"], ["::1", "1.2.3", "256.1.1.1"]),
    ({"cidr": "2001:db8::/32"}, "cidr", ["2001:db8::1", "2001:0DB8:1::"], ["2001:db9::", "10.0.0.1"]),
    ({"cidr": "10.0.0.0/31"}, "cidr", ["10.0.0.1", "::ffff:a00:1"], ["10.0.0.2"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "name", "accepted", "refused"),
    [pytest.param(*row, id=str(row[0])) for row in _ROWS],
)
def test_operator(expression: Any, name: str, accepted: list[Any], refused: list[Any]) -> None:
    """The operator accepts these leaves and not those, alone and in a pattern, and has a name."""
    node = read_operator(expression, "a[0]")
    pattern = Pattern({"a": [expression]})

    assert name == node.operator
    assert accepted == [leaf for leaf in [*accepted, *refused] if node.matches(leaf)]
    assert accepted == [leaf for leaf in [*accepted, *refused] if pattern.matches({"a": leaf})]


def test_every_operator_has_a_row() -> None:
    """No operator of the table is without a row above."""
    assert set(OPERATORS) == {name for row in _ROWS if isinstance(row[0], dict) for name in row[0]}


def test_equal_expressions_are_equal_nodes() -> None:
    """Nodes are values: equal expressions make equal nodes, and others do not."""
    for index, (expression, *_) in enumerate(_ROWS):
        node = read_operator(expression, "a[0]")
        others = [read_operator(row[0], "a[0]") for row in _ROWS[index + 1 :]]

        assert read_operator(expression, "a[0]") == node
        assert hash(read_operator(expression, "a[0]")) == hash(node)
        # "exactly" is another spelling of equality; 10.0.0.77/24 is another of 10.0.0.0/24.
        assert [] == [
            other
            for other in others
            if other == node and expression not in ("x", {"cidr": "10.0.0.0/24"})
        ]


def test_letters_forms_are_told_apart_at_once() -> None:
    """No form of a letter begins or ends another form of it: the first that fits is the one."""
    letters = (chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000)
    for letter in letters:
        forms = {letter, letter.lower(), letter.upper()}
        overlaps = [
            (one, other)
            for one in forms
            for other in forms - {one}
            if one.startswith(other) or one.endswith(other)
        ]

        assert [] == overlaps


@pytest.mark.parametrize("text", ["straße", "ÉCOLE", "ΰ", "İ", "ŉ", "ﬀ", "ǅ"])
def test_every_form_of_a_text_is_it(text: str) -> None:
    """A text is itself in any case, its letters lowered or raised, as whole, head and tail."""
    any_case = AnyCase(text)
    raised = "".join(letter.upper() for letter in text)
    lowered = "".join(letter.lower() for letter in text)

    for form in (text, raised, lowered):
        assert any_case.equals(form)
        assert any_case.begins(form + "!")
        assert any_case.ends("!" + form)
        assert not any_case.equals(form + "!")
        assert not any_case.begins("!" + form)
        assert not any_case.ends(form + "!")
