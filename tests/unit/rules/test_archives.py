"""Archives in rule files: what is read, every fault where it stands, and what the rule set makes of it."""

import json

import pytest

from eventflow.events import Event
from eventflow.routing import PlannedDelivery, plan
from eventflow.rules import ARCHIVE, ARCHIVE_TARGET, RuleSet, Target, load_rules
from eventflow.rules.archives import FOREVER
from eventflow.rules.lint import lint
from eventflow.rules.loader import read_rules

TEXT = """\
archives:
  everything:
    description: All of it.
    owner: platform-team
    pattern: {source: [{exists: true}]}
    retention: 90d
  doors:
    pattern: {detail-type: [Door]}
    retention: 1h30m
  ever: {bus: lab, pattern: {source: [x]}, retention: forever}
  off: {pattern: {source: [x]}, retention: 1d, enabled: false}
"""
HEAD = "archives:\n"


def arrived(kind: str = "Door", bus: str = "default", **more: object) -> Event:
    """Return an event."""
    return Event(source="x", type=kind, data={}, bus=bus, **more)


def names(rules: RuleSet, event: Event) -> list[str]:
    """Return the archives that keep an event."""
    return [archive.name for archive in rules.archiving(event.bus, event.to_eventbridge())]


def facts_of(delivery: PlannedDelivery) -> dict[str, object]:
    """Return what the router tells the recorder."""
    facts: dict[str, object] = json.loads(delivery.input or "")
    return facts


def test_archives_are_read(write_rules):
    """With everything that they say, and where they stand."""
    rules = load_rules(write_rules(main=TEXT))
    first = rules.archives[0]
    assert ["everything", "doors", "ever", "off"] == [archive.name for archive in rules.archives]
    assert ("All of it.", "platform-team", "default", True) == (
        first.description,
        first.owner,
        first.bus,
        first.enabled,
    )
    assert [90 * 86400.0, 5400.0, FOREVER, 86400.0] == [each.retention for each in rules.archives]
    assert ("rules/main.yaml", 2) == (first.file, first.line)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  a: {pattern: {source: [x]}}", "2:3: archives.a: 'retention' is missing"),
        ("  a: {retention: 1d}", "2:3: archives.a: 'pattern' is missing"),
        ("  a: x", "2:3: archives.a: must be a mapping of an archive's keys"),
        (
            "  a: {pattern: {source: [x]}, retentions: 1d}",
            "2:31: archives.a.retentions: 'retentions' is an unknown key; did you mean 'retention'?",
        ),
        (
            "  a: {pattern: {source: [x]}, retention: 1d, targets: [b]}",
            "2:46: archives.a.targets: 'targets' is an unknown key",
        ),
        (
            "  a: {pattern: {source: [x]}, retention: 0s}",
            "2:42: archives.a.retention: must be longer than nothing",
        ),
        (
            "  a: {pattern: {source: [x]}, retention: 36501d}",
            "2:42: archives.a.retention: must be longer than nothing",
        ),
        (
            "  a: {pattern: {source: [x]}, retention: 90}",
            "2:42: archives.a.retention: must be a duration such as 90d, or forever",
        ),
        (
            "  a: {pattern: {source: [x]}, retention: a while}",
            "2:42: archives.a.retention: 'a while' is not a duration",
        ),
        (
            "  a: {pattern: {source: x}, retention: 1d}",
            "2:25: archives.a.pattern.source: ",
        ),
        (
            "  a: {pattern: {source: [x]}, retention: 1d, bus: a b}",
            "2:51: archives.a.bus: 'a b' cannot be a bus",
        ),
        ("  a b: {pattern: {source: [x]}, retention: 1d}", "2:3: archives.a b: 'a b' cannot be a"),
    ],
)
def test_each_fault_is_told(faults_of, text, problem):
    """Where it stands, saying what is wrong, as for rules and targets."""
    (line,) = faults_of(main=HEAD + text)
    assert line.startswith(f"rules/main.yaml:{problem}")


