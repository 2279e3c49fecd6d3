"""`Pattern` and `Matcher` as objects: what they keep, what they equal, what they cost to import."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

import eventflow.patterns
from eventflow.errors import EventError
from eventflow.patterns import Matcher, Pattern

_SOURCE: dict[str, Any] = {
    "source": ["courier.app"],
    "$or": [{"detail": {"kind": ["garage"]}}, {"detail": {"size": [{"numeric": [">", 3]}]}}],
}
_EVENT = {"source": "courier.app", "detail": {"kind": "garage", "size": 2}}


def test_source_is_what_was_given() -> None:
    """The source equals the dict given, and changing either changes nothing in the pattern."""
    given: dict[str, Any] = {"a": ["x", 1, 1.5, None, True, "é"]}
    pattern = Pattern(given)
    given["a"].append("later")
    pattern.source["a"].clear()

    assert {"a": ["x", 1, 1.5, None, True, "é"]} == pattern.source
    assert not pattern.matches({"a": "later"})


def test_pattern_cannot_be_changed() -> None:
    """An attribute of a pattern cannot be set."""
    pattern = Pattern(_SOURCE)

    with pytest.raises(FrozenInstanceError):
        pattern.alternatives = ()  # type: ignore[misc]


def test_patterns_that_ask_the_same_are_equal() -> None:
    """Order of fields, dots and the form of a number do not matter; what is asked does."""
    pattern = Pattern({"a": {"b": [1]}, "c": ["x"]})
    same = Pattern({"c": ["x"], "a.b": [1.0]})

    assert pattern == same
    assert hash(pattern) == hash(same)
    assert pattern != Pattern({"a": {"b": [True]}, "c": ["x"]})
    assert pattern != Pattern({"a": {"b": [1]}})


def test_pattern_survives_pickling() -> None:
    """A pattern out of a pickle is equal, and matches the same."""
    pattern = Pattern(_SOURCE)
    copy = pickle.loads(pickle.dumps(pattern))

    assert pattern == copy
    assert copy.matches(_EVENT)


def test_alternatives_tell_what_is_asked() -> None:
    """An alternative for each branch of `$or`: its conditions sorted, each with its operators."""
    alternatives = [
        [(condition.path, [node.operator for node in condition.operators]) for condition in fields]
        for fields in Pattern(_SOURCE).alternatives
    ]

    assert [
        [("detail.kind", ["equals"]), ("source", ["equals"])],
        [("detail.size", ["numeric"]), ("source", ["equals"])],
    ] == alternatives


def test_repr_shows_the_source() -> None:
    """A pattern's repr can be pasted; a matcher's tells its size."""
    assert repr(Pattern({"a": [1]})) == "Pattern({'a': [1]})"
    assert repr(Matcher({"x": {"a": [1]}})) == "Matcher(1 patterns)"


@pytest.mark.parametrize("event", [None, [], "x", 5])
def test_event_must_be_a_dict(event: Any) -> None:
    """What is no object is no event, and is said to be none."""
    with pytest.raises(EventError, match="an event to be matched is a dict, not"):
        Pattern(_SOURCE).matches(event)


def test_matcher_finds_all_that_match() -> None:
    """The names of all patterns that match, whether given as pattern or dict."""
    matcher = Matcher(
        {"a": Pattern(_SOURCE), "b": {"source": ["x"]}, "c": {"source": [{"prefix": "c"}]}}
    )

    assert {"a", "c"} == matcher.match(_EVENT)
    assert set() == matcher.match({})
    assert len(matcher) == 3
    assert set() == Matcher({}).match(_EVENT)


def test_matcher_is_safe_in_threads() -> None:
    """Many threads at once get the answer that one gets."""
    matcher = Matcher({str(n): {"detail": {"size": [n]}} for n in range(50)})
    events = [{"detail": [{"size": n % 60}]} for n in range(2_000)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(matcher.match, events))

    assert [{str(n % 60)} if n % 60 < 50 else set() for n in range(2_000)] == answers


def test_public_names_are_listed() -> None:
    """The package offers these names."""
    assert ["ConditionReport", "Explanation", "Matcher", "Pattern", "PatternError"] == sorted(
        eventflow.patterns.__all__
    )


def test_import_is_light() -> None:
    """Importing patterns loads none of the large libraries, and no other floor but errors."""
    code = (
        "import sys, eventflow.patterns\n"
        "heavy = {'celery', 'kombu', 'redis', 'sqlalchemy', 'pydantic', 'yaml', 'click'}\n"
        "own = {name.split('.')[1] for name in sys.modules if name.startswith('eventflow.')}\n"
        "print(sorted(heavy & set(sys.modules)), sorted(own))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert shown.stdout.strip() == "[] ['errors', 'patterns']"
