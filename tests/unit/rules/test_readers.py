"""Who reads what: every place of a rule that looks at a field, and the rules of a kind of event."""

from pathlib import Path

import pytest

from eventflow.patterns import Pattern
from eventflow.rules import load_rules
from eventflow.rules.readers import can_match, readers, rules_for

REFERENCE = Path(__file__).resolve().parents[3] / "rules"
TARGETS = "targets: {a: {task: x}, b: {task: x}, c: {task: x}, d: {task: x}}\n"


def test_every_place_is_found(write_rules):
    """Fields of a pattern, of its `$or` and of inputs are found, each with its place."""
    text = TARGETS + (
        "rules:\n  r:\n    pattern:\n      detail.door: {kind: [gate]}\n"
        "      $or: [{detail: {x: [{exists: false}]}}, {source: [s]}]\n"
        "    targets:\n      - a\n"
        "      - {target: b, input: {path: '$.detail.items[0].sku'}}\n"
        "      - {target: c, input: {paths: {who: $.detail.who}, template: {w: <who>}}}\n"
        "      - {target: d, input: {template: {e: <aws.events.event.json>}}}\n"
    )
    found = [
        (each.target, each.path, each.where) for each in readers(load_rules(write_rules(m=text)))
    ]
    assert found == [
        (None, "detail.door.kind", ("pattern", "detail.door", "kind")),
        (None, "detail.x", ("pattern", "$or", 0, "detail", "x")),
        (None, "source", ("pattern", "$or", 1, "source")),
        ("a", "", ("targets", 0)),
        ("b", "detail.items[0].sku", ("targets", 1, "input", "path")),
        ("c", "detail.who", ("targets", 2, "input", "paths", "who")),
        ("d", "", ("targets", 3, "input", "template")),
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("detail", "items", "sku"), True),
        (("detail", "items"), True),  # around it
        (("detail", "items", "sku", "code"), True),  # in it
        (("detail", "item"), False),
        (("detail", "items", "size"), False),
        ((), True),
    ],
)
def test_change_is_seen(names, expected, write_rules):
    """A reader sees changes of its own field, around it and in it, and no others."""
    text = TARGETS + (
        "rules: {r: {pattern: {source: [s]}, targets: "
        "[{target: b, input: {path: '$.detail.items[0].sku'}}]}}"
    )
    *_, reader = readers(load_rules(write_rules(m=text)))
    assert reader.reads(names) is expected


def test_rules_of_the_reference():
    """The pattern engine itself says which of the reference's rules a kind of event may reach."""
    rules = load_rules(REFERENCE)
    names = [rule.name for rule in rules_for(rules, "partner.planning", "ParcelDelayed", "default")]
    assert names == [
        "audit-everything",
        "partner-hears-of-serious-delay",
        "tell-recipient-of-delay",
        "tell-dutch-recipient-of-delay",
    ]
    assert rules_for(rules, "partner.planning", "ParcelDelayed", "lab") == ()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": [{"prefix": "courier."}]}, True),
        ({"source": [{"anything-but": "courier.app"}]}, False),
        ({"detail-type": [{"wildcard": "*Left"}]}, False),
        ({"source": [{"exists": False}]}, False),
        ({"source": ["courier.app"], "detail": {"x": [1]}}, True),
        ({"source": ["courier.app"], "version": ["1"]}, False),
    ],
)
def test_kinds_of_conditions(pattern, expected):
    """Each kind of test of source and type is really asked."""
    (alternative,) = Pattern(pattern).alternatives
    assert can_match(alternative, "courier.app", "CourierArrived") is expected
