"""The 919 cases of event-ruler and moto, where the shared data stands beside the checkout."""

import json
from pathlib import Path
from typing import Any

import pytest

from eventflow.patterns import Pattern, PatternError

_CASES = Path(__file__).resolve().parents[3].parent / "shared/data/pattern-conformance/cases.jsonl"
_COUNT = 919

_DIFFERENCES: dict[str, tuple[bool | str, str]] = {}
"""Cases that are decided otherwise here: name, our answer, and why AWS's service says so. None."""


def _load() -> list[dict[str, Any]]:
    if not _CASES.exists():
        return []
    return [json.loads(line) for line in _CASES.read_text(encoding="utf-8").splitlines()]


_LOADED = _load()
needs_cases = pytest.mark.skipif(
    not _LOADED, reason="no ../shared/data/pattern-conformance beside the checkout"
)


@needs_cases
def test_all_cases_are_there() -> None:
    """The file is whole, and every listed difference names a case."""
    assert len(_LOADED) == _COUNT
    assert {case["name"] for case in _LOADED} >= set(_DIFFERENCES)


@needs_cases
@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _LOADED])
def test_case(case: dict[str, Any]) -> None:
    """The answer is the recorded one, or the one that the table of differences gives."""
    expected, _reason = _DIFFERENCES.get(case["name"], (case["expect"], ""))
    try:
        actual: bool | str = Pattern(case["pattern"]).matches(case["event"])
    except PatternError:
        actual = "error"

    assert expected == actual
