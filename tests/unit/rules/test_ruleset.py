"""The compiled rule set: immutable, its order, its buses, its fingerprint."""

import pytest

from eventflow.errors import RuleError
from eventflow.patterns import Pattern
from eventflow.rules import Rule, RuleSet, RuleTarget, Target, load_rules

TARGET = Target(name="audit", task="workers.audit.keep")
HEAD = "targets: {audit: {task: workers.audit.keep}}\n"
RULE = "rules: {r: {pattern: {source: [x]}, targets: [audit]}}\n"


def rule(name: str, source: str = "x", bus: str = "default", *, enabled: bool = True) -> Rule:
    """Return a rule for one source."""
    return Rule(
        name, Pattern({"source": [source]}), (RuleTarget("audit"),), bus=bus, enabled=enabled
    )


def test_matching_keeps_the_order_of_the_rules():
    """Rules that match come in the order of the files, whatever their names."""
    rules = RuleSet([TARGET], [rule("z"), rule("a"), rule("other", "y"), rule("m")])
    names = [found.name for found in rules.matching("default", {"source": "x"})]
    assert names == ["z", "a", "m"]


def test_matching_is_per_bus_and_only_what_is_enabled():
    """Neither another bus's rules nor disabled ones match."""
    rules = RuleSet([TARGET], [rule("a"), rule("off", enabled=False), rule("b", bus="lab")])
    assert [found.name for found in rules.matching("default", {"source": "x"})] == ["a"]
    assert [found.name for found in rules.matching("lab", {"source": "x"})] == ["b"]
    assert rules.matching("none", {"source": "x"}) == ()


def test_buses_are_those_of_the_rules_and_the_default():
    """Each bus that a rule names is known, and the default one always."""
    assert RuleSet([TARGET], [rule("b", bus="lab")]).buses == {"default", "lab"}
    assert RuleSet([], []).buses == {"default"}


def test_targets_cannot_be_changed():
    """Nobody can slip a target into a set that is in force."""
    rules = RuleSet([TARGET], [])
    with pytest.raises(TypeError):
        rules.targets["x"] = TARGET  # type: ignore[index]
    with pytest.raises(AttributeError):
        rules.rules = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("targets", "rules", "message"),
    [
        ([], [rule("a")], "rule 'a' names the target 'audit', which there is not"),
        ([TARGET, TARGET], [], "two targets have one name"),
        ([TARGET], [rule("a"), rule("a")], "two rules have one name"),
    ],
)
def test_what_does_not_fit_is_refused(targets, rules, message):
    """A rule set that is built in Python is held to the same."""
    with pytest.raises(RuleError, match=message):
        RuleSet(targets, rules)


def test_fingerprint_stays_where_the_meaning_does(write_rules):
    """Comments, layout and files do not change the fingerprint."""
    first = load_rules(write_rules(a=HEAD + RULE)).fingerprint
    folder = write_rules(a=HEAD + "# said once more\n")
    (folder / "b.yaml").write_text(
        "rules:\n  r:\n    pattern:\n      source: [x]\n    targets: [audit]\n"
    )
    assert load_rules(folder).fingerprint == first
    assert len(first) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("source: [x]", "source: [y]"),
        ("targets: [audit]", "targets: [{target: audit, input: {constant: 1}}]"),
        ("{r:", "{q:"),
        ("r: {", "r: {enabled: false, "),
        ("r: {", "r: {bus: lab, "),
        ("task: workers.audit.keep", "task: workers.audit.keep, timeout: 31s"),
    ],
)
def test_fingerprint_changes_with_the_meaning(write_rules, old, new):
    """Whatever changes what is delivered changes the fingerprint."""
    first = load_rules(write_rules(a=HEAD + RULE)).fingerprint
    changed = (HEAD + RULE).replace(old, new)
    assert changed != HEAD + RULE
    assert load_rules(write_rules(a=changed)).fingerprint != first
