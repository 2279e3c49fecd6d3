"""`Matcher` against the plain loop over its patterns: the index must never change an answer."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eventflow.errors import EventError
from eventflow.patterns import Matcher, Pattern, PatternError

_CASES = Path(__file__).resolve().parents[3].parent / "shared/data/pattern-conformance/cases.jsonl"
needs_cases = pytest.mark.skipif(
    not _CASES.exists(), reason="no ../shared/data/pattern-conformance beside the checkout"
)

_ABSENT = {"exists": False}
_TEXTS = ["", "a", "A", "ab", "AB", "abc", "ß", "SS", "É", "é", "\u212a", "k", "i", "\u0131"]
_ADDRESSES = ["10.0.0.1", "10.0.0.01", "10.0.1.7", "::1", "0:0:0:0:0:0:0:1", "::ffff:a00:1"]
_NUMBERS = [0, 1, 1.0, 2.5, -3, 10**23, 1e23, 2**53 + 1, 2.0**53, True, False, None]
_TEXT = st.sampled_from([text for text in _TEXTS if text])
_ANY_CASE = st.fixed_dictionaries({"equals-ignore-case": st.sampled_from(_TEXTS)})
_BOUND = st.sampled_from([-3, 0, 1, 2.5, 7])


def _one(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({name: values})


_RANGES = st.one_of(
    st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), _BOUND).map(list),
    st.tuples(st.sampled_from([">", ">="]), st.sampled_from([-3, 0, 1]),
              st.sampled_from(["<", "<="]), st.sampled_from([2.5, 7])).map(list),
)  # fmt: skip
_WILDCARDS = st.sampled_from(["*", "a*", "*b", "a*c", "*b*", "ab", "É*", r"\**"])
_OPERATORS = st.one_of(
    st.sampled_from([*_TEXTS, *_ADDRESSES, *_NUMBERS]),
    st.sampled_from([_ABSENT, {"exists": True}]),
    _one("prefix", st.one_of(st.sampled_from(_TEXTS), _ANY_CASE)),
    _one("suffix", st.one_of(st.sampled_from(_TEXTS), _ANY_CASE)),
    _ANY_CASE,
    _one("exactly", st.sampled_from([*_TEXTS, *_ADDRESSES])),
    _one("wildcard", _WILDCARDS),
    _one("numeric", _RANGES),
    _one("cidr", st.sampled_from(["10.0.0.0/8", "10.0.0.0/24", "10.0.1.0/31", "0.0.0.0/0",
                                  "::/0", "::/127"])),
    _one("anything-but", st.one_of(
        _TEXT, _BOUND, st.lists(_TEXT, min_size=1, max_size=2), st.lists(_BOUND, min_size=1),
        _one("prefix", _TEXT), _one("suffix", _TEXT), _one("wildcard", _WILDCARDS),
        _one("equals-ignore-case", st.lists(_TEXT, min_size=1, max_size=2)),
    )),
)  # fmt: skip
_LISTS = st.lists(_OPERATORS, min_size=1, max_size=3)
_NAMES = st.sampled_from(["a", "b", "c"])
_PATTERNS = st.recursive(
    st.dictionaries(
        st.sampled_from(["a", "b", "c", "a.b", "a.c", "b.c"]), _LISTS, min_size=1, max_size=3
    ),
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, st.one_of(_LISTS, inner), min_size=1, max_size=3),
        st.fixed_dictionaries({"$or": st.lists(inner, min_size=2, max_size=3)}),
    ),
    max_leaves=4,
)
_VALUES = st.recursive(
    st.sampled_from([*_TEXTS, *_ADDRESSES, *_NUMBERS]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)
_EVENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "a.b", "b.c"]), st.one_of(_VALUES, st.lists(_VALUES)),
    max_size=3,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(patterns=st.lists(_PATTERNS, min_size=1, max_size=6), events=st.lists(_EVENTS, max_size=4))
@example(
    patterns=[{"$or": [{"a": [{"anything-but": "a"}]}, {"a": [{"anything-but": "ab"}]}]}],
    events=[{"a": "a"}, {"a": "ab"}],
)
@example(
    patterns=[{"a": [{"anything-but": "a"}, {"anything-but": ["ab"]}]}],
    events=[{"a": "a"}, {"a": ["ab"]}],
)
@example(
    patterns=[{"a": {"b": ["a"], "c": [1]}}, {"a": {"b": ["a"]}}, {"a.b": [_ABSENT]}],
    events=[{"a": [{"b": "a"}, {"c": 1}]}, {"a": [[{"b": "a", "c": 1}]]}, {"a": []}],
)
def test_matcher_agrees_with_the_loop(
    patterns: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    """Many patterns together find what each of them alone finds, in a dict and in its JSON."""
    read = {str(number): Pattern(pattern) for number, pattern in enumerate(patterns)}
    matcher = Matcher(read)

    for event in events:
        expected = {name for name, pattern in read.items() if pattern.matches(event)}

        assert expected == matcher.match(event)
        assert expected == matcher.match(json.dumps(event).encode())
        assert expected == matcher.match(json.dumps(event, ensure_ascii=False))


def _load() -> list[dict[str, Any]]:
    return [json.loads(line) for line in _CASES.read_text(encoding="utf-8").splitlines()]


@needs_cases
def test_every_case_alone() -> None:
    """A matcher of one pattern gives each recorded answer."""
    different = []
    for case in _load():
        try:
            actual: bool | str = bool(Matcher({"it": case["pattern"]}).match(case["event"]))
        except PatternError:
            actual = "error"
        if actual != case["expect"]:
            different.append(case["name"])

    assert [] == different


@needs_cases
def test_all_cases_together() -> None:
    """One matcher of all patterns gives each recorded answer, and for each event the loop's."""
    cases = {case["name"]: case for case in _load() if case["expect"] != "error"}
    patterns = {name: Pattern(case["pattern"]) for name, case in cases.items()}
    matcher = Matcher(patterns)

    for name, case in cases.items():
        found = matcher.match(case["event"])

        assert case["expect"] == (name in found), name
    for case in list(cases.values())[::20]:
        event = case["event"]
        expected = {name for name, pattern in patterns.items() if pattern.matches(event)}
        assert expected == matcher.match(event)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("x", "the event is no valid JSON: Expecting value"),
        (b"", "the event is no valid JSON: Expecting value"),
        (b'{"a": "\xff"}', "the event is no valid JSON: 'utf-8' codec"),
        (b"[1]", "an event to be matched is a dict, not a list"),
        ("[" * 200_000, "the event's JSON is nested too deeply"),
        ('{"a": %s}' % ("9" * 10_000), "the event is no valid JSON: Exceeds the limit"),
        (None, "an event to be matched is a dict, not null"),
        ([], "an event to be matched is a dict, not an empty list"),
    ],
    ids=["text", "empty", "no-utf-8", "list", "deep", "endless-number", "none", "no-event"],
)
def test_what_is_no_event_is_refused(event: Any, message: str) -> None:
    """Text that is no object's JSON, and any value that is no event, is said to be so."""
    with pytest.raises(EventError, match=message):
        Matcher({"it": {"a": ["x"]}}).match(event)


