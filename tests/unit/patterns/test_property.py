"""Random patterns and events against a plain evaluator that enumerates every choice."""

from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from eventflow.patterns import Matcher, Pattern

_Chosen = dict[int, int]
"""Which element of which array, by the array's number."""

_Leaves = dict[str, list[tuple[Any, _Chosen]]]


def _collect(event: dict[str, Any]) -> _Leaves:
    leaves: _Leaves = {}
    arrays = iter(range(1_000_000))

    def walk(value: Any, path: str, chosen: _Chosen) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{path}.{name}" if path else name, chosen)
        elif isinstance(value, list):
            number = next(arrays)
            for index, inner in enumerate(value):
                inside = isinstance(inner, dict | list)
                walk(inner, path, {**chosen, number: index} if inside else chosen)
        else:
            leaves.setdefault(path, []).append((value, chosen))

    walk(event, "", {})
    return leaves


def _agree(one: _Chosen, other: _Chosen) -> bool:
    return all(other.get(number, index) == index for number, index in one.items())


def _write_out(pattern: dict[str, Any], path: str = "") -> Iterator[dict[str, list[Any]]]:
    alternatives: list[dict[str, list[Any]]] = [{}]
    for name, inner in pattern.items():
        if name == "$or":
            parts = [part for branch in inner for part in _write_out(branch, path)]
        elif isinstance(inner, dict):
            parts = list(_write_out(inner, f"{path}{name}."))
        else:
            parts = [{path + name: inner}]
        alternatives = [left | right for left in alternatives for right in parts]
    yield from alternatives


def _accepts(asked: Any, value: Any) -> bool:
    if not isinstance(asked, dict):
        return type(asked) is type(value) and asked == value
    ((name, wanted),) = asked.items()
    if name == "exists":
        return bool(wanted)
    if name == "prefix":
        return isinstance(value, str) and value.startswith(wanted)
    return type(wanted) is not type(value) or wanted != value  # anything-but


def _met(fields: list[tuple[str, list[Any]]], leaves: _Leaves, chosen: _Chosen) -> bool:
    if not fields:
        return True
    (path, asked), *rest = fields
    here = [(value, which) for value, which in leaves.get(path, []) if _agree(chosen, which)]
    if not here and {"exists": False} in asked and _met(rest, leaves, chosen):
        return True
    return any(
        _met(rest, leaves, chosen | which)
        for value, which in here
        if any(_accepts(one, value) for one in asked)
    )


def _naive(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    leaves = _collect(event)
    return any(_met(sorted(fields.items()), leaves, {}) for fields in _write_out(pattern))


_NAMES = st.sampled_from(["a", "b", "c"])
_SCALARS = st.sampled_from(["x", "xy", 1, True, None])
_OPERATORS = st.one_of(
    st.sampled_from(["x", "xy", 1, None]),
    st.sampled_from([{"exists": False}, {"exists": True}, {"prefix": "x"}, {"anything-but": "x"}]),
)
_LISTS = st.lists(_OPERATORS, min_size=1, max_size=2)
_OBJECTS = st.recursive(
    st.dictionaries(_NAMES, _LISTS, min_size=1, max_size=3),
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, st.one_of(_LISTS, inner), min_size=1, max_size=3),
        st.dictionaries(st.just("$or"), st.lists(inner, min_size=2, max_size=2), min_size=1),
    ),
    max_leaves=4,
)
_DOTTED = st.dictionaries(
    st.sampled_from(["a", "a.b", "a.c", "b", "b.c", "a.b.c"]), _LISTS, min_size=1, max_size=4
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=3)
    ),
    max_leaves=10,
)
_EVENTS = st.dictionaries(_NAMES, _VALUES, max_size=3)


@settings(max_examples=250, deadline=None)
@given(pattern=st.one_of(_OBJECTS, _DOTTED), event=_EVENTS)
@example(
    pattern={"a": ["x"], "a.b": [{"exists": False}], "a.c": [1]},
    event={"a": [["x", {"c": 1}], {"b": 1}, "x"]},
)
@example(pattern={"a": {"b": [{"exists": False}, 1], "c": [1]}}, event={"a": [{"b": 1, "c": 1}]})
def test_evaluators_agree(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    """The tree over the event finds what trying every choice of elements finds."""
    expected = _naive(pattern, event)

    assert expected is Pattern(pattern).matches(event)
    assert ({"it"} if expected else set()) == Matcher({"it": pattern}).match(event)


@settings(max_examples=100, deadline=None)
@given(pattern=st.one_of(_OBJECTS, _DOTTED), event=_EVENTS)
def test_dots_in_events_are_objects(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    """An event with its objects' names joined by dots is matched as the event itself."""

    def join(value: Any) -> Any:
        if isinstance(value, list):
            return [join(item) for item in value]
        if not isinstance(value, dict):
            return value
        joined: dict[str, Any] = {}
        for name, inner in value.items():
            if isinstance(inner, dict) and inner:
                joined |= {f"{name}.{below}": item for below, item in join(inner).items()}
            else:
                joined[name] = join(inner)
        return joined

    assert Pattern(pattern).matches(event) is Pattern(pattern).matches(join(event))
