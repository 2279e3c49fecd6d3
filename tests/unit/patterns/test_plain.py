"""The quick reader against the thorough one: it never reads otherwise, and never reads a fault."""

import enum
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventflow.patterns import Pattern, PatternError
from eventflow.patterns.plain import read_plain
from eventflow.patterns.syntax import read_pattern

_SCALARS = st.one_of(
    st.sampled_from(["", "x", "10.0.0.1", "::1", "é", "\ud800", "*", "10.0.0.0/8"]),
    st.sampled_from([0, 1, -2.5, 2**70, 1e300, math.nan, math.inf, True, None, b"x"]),
)
_NAMES = st.sampled_from(["", "a", "b", "a.b", "$or", "prefix", "é", "\ud800", 5])
_OPERATORS = st.dictionaries(
    st.sampled_from(["prefix", "numeric", "anything-but", "cidr", "exists", "wildcard", "nope"]),
    st.one_of(
        _SCALARS,
        st.lists(_SCALARS, max_size=2),
        st.just([">", 1]),
        st.just({"prefix": "a"}),
    ),
    max_size=2,
)
_PATTERNS = st.recursive(
    st.lists(st.one_of(_SCALARS, _OPERATORS), max_size=3),
    lambda inner: st.dictionaries(_NAMES, st.one_of(inner, _SCALARS), max_size=3),
    max_leaves=5,
)


@settings(max_examples=500, deadline=None)
@given(pattern=_PATTERNS)
def test_quick_reader_agrees_with_the_thorough_one(pattern: Any) -> None:
    """What the quick reader reads, the thorough one reads to the same conditions."""
    plain = read_plain(pattern)

    if plain is None:
        return
    assert read_pattern(pattern) == (plain,)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["courier.app"]},
        {"detail-type": ["a", "b"], "detail": {"size": [{"numeric": [">", 3]}], "k": [1, None]}},
        {"a": [{"anything-but": ["x", "y"]}], "b": [{"exists": False}]},
    ],
)
def test_common_patterns_are_read_quickly(pattern: dict[str, Any]) -> None:
    """Patterns as people write them are read in the one pass, in the service's order."""
    assert (read_plain(pattern),) == read_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        {"$or": [{"a": ["x"]}, {"b": ["x"]}]},
        {"a.b": ["x"]},
        {"é": ["x"]},
        {"a": ["x"] * 1_000},
        {f"f{number}": ["x"] for number in range(1_000)},
        {"a": [{"prefix": {"equals-ignore-case": "x"}}]},
        {"": {"a": ["x"]}},
    ],
    ids=["or", "dots", "beyond-ascii", "long", "wide", "operator-in-operator", "no-name"],
)
def test_unusual_patterns_are_read_thoroughly(pattern: dict[str, Any]) -> None:
    """What the quick reader leaves is read all the same."""
    assert read_plain(pattern) is None
    assert Pattern(pattern).source == pattern


@pytest.mark.parametrize("pattern", [{}, {"a": []}, {"a": {}}, {"a": [{"prefix": 5}]}, [], None])
def test_faults_are_left_to_the_thorough_reader(pattern: Any) -> None:
    """The quick reader words no fault."""
    assert read_plain(pattern) is None
    with pytest.raises(PatternError):
        Pattern(pattern)


def test_source_of_other_kinds_of_dict_and_text() -> None:
    """A pattern of subclasses, as YAML readers make them, has a source of plain dicts and texts."""

    class Object(dict[str, Any]):
        pass

    class Kind(enum.StrEnum):
        GARAGE = "garage"

    source = Pattern(Object(kind=[Kind.GARAGE, 1.5, 10**30])).source

    assert {"kind": ["garage", 1.5, 10**30]} == source
    assert [dict, str] == [type(source), type(source["kind"][0])]


def test_shared_parts_of_a_source_are_given_out_apart() -> None:
    """What stands at two places of the dict given is two things in the source."""
    shared = ["x"]
    source = Pattern({"a": shared, "b": shared}).source
    source["a"].append("y")

    assert {"a": ["x", "y"], "b": ["x"]} == source
