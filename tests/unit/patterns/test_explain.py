"""`Pattern.explain`: every condition told, known mistakes hinted at, bounded on hostile events."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventflow.errors import EventError
from eventflow.patterns import Explanation, Pattern

_SECONDS = 5.0

_EVENT: dict[str, Any] = {
    "source": "courier.app",
    "detail-type": "CourierArrived",
    "detail": {
        "door": {"kind": "Garage", "number": 5, "seconds": "120", "open": "true"},
        "tags": [],
        "couriers": [{"first": "Anna", "last": "Jones"}, {"first": "Ben", "last": "Smith"}],
        "photo": None,
        "file": "proof/1.jpg",
        "raw": '{"kind": "garage"}',
        "padded": "front ",
    },
}


def _detail(asked: dict[str, Any]) -> Explanation:
    return Pattern({"detail": asked}).explain(_EVENT)


def _hint(pattern: dict[str, Any]) -> str:
    (failed,) = Pattern(pattern).explain(_EVENT).failed
    return failed.hint


def test_match_is_explained_too() -> None:
    """Of a pattern that matches every condition is passed, with what was found."""
    explanation = Pattern({"source": ["courier.app"], "detail.door.number": [5]}).explain(_EVENT)

    assert explanation.matched
    assert 1.0 == explanation.nearness
    assert [
        ("detail.door.number", "5", ("5",), True),
        ("source", '"courier.app"', ('"courier.app"',), True),
    ] == [(each.path, each.wanted, each.found, each.passed) for each in explanation.conditions]
    assert "matches" == str(explanation)


def test_miss_names_field_wanted_and_found() -> None:
    """A miss tells the field that failed, what was wanted and what was there."""
    explanation = Pattern(
        {"source": ["courier.app"], "detail": {"door": {"number": [{"numeric": [">", 5]}]}}}
    ).explain(_EVENT)

    assert (
        "does not match: 1 of 2 conditions are met\n"
        "  detail.door.number\n"
        "    wanted  a number > 5\n"
        "    found   5"
    ) == str(explanation)
    assert 0.5 == explanation.nearness


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["x", 3, 2.5, True, None], '"x", 3, 2.5, true or null'),
        ([{"prefix": "x"}], 'text that begins with "x"'),
        (
            [{"prefix": {"equals-ignore-case": "x"}}],
            'text that begins with "x" in any case',
        ),
        ([{"suffix": "x"}], 'text that ends with "x"'),
        ([{"suffix": {"equals-ignore-case": "x"}}], 'text that ends with "x" in any case'),
        ([{"equals-ignore-case": "x"}], '"x" in any case'),
        ([{"exactly": "10.0.0.1"}, "10.0.0.2"], '"10.0.0.1" or "10.0.0.2"'),
        ([{"wildcard": "a*\\*\\\\"}], 'text like "a*\\\\*\\\\\\\\"'),
        ([{"anything-but": ["b", "a"]}], 'anything but "a" or "b"'),
        ([{"anything-but": [2, 1]}], "anything but 1 or 2"),
        ([{"anything-but": {"prefix": "x"}}], 'anything but text that begins with "x"'),
        ([{"numeric": [">=", 1, "<", 2.5]}], "a number >= 1 and < 2.5"),
        ([{"numeric": ["=", 7]}], "7"),
        ([{"numeric": ["<=", 7]}], "a number <= 7"),
        ([{"exists": True}], "any value"),
        ([{"exists": False}], "no value: the field absent"),
        ([{"cidr": "10.1.2.3/8"}], "an IP address in 10.0.0.0/8"),
        ([{"cidr": "2001:db8::/48"}], "an IP address in 2001:db8::/48"),
        (list("abcdefgh"), '"a", "b", "c", "d", "e", "f" or one of 2 more'),
    ],
)
def test_wanted_in_words(asked: list[Any], words: str) -> None:
    """Each operator says what it wants."""
    (report,) = Pattern({"a": asked}).explain({}).conditions

    assert words == report.wanted


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        pytest.param(
            {"detail": {"door": {"kind": ["garage"]}}}, "only the case differs", id="case"
        ),
        pytest.param(
            {"detail": {"door": {"kind": [{"wildcard": "g*E"}]}}},
            "only the case differs",
            id="case of a wildcard",
        ),
        pytest.param(
            {"detail": {"door": {"seconds": [{"numeric": [">", 60]}]}}},
            'the event has the string "120", and the pattern wants a number',
            id="string for a number",
        ),
        pytest.param(
            {"detail": {"door": {"open": [True]}}},
            'the event has the string "true", and the pattern wants a value without quotes',
            id="string for a boolean",
        ),
        pytest.param(
            {"detail": {"door": {"number": ["5"]}}},
            'the event has the number 5, and the pattern wants the string "5"',
            id="number for a string",
        ),
        pytest.param(
            {"detail": {"door": {"number": [{"wildcard": "5*"}]}}},
            "wildcard looks at strings alone, and the event has the number 5",
            id="number for an operator on strings",
        ),
        pytest.param(
            {"detail": {"kind": ["Garage"]}},
            'detail.door.kind is "Garage": the field is at another level',
            id="one level too high",
        ),
        pytest.param(
            {"door": {"kind": ["Garage"]}},
            'detail.door.kind is "Garage": the field is at another level',
            id="detail left out",
        ),
        pytest.param(
            {"detail": {"kind": ["x"]}},
            "the event has detail.door.kind: the field is at another level",
            id="one level too high, with another value",
        ),
        pytest.param(
            {"detail_type": ["CourierArrived"]},
            "there is detail-type; did you mean it?",
            id="detail-type misspelt",
        ),
        pytest.param(
            {"detail": {"dor": {"kinds": ["x"]}}},
            "there is detail.door; did you mean it?",
            id="a name near another",
        ),
        pytest.param(
            {"type": ["CourierArrived"]},
            "patterns see EventBridge's names; did you mean detail-type?",
            id="eventflow's name",
        ),
        pytest.param(
            {"subject": ["x"]},
            "patterns see EventBridge's fields, and subject is none of them",
            id="a field that patterns do not see",
        ),
        pytest.param(
            {"detail": {"photo": [{"exists": False}]}},
            "null is a value, so the field is there",
            id="null is not absent",
        ),
        pytest.param(
            {"detail": {"video": [None]}},
            "null in a pattern is the value null, and the field is absent",
            id="absent is not null",
        ),
        pytest.param(
            {"detail": {"tags": [{"exists": True}]}},
            "an empty list has no value",
            id="empty list",
        ),
        pytest.param(
            {"detail": [{"exists": True}]},
            "detail is an object; a pattern asks for a field in it, such as detail.door",
            id="object",
        ),
        pytest.param(
            {"detail": {"file": {"name": ["x"]}}},
            'detail.file is "proof/1.jpg", not an object',
            id="value in the way",
        ),
        pytest.param(
            {"detail": {"raw": {"kind": ["garage"]}}},
            "detail.raw is a string that holds JSON",
            id="JSON in a string",
        ),
        pytest.param(
            {"detail": {"file": ["proof/*.jpg"]}},
            'the star is a plain character here; {"wildcard": "proof/*.jpg"}',
            id="star without wildcard",
        ),
        pytest.param(
            {"detail": {"padded": ["front"]}},
            '"front " has blanks at its beginning or end',
            id="blanks",
        ),
        pytest.param(
            {"detail-type": ["CourierArived"]},
            'nearly "CourierArived": is one of the two misspelt?',
            id="a misspelt value",
        ),
        pytest.param(
            {"detail": {"couriers": {"first": ["Anna"], "last": ["Smith"]}}},
            "a value fits, but in another element of an array",
            id="array consistency",
        ),
    ],
)
def test_known_mistake_is_hinted_at(pattern: dict[str, Any], words: str) -> None:
    """A mistake that people make is named beside the condition that failed."""
    assert words in _hint(pattern)


@pytest.mark.parametrize(
    "asked",
    [
        {"door": {"kind": ["lobby"]}},
        {"door": {"number": [6]}},
        {"door": {"kind": [{"anything-but": ["Garage"]}]}},
        {"door": {"number": [{"anything-but": [5]}]}},
        {"door": {"kind": [{"exists": False}]}},
        {"elevator": [1]},
        {"parcel": {"source": ["x"]}},
    ],
)
def test_plain_miss_has_no_hint(asked: dict[str, Any]) -> None:
    """Where no mistake is known none is made up."""
    assert [""] == [report.hint for report in _detail(asked).failed]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "9" * 150, "[1]", '"x"', "{"])
def test_text_that_no_number_can_be_has_no_hint(text: str) -> None:
    """Text that JSON has no comparable number for is not taken for a number in quotes."""
    (failed,) = Pattern({"a": [{"numeric": [">", 0]}]}).explain({"a": text}).failed

    assert "" == failed.hint


def test_inconsistent_conditions_are_told_from_failed_ones() -> None:
    """Of conditions that hold alone and not together, the ones that spoil it have failed."""
    explanation = _detail({"couriers": {"first": ["Ben"], "last": ["Jones"], "x": [1]}})

    assert ["detail.couriers.last", "detail.couriers.x"] == [
        report.path for report in explanation.failed
    ]


def test_absence_in_the_chosen_element_passes() -> None:
    """A field absent from the element that is chosen is absent, though another element has it."""
    event = {"a": [{"b": 1}, {"c": 2}], "d": 1}
    explanation = Pattern({"a": {"b": [1], "c": [{"exists": False}]}, "d": [2]}).explain(event)

    assert ["d"] == [report.path for report in explanation.failed]


def test_or_is_explained_by_the_nearest_combination() -> None:
    """With `$or` the combination with the largest share of met conditions is told."""
    pattern = Pattern(
        {
            "source": ["courier.app"],
            "$or": [
                {"detail": {"door": {"kind": ["x"]}}},
                {"detail": {"door": {"number": [5], "size": [1]}}},
            ],
        }
    )
    explanation = pattern.explain(_EVENT)

    assert (2, 2) == (explanation.alternative, explanation.alternatives)
    assert ["detail.door.size"] == [report.path for report in explanation.failed]
    assert "of combination 2 of 2, the nearest," in str(explanation)


def test_json_form() -> None:
    """The explanation as JSON holds all of it."""
    document = Pattern({"a": [1], "b": [2]}).explain({"a": [1, "x"]}).to_json()

    assert {
        "matched": False,
        "nearness": 0.5,
        "alternative": 1,
        "alternatives": 1,
        "conditions": [
            {
                "path": "a",
                "wanted": "1",
                "found": ["1", '"x"'],
                "count": 2,
                "passed": True,
                "hint": "",
            },
            {"path": "b", "wanted": "2", "found": [], "count": 0, "passed": False, "hint": ""},
        ],
    } == json.loads(json.dumps(document))


def test_event_must_be_an_object() -> None:
    """What is no event is refused, as in matching."""
    with pytest.raises(EventError, match="an event to be matched is a dict"):
        Pattern({"a": [1]}).explain([])  # type: ignore[arg-type]


_NAMES = st.sampled_from(["a", "b", "c", "a.b"])
_TESTS = st.lists(
    st.sampled_from(
        ["x", 1, None, {"exists": False}, {"exists": True}, {"anything-but": "x"}, {"prefix": "X"}]
    ),
    min_size=1,
    max_size=2,
)
_PATTERNS = st.recursive(
    st.dictionaries(_NAMES, _TESTS, min_size=1, max_size=3),
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, st.one_of(_TESTS, inner), min_size=1, max_size=3),
        st.fixed_dictionaries({"$or": st.lists(inner, min_size=2, max_size=2)}),
    ),
    max_leaves=4,
)
_VALUES = st.recursive(
    st.sampled_from(["x", "X", "1", 1, True, None]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(source=_PATTERNS, event=st.dictionaries(_NAMES, _VALUES, max_size=3))
def test_explanation_agrees_with_matching(source: dict[str, Any], event: dict[str, Any]) -> None:
    """A pattern matches just when its explanation says so and names no failed condition."""
    pattern = Pattern(source)
    explanation = pattern.explain(event)

    assert pattern.matches(event) is explanation.matched
    assert explanation.matched is (not explanation.failed)
    assert explanation.matched is (1.0 == explanation.nearness)
    json.dumps(explanation.to_json(), allow_nan=False)


def _deep_list(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"a": "x" * 1_000_000}, id="a long string"),
        pytest.param({"a": list(range(100_000))}, id="a long list"),
        pytest.param({"a": [{"b": 1}] * 100_000}, id="many objects"),
        pytest.param({"a": _deep_list(50_000)}, id="lists nested deeply"),
        pytest.param({f"ab{index}": index for index in range(100_000)}, id="many names"),
        pytest.param({"a" * 1_000_000: 1, "x\ud800\x1b[31m": 1}, id="odd names"),
        pytest.param({"a": 10**5000, "b": "\ud800\x1b"}, id="odd values"),
        pytest.param(
            {"z": [{"z": [{"a": index} for index in range(300)]}] * 300}, id="a wide tree"
        ),
    ],
)
def test_hostile_event_is_explained_in_bounds(detail: dict[str, Any]) -> None:
    """Whatever an event holds, explaining takes little time and says little."""
    pattern = Pattern({"detail": {"a": [{"wildcard": "*a*b"}, 7.5], "b": {"c": ["y"]}, "ab": [1]}})
    begin = time.perf_counter()
    text = json.dumps(pattern.explain({"detail": detail}).to_json(), ensure_ascii=False)

    assert time.perf_counter() - begin < _SECONDS
    assert len(text) < 5_000
    assert "\x1b" not in text
    text.encode()


def test_many_combinations_are_explained_in_bounds() -> None:
    """A thousand combinations over a long array take little time."""
    branches = [{f"f{index}": [{"prefix": str(index)}], "a": {"x": [1]}} for index in range(1000)]
    event = {"a": [{"x": 2}] * 1_000}
    begin = time.perf_counter()
    explanation = Pattern({"$or": branches}).explain(event)

    assert time.perf_counter() - begin < _SECONDS
    assert not explanation.matched