def test_empty_names_are_names() -> None:
    """A field with an empty name, and one below it, are found where they are."""
    matcher = Matcher({"one": {"": ["x"]}, "two": {"a": {"": ["x"]}}, "three": {"": ["y"]}})

    assert {"one"} == matcher.match({"": "x"})
    assert {"two", "three"} == matcher.match({"": ["y"], "a": [{"": "y"}, {"": "x"}]})
    assert {"two"} == matcher.match({"a.": "x"})


def test_more_fields_than_the_event_has() -> None:
    """Fields that patterns ask for by the hundred are found in events of a few, and in arrays."""
    matcher = Matcher({f"{n}": {"a": {f"f{n}": [n]}} for n in range(300)})

    assert {"7"} == matcher.match({"a": {"f7": 7, "f8": 7}})
    assert {"7", "8"} == matcher.match({"a": [{"f7": 7}, {"f8": 8, "f9": 0}]})


def test_kinds_of_dict_and_list_are_matched() -> None:
    """Subclasses of a dict, tuples and names that are no text are read as in `Pattern.matches`."""

    class Text(str):
        __slots__ = ()

    class Object(dict[Any, Any]):
        pass

    matcher = Matcher({"it": {"a": {"b": ["x"]}}})

    assert {"it"} == matcher.match(Object(a=({"b": Text("x")},)))
    assert {"it"} == matcher.match({"a": {5: 1, "b": "x"}})
    assert {"it"} == matcher.match({"a": {"a": {}, "b": ["y", ("x",)]}})
    assert set() == matcher.match({"a": {"b": b"x"}})


def test_cost_of_arrays_grows_with_the_event_not_faster() -> None:
    """Ten times as many objects take some ten times as long, whichever fields they have."""
    matcher = Matcher(
        {f"{n}": {"a": {f"f{n}": [{"numeric": ["<", -n]}], "z": [1]}} for n in range(200)}
    )

    def seconds(count: int) -> float:
        event = {"a": [{f"f{n}": 1.5 for n in range(201)}, *({"f0": 1.5} for _ in range(count))]}
        started = time.thread_time()
        assert set() == matcher.match(event)
        return time.thread_time() - started

    small = min(seconds(5_000) for _ in range(3))
    large = min(seconds(50_000) for _ in range(3))

    assert large < 40 * small
