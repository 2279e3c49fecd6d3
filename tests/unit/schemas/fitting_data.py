"""Data that fits a schema, for Hypothesis: of the words that exported schemas use, and no others."""

from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any

from hypothesis import strategies as st

__all__ = ["fitting"]

_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda number: timezone(timedelta(minutes=number)))
_TEXTS: Mapping[str, st.SearchStrategy[str]] = {
    "date-time": st.datetimes(timezones=_OFFSETS).map(
        lambda moment: moment.replace(microsecond=0).isoformat()
    ),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
    "uuid": st.uuids().map(str),
}
_WORDS = frozenset(
    {"$schema", "title", "description", "x-eventflow", "examples", "default", "$defs"}
)


def fitting(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return data that fits a schema.

    Args:
        schema: The schema.
        whole: What its references lead into.

    Raises:
        NotImplementedError: When it has a word that this does not know.
    """
    words = {name: value for name, value in schema.items() if name not in _WORDS}
    if "$ref" in words:
        return fitting(whole["$defs"][words["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in words:
        return st.one_of([fitting(item, whole) for item in words["anyOf"]])
    if "enum" in words:
        return st.sampled_from(words["enum"])
    make = _KINDS.get(words.pop("type"))
    if make is None:
        message = f"no data is made for {sorted(schema)}"
        raise NotImplementedError(message)
    return make(words, whole)


def _objects(words: Mapping[str, Any], whole: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    fields = {name: fitting(item, whole) for name, item in words["properties"].items()}
    required = {name: field for name, field in fields.items() if name in words["required"]}
    optional = {name: field for name, field in fields.items() if name not in required}
    own = st.fixed_dictionaries(required, optional=optional)
    # What is open may have more, whose names nobody knows.
    more = st.dictionaries(st.just("anything else"), st.integers(), max_size=1)
    return st.builds(lambda data, other: {**other, **data}, own, more)


def _arrays(words: Mapping[str, Any], whole: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    _know(words, {"items"})
    return st.lists(fitting(words["items"], whole), max_size=3)


def _strings(words: Mapping[str, Any], _whole: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    _know(words, {"format"})
    return _TEXTS[words["format"]] if words else st.text(max_size=5)


def _integers(words: Mapping[str, Any], _whole: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    _know(words, {"minimum", "exclusiveMinimum"})
    least = words.get("minimum", words.get("exclusiveMinimum"))
    return st.integers(None if least is None else least + ("exclusiveMinimum" in words), 2**53)


def _numbers(words: Mapping[str, Any], whole: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    least = words.get("minimum", words.get("exclusiveMinimum"))
    is_open = "exclusiveMinimum" in words
    floats = st.floats(least, allow_nan=False, allow_infinity=False, exclude_min=is_open)
    return st.one_of(_integers(words, whole), floats)


def _nulls(words: Mapping[str, Any], _whole: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    _know(words, set())
    return st.none()


def _know(words: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(words) - known:
        message = f"no data is made for {sorted(unknown)}"
        raise NotImplementedError(message)


_KINDS = {
    "array": _arrays,
    "integer": _integers,
    "null": _nulls,
    "number": _numbers,
    "object": _objects,
    "string": _strings,
}
