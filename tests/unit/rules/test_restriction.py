"""What a replay is restricted to."""

from pathlib import Path

import pytest

from eventflow.errors import RuleError
from eventflow.rules import UNRESTRICTED, Restriction, load_rules

RULES = """
targets: {vendor: {task: t}, audit: {task: t}}
rules:
  one: {pattern: {source: [s]}, targets: [vendor]}
  two: {pattern: {source: [s]}, targets: [audit]}
"""


def test_nothing_said_allows_all() -> None:
    """A replay without a restriction is for every rule and every target."""
    assert UNRESTRICTED.allows_rule("one")
    assert UNRESTRICTED.allows_target("vendor")


def test_what_is_named_is_allowed_alone() -> None:
    """Rules and targets that are not named do not count."""
    only = Restriction(frozenset({"one"}), frozenset({"audit"}))
    assert (True, False) == (only.allows_rule("one"), only.allows_rule("two"))
    assert (True, False) == (only.allows_target("audit"), only.allows_target("vendor"))


def test_it_is_read_as_it_was_written() -> None:
    """The ledger's JSON brings back the same."""
    only = Restriction(frozenset({"b", "a"}), frozenset({"ü"}))
    assert only == Restriction.from_json(only.to_json())
    assert UNRESTRICTED == Restriction.from_json(UNRESTRICTED.to_json())


@pytest.mark.parametrize("text", ["", "[]", '{"rules":[]}', '{"rules":1,"targets":[]}'])
def test_garbage_is_refused(text: str) -> None:
    """What is no restriction is an error, never a restriction to nothing, or to all."""
    with pytest.raises(RuleError, match="cannot be read"):
        Restriction.from_json(text)


def test_what_the_rules_lack_is_named(tmp_path: Path) -> None:
    """A router that is behind says which rule or target it does not know."""
    (tmp_path / "rules.yaml").write_text(RULES)
    rules = load_rules(tmp_path)
    assert Restriction(frozenset({"one"}), frozenset({"audit"})).missing(rules) == ""
    behind = Restriction(frozenset({"three", "one"}), frozenset({"new"}))
    assert "the rule 'three' and the target 'new'" == behind.missing(rules)