def test_a_name_is_defined_once(faults_of):
    """In all files together."""
    (line,) = faults_of(a=TEXT, b=HEAD + "  doors: {pattern: {source: [x]}, retention: 1d}")
    assert line.endswith("'doors' is defined already, at rules/a.yaml:7")


def test_an_event_is_kept_by_the_archives_in_force_of_its_bus(write_rules):
    """Sorted by name; a disabled one keeps nothing."""
    rules = load_rules(write_rules(main=TEXT))
    assert ["doors", "everything"] == names(rules, arrived())
    assert ["everything"] == names(rules, arrived("Parcel"))
    assert ["ever"] == names(rules, arrived(bus="lab"))
    assert [] == names(rules, arrived(bus="other"))


def test_archives_have_one_target_that_is_announced(write_rules):
    """It is none of the files' own, and is there only where there is an archive."""
    rules = load_rules(write_rules(main=TEXT))
    assert {} == dict(rules.targets)
    assert {ARCHIVE: ARCHIVE_TARGET} == rules.announced
    assert {ARCHIVE} == rules.named_targets
    assert {"default", "lab"} == rules.buses
    again = Target.model_validate_json(ARCHIVE_TARGET.model_dump_json())
    assert ARCHIVE_TARGET == again
    without = load_rules(write_rules(main="targets: {a: {task: x}}"))
    assert {"a"} == set(without.announced)
    assert frozenset() == without.named_targets


def test_one_that_is_off_is_announced_and_not_named(write_rules):
    """What was on its way to it is still moved."""
    rules = load_rules(
        write_rules(main=HEAD + "  a: {pattern: {source: [x]}, retention: 1d, enabled: false}")
    )
    assert (ARCHIVE in rules.announced, ARCHIVE in rules.named_targets) == (True, False)


def test_a_changed_archive_changes_the_fingerprint(write_rules):
    """So that routers and the doctor tell the rules apart."""
    before = load_rules(write_rules(main=TEXT)).fingerprint
    after = load_rules(write_rules(main=TEXT.replace("90d", "91d"))).fingerprint
    assert before != after


def test_the_plan_has_one_delivery_for_all_archives(write_rules):
    """Last, with the archives for rules, and kept as long as the longest of them says."""
    rules = load_rules(write_rules(main=TEXT))
    [delivery] = plan(arrived(), rules, accepted_at=1_000.5, with_archive=True)
    assert (ARCHIVE, ("doors", "everything")) == (delivery.target.name, delivery.rules)
    assert {"accepted_at": 1000.5, "kept_until": 7777000.5, "targets": []} == facts_of(delivery)
    [forever] = plan(arrived(bus="lab"), rules, accepted_at=1.0, with_archive=True)
    assert (1.0, None) == (facts_of(forever)["accepted_at"], facts_of(forever)["kept_until"])
    assert () == plan(arrived(), rules, accepted_at=1.0)


def test_what_a_replay_sends_is_never_planned_for_the_archive(write_rules):
    """It came from there."""
    rules = load_rules(write_rules(main=TEXT))
    event = arrived(replay_name="tuesday")
    assert () == plan(event, rules, accepted_at=1.0, with_archive=True)


def test_the_linter_looks_at_archives_as_at_rules(write_rules):
    """Those that can keep nothing, that are off, and that ask the same as another archive."""
    text = HEAD + (
        "  never: {pattern: {detail: {a: [{numeric: ['>', 5, '<', 9]}], b: [null, {exists: false}]}}, retention: 1d}\n"
        "  same: {pattern: {detail: {b: [{exists: false}, null], a: [{numeric: ['>', 5, '<', 9]}]}}, retention: 2d}\n"
        "  off: {pattern: {source: [y]}, retention: 1d, enabled: false}\n"
    )
    found = [str(each) for each in lint(read_rules(write_rules(main=text)))]
    assert any(
        "4:48: warning disabled-rule: archives.off.enabled: the archive is not in force" in line
        for line in found
    )
    assert any(
        "same-pattern: archives.same.pattern: the archive 'never' at rules/main.yaml:2 asks the "
        "same of the bus 'default'; an event is kept once" in line
        for line in found
    )
    assert 2 == len(found)
