"""The reference page is normative: each of its examples and bounds is held to."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from eventflow.patterns import Pattern, PatternError
from eventflow.patterns.operators.table import OPERATORS, RESERVED
from eventflow.patterns.shape import MAX_DEPTH, MAX_VALUES
from eventflow.patterns.syntax import MAX_ALTERNATIVES, MAX_CONDITIONS

_PAGE = Path(__file__).resolve().parents[3] / "docs/reference/patterns.md"
_TEXT = _PAGE.read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```pattern\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^  (matches|does not match|is refused) +(.*)$", re.MULTILINE)
_EDGE = re.compile(
    r"^\| .* \| `(\[.*\])` \| `({.*})` \| (matches|does not match) \|$", re.MULTILINE
)


def _examples() -> list[tuple[Any, str, str]]:
    found: list[tuple[Any, str, str]] = []
    for block in _BLOCK.findall(_TEXT):
        pattern, _, rest = block.partition("\n")
        lines = _EXAMPLE.findall(rest)
        assert len(lines) == len(rest.splitlines()), f"an example that no one reads: {rest}"
        found += [(json.loads(pattern), verdict, subject) for verdict, subject in lines]
    found += [
        ({"a": json.loads(asked)}, verdict, event) for asked, event, verdict in _EDGE.findall(_TEXT)
    ]
    return found


@pytest.mark.parametrize(("pattern", "verdict", "subject"), _examples())
def test_example(pattern: Any, verdict: str, subject: str) -> None:
    """What the page says of a pattern and an event is so."""
    if verdict == "is refused":
        with pytest.raises(PatternError) as caught:
            Pattern(pattern)
        assert subject == str(caught.value)
    else:
        assert (verdict == "matches") is Pattern(pattern).matches(json.loads(subject))


def test_page_has_its_examples() -> None:
    """The page's examples are found: none is lost by a change of its form."""
    assert _TEXT.count("\n  matches ") + _TEXT.count("\n  does not match ") > 60
    assert len(_EDGE.findall(_TEXT)) == 15


def test_every_operator_is_documented() -> None:
    """Each operator has a heading with its name and an example, and each reserved name stands."""
    headings = " ".join(re.findall(r"^### (.*)$", _TEXT, re.MULTILINE))

    assert set(OPERATORS) == {name for name in OPERATORS if f"`{name}`" in headings}
    assert set(OPERATORS) == {name for name in OPERATORS if f'{{"{name}":' in _TEXT}
    assert RESERVED == {name for name in RESERVED if f"`{name}`" in _TEXT}


def test_bounds_are_documented() -> None:
    """The page's table of bounds has the numbers of the code."""
    table = _TEXT.partition("## Bounds")[2].partition("\n\nNon-finite")[0]
    numbers = [int(number.replace(",", "")) for number in re.findall(r"\| ([0-9,]+) \|", table)]

    assert [MAX_DEPTH, MAX_VALUES, MAX_ALTERNATIVES, MAX_CONDITIONS, 4096] == numbers
