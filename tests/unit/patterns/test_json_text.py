"""JSON text is read alike with orjson and without it."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventflow.patterns.json_text import find_orjson, make_reader

_QUICK = find_orjson()
needs_orjson = pytest.mark.skipif(_QUICK is None, reason="orjson is not installed: the extra fast")

_TEXTS: list[str | bytes] = [
    '{"a": [1, -0, 0.1, 1e23, true, null, "\\u00e9\\n"]}',
    *(json.dumps({"a": sign * (2**bits + more)})
      for sign in (1, -1) for bits in (53, 62, 63, 64, 65, 1000) for more in (-1, 0, 1)),
    '{"a": 12345678901234567890.5}',
    '{"a": [NaN, Infinity, -Infinity]}',
    '{"a": 1e999}',
    '{"a": 1, "b": 2, "a": 3}',
    '{"a": "\\ud800", "\\udfff": 1}',
    '{"a": "\ud800"}',
    '{"a": "\\ud83d\\ude00\U0001f600"}',
    b'{"a": "\xff"}',
    b'{"a": "\xed\xa0\x80"}',
    b'\xef\xbb\xbf{"a": 1}',
    '\ufeff{"a": 1}',
    '{"a": "\u00e9"}'.encode("utf-16"),
    '{"a": 1}'.encode("utf-32-le"),
    "[" * 1_500 + "]" * 1_500,
    "[" * 900 + "]" * 900,
    "[" * 200_000,
    '{"a": %s}' % ("9" * 10_000),
    '{"a": "x\ty"}',
    '{"a": 1,}',
    '{"a": 01}',
    '{"a": .5}',
    "",
    " ",
    b"null",
    "[1] x",
]  # fmt: skip


def _outcome(read: Any, text: str | bytes) -> str:
    try:
        # Written out, since NaN differs from itself, and 1 is equal to 1.0.
        return repr(read(text))
    except RecursionError:
        return "too deep"
    except ValueError as exc:
        return f"{type(exc).__name__}: {exc}"


@needs_orjson
@pytest.mark.parametrize("text", _TEXTS, ids=[f"{number}" for number in range(len(_TEXTS))])
def test_both_ways_read_alike(text: str | bytes) -> None:
    """Odd text gives the same value, or the same error, with orjson and with json."""
    # -0 is an integer to json: of equal value, so that patterns see no difference.
    expected = _outcome(json.loads, text)
    actual = _outcome(make_reader(_QUICK), text).replace("-0.0", "0")

    assert expected == actual


@needs_orjson
@settings(max_examples=300, deadline=None)
@given(
    value=st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
        max_leaves=10,
    ),
    escaped=st.booleans(),
)
def test_what_was_written_is_read(value: Any, *, escaped: bool) -> None:
    """Any value written by json is read to the same by both."""
    text = json.dumps(value, ensure_ascii=escaped)

    assert repr(json.loads(text)) == repr(make_reader(_QUICK)(text))


def test_without_orjson_json_reads() -> None:
    """Where orjson is not installed, everything is read by json."""
    read = make_reader(None)

    assert {"a": 2**70} == read(b'{"a": 1180591620717411303424}')
    assert math.isnan(read("NaN"))


def test_what_the_quick_reader_refuses_goes_to_json() -> None:
    """A reader that takes nothing, and one that must not be asked, change no answer."""

    def refuse(_text: bytes) -> Any:
        raise ValueError

    def turn_to_float(_text: bytes) -> Any:
        return float(2**70)

    assert {"a": 1} == make_reader(refuse)('{"a": 1}')
    assert 2**70 == make_reader(turn_to_float)(str(2**70))
    assert float(2**70) == make_reader(turn_to_float)("1")
