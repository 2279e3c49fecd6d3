"""The reference page of rule files: every key is on it with its default, its examples load."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from eventflow.rules import CircuitBreaker, RetryPolicy, Target, load_rules
from eventflow.rules.documents import InputDocument, RuleDocument, RuleTargetDocument
from eventflow.rules.lint import CODES, FAULT, MAX_COMPLEXITY
from eventflow.units import parse_duration

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))
MODELS: list[type[BaseModel]] = [
    Target,
    RetryPolicy,
    CircuitBreaker,
    RuleDocument,
    RuleTargetDocument,
    InputDocument,
]
DURATIONS = {"timeout", "max_age", "initial", "max", "window", "open_for"}


@pytest.mark.parametrize(
    "key",
    sorted({key for model in MODELS for key in model.model_fields} - {"name"}),
)
def test_every_key_is_documented(key):
    """A key that a rule file may have has its row."""
    assert key in ROWS


@pytest.mark.parametrize(
    ("key", "default"),
    [
        (key, field.default)
        for model in (RetryPolicy, CircuitBreaker, Target, RuleDocument)
        for key, field in model.model_fields.items()
        if isinstance(field.default, str | int | float) and field.default != ""
    ],
)
def test_every_default_is_what_the_page_says(key, default):
    """The page's defaults are the code's."""
    documented = ROWS[key].strip("`")
    if key in DURATIONS:
        assert parse_duration(documented) == default
    elif isinstance(default, bool):
        assert documented == str(default).lower()
    else:
        assert documented == (f"{default:g}" if isinstance(default, float) else str(default))


def test_every_code_of_the_linter_is_documented():
    """Each code that `rules check` may say has its row, with its severity."""
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (error|warning(?:, error)?) \|", PAGE, re.MULTILINE))
    either = {"impossible-value", "unknown-field", "unknown-input-path"}
    expected = {code: "warning, error" if code in either else "warning" for code in CODES}
    assert rows == {FAULT: "error", **expected}
    assert f"above {MAX_COMPLEXITY}." in PAGE


@pytest.mark.parametrize("number", range(PAGE.count("```yaml")))
def test_every_example_loads(tmp_path, number):
    """Each example is a whole rule file without faults."""
    text = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[number]
    (tmp_path / "example.yaml").write_text(text)
    loaded = load_rules(tmp_path)
    assert loaded.rules or loaded.archives
