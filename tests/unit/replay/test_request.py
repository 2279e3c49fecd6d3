"""What is to be replayed: what is refused, and how it is kept."""

from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import ReplayError, StoreError
from eventflow.replay.request import ReplayRequest
from eventflow.rules import RuleSet, load_rules

RULES = """
targets: {vendor: {task: t}, audit: {task: t}}
rules:
  doors: {pattern: {source: [s]}, targets: [vendor, audit]}
  everything: {pattern: {source: [s]}, targets: [audit]}
  off: {pattern: {source: [s]}, targets: [vendor], enabled: false}
  elsewhere: {pattern: {source: [s]}, targets: [vendor], bus: other}
"""


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    """The rules in force."""
    (tmp_path / "rules.yaml").write_text(RULES)
    return load_rules(tmp_path)


def request_of(**values: Any) -> ReplayRequest:
    """Return a request that is in order, but for what is given."""
    return ReplayRequest(**{"since": 1.0, "until": 2.0, **values})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"rules": ("doors",)},
        {"targets": ("vendor",), "rules": ("doors", "everything")},
        {"pattern": {"source": ["s"]}, "rate": "50/s"},
        {"bus": "other", "targets": ("vendor",)},
        {"bus": "nobody's"},
    ],
)
def test_what_can_be_is_not_refused(rules: RuleSet, values: dict[str, Any]) -> None:
    """Rules and targets that are there, and lead somewhere."""
    request_of(**values).check(rules)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"targets": ("nobody",)}, "the target 'nobody' is not in the rules"),
        ({"rules": ("none", "doors")}, "the rule 'none' is not in the rules"),
        (
            {"rules": ("everything",), "targets": ("vendor",)},
            "no enabled rule of the bus 'default'",
        ),
        ({"rules": ("off",)}, "no enabled rule of the bus 'default'"),
        ({"rules": ("elsewhere",)}, "no enabled rule of the bus 'default'"),
        ({"bus": "third", "targets": ("vendor",)}, "no enabled rule of the bus 'third'"),
        ({"pattern": {"source": "s"}}, "cannot be read: .*source"),
        ({"rate": "fast"}, "cannot be read: 'fast' is not a rate"),
        ({"since": 2.0}, "is not before the time at its end"),
    ],
)
def test_what_cannot_be_is_refused(rules: RuleSet, values: dict[str, Any], said: str) -> None:
    """With a reason, before anything is sent."""
    with pytest.raises(ReplayError, match=said):
        request_of(**values).check(rules)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {
            "bus": "other",
            "archive": "courier",
            "rules": ("doors",),
            "targets": ("vendor", "audit"),
            "sources": ("s",),
            "types": ("T",),
            "pattern": {"detail": {"a": [1]}},
            "rate": "50/s",
            "unsent_to": "vendor",
        },
    ],
)
def test_it_is_read_as_it_was_written(values: dict[str, Any]) -> None:
    """What the store keeps brings back the same."""
    request = request_of(**values)
    assert request == ReplayRequest.from_document(request.to_document())


def test_a_newer_eventflow_s_is_refused() -> None:
    """A field that is not known may have narrowed what is sent."""
    with pytest.raises(StoreError, match="the replay says colour"):
        ReplayRequest.from_document({"since": 1.0, "until": 2.0, "colour": "red"})
