"""Which targets get an event, and what each gets."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from eventflow.events import Event
from eventflow.routing import PlannedDelivery, plan
from eventflow.rules import Restriction, load_rules

RULES = """\
targets:
  one: {task: x.one}
  two: {task: x.two}
  three: {task: x.three}
rules:
  whole:
    pattern: {source: [courier.app]}
    targets: [two, one]
  shaped:
    pattern: {detail-type: [CourierArrived]}
    targets:
      - target: one
        input: {constant: second}
      - target: three
        input: {paths: {who: $.detail.who}, template: {text: "Hello <who>", at: <aws.events.event.ingestion-time>, by: <aws.events.rule-name>}}
  off:
    enabled: false
    pattern: {source: [courier.app]}
    targets: [three]
  elsewhere:
    bus: lab
    pattern: {source: [courier.app]}
    targets: [three]
  strict:
    pattern: {detail-type: [Strict]}
    targets:
      - target: one
        input: {path: $.detail.none, missing: fail}
      - two
"""


def planned(tmp_path: Path, **event: Any) -> tuple[PlannedDelivery, ...]:
    """Plan one event by the rules above."""
    (tmp_path / "rules.yaml").write_text(RULES)
    values = {"source": "courier.app", "type": "CourierArrived", "data": {"who": 'A"d\\a'}, **event}
    return plan(Event(**values), load_rules(tmp_path), accepted_at=1_795_464_000.5)


def test_each_target_gets_one_delivery_in_order_of_first_mention(tmp_path):
    """Several rules that name one target make one delivery, which names them all."""
    assert [("two", ("whole",)), ("one", ("whole", "shaped")), ("three", ("shaped",))] == [
        (each.target.name, each.rules) for each in planned(tmp_path)
    ]


def test_the_first_rule_says_what_a_target_gets(tmp_path):
    """Where rules differ about a target's input, the first one counts."""
    two, one, _ = planned(tmp_path)
    assert (two.input, one.input) == (None, None)


def test_shaped_input_is_compact_json(tmp_path):
    """A shaped input is JSON text, with the event's values escaped and the moment of acceptance."""
    *_, three = planned(tmp_path)
    assert three.input is not None
    assert three.input.startswith('{"text":"Hello A\\"d\\\\a","at":')
    assert json.loads(three.input) == {
        "text": 'Hello A"d\\a',
        "at": "2026-11-23T20:00:00.500Z",
        "by": "shaped",
    }


def test_only_the_events_bus_counts(tmp_path):
    """An event is matched by its own bus's rules alone."""
    assert [each.target.name for each in planned(tmp_path, bus="lab")] == ["three"]
    assert planned(tmp_path, bus="nowhere") == ()


def test_an_event_that_no_rule_wants_goes_nowhere(tmp_path):
    """No match is no delivery."""
    assert planned(tmp_path, source="else", type="Else") == ()


def test_a_shape_that_fails_is_told_and_spoils_nothing_else(tmp_path):
    """With `missing: fail` the delivery carries its fault, the others are as they are."""
    one, two = planned(tmp_path, source="else", type="Strict")
    assert (one.target.name, one.input) == ("one", None)
    assert one.fault.startswith("the input of rule 'strict' could not be made: $.detail.none: ")
    assert (two.target.name, two.input, two.fault) == ("two", None, "")


def test_a_planned_delivery_does_not_show_payload(tmp_path):
    """What is logged about a plan holds nothing of the event's content."""
    assert all("Hello" not in repr(each) for each in planned(tmp_path))


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}])
def test_falsy_inputs_are_inputs(tmp_path, value):
    """Null, false, zero and empty values are shaped inputs, not the event itself."""
    (tmp_path / "rules.yaml").write_text(
        "targets: {one: {task: x}}\n"
        "rules: {r: {pattern: {source: [s]}, targets: "
        f"[{{target: one, input: {{constant: {json.dumps(value)}}}}}]}}}}"
    )
    (delivery,) = plan(Event(source="s", type="t", data={}), load_rules(tmp_path), accepted_at=0.0)
    assert delivery.input == json.dumps(value)


def test_an_input_that_grows_without_bound_is_a_fault(tmp_path):
    """A template that names a large part of the event many times makes no message, but a reason."""
    (tmp_path / "rules.yaml").write_text(
        "targets: {one: {task: x.one}}\n"
        "rules: {all: {pattern: {source: [s]}, targets: [{target: one, input: {"
        "paths: {big: $.detail.big}, template: {a: <big>, b: <big>}}}]}}\n"
    )
    event = Event(source="s", type="T", data={"big": "é" * 100})
    rules = load_rules(tmp_path)
    [fits] = plan(event, rules, accepted_at=0.0, max_input=415)
    assert (415, "") == (len((fits.input or "").encode()), fits.fault)
    [grown] = plan(event, rules, accepted_at=0.0, max_input=414)
    assert grown.input is None
    assert "the input of rule 'all' has 415 bytes, and at most 414 are allowed" in grown.fault
    assert "EVENTFLOW_MAX_EVENT_BYTES" in grown.fault


def test_a_replay_is_for_what_it_is_restricted_to(tmp_path):
    """Only the named rules count, for the named targets, and the first of these shapes the input."""
    (tmp_path / "rules.yaml").write_text(
        """
        targets: {a: {task: t}, b: {task: t}}
        rules:
          one: {pattern: {source: [s]}, targets: [{target: a, input: {constant: 1}}, b]}
          two: {pattern: {source: [s]}, targets: [{target: a, input: {constant: 2}}]}
        """
    )
    event, rules = Event(source="s", type="t", data={}), load_rules(tmp_path)

    def planned(*, by_rules: Sequence[str] = (), for_targets: Sequence[str] = ()) -> list[object]:
        only = Restriction(frozenset(by_rules), frozenset(for_targets))
        found = plan(event, rules, accepted_at=0.0, only=only)
        return [(item.target.name, item.rules, item.input) for item in found]

    assert [("a", ("one", "two"), "1"), ("b", ("one",), None)] == planned()
    assert [("a", ("two",), "2")] == planned(by_rules=["two"])
    assert [("b", ("one",), None)] == planned(for_targets=["b"])
    assert [] == planned(by_rules=["two"], for_targets=["b"])
