"""Rules, targets and buses as EventBridge shows them."""

import json
from typing import Any

import pytest

from eventflow.gateway.publishers import ANYBODY, KeyPublisher
from eventflow.gateway.refusals import Refusal
from eventflow.gateway.shown_rules import OPERATIONS, Question
from eventflow.rules import RuleSet, load_rules

RULES = """
targets:
  doors: {task: a.b, retry: {max_attempts: 5, max_age: 1h}}
  notify: {task: a.c}
rules:
  open:
    description: The door opens.
    pattern: {source: [courier.app]}
    targets:
      - doors
      - {target: notify, input: {paths: {who: $.detail.who}, template: "for <who>"}}
  off: {enabled: false, pattern: {source: [x]}, targets: [{target: doors, input: {constant: 1}}]}
  paid: {bus: money, pattern: {source: [x]}, targets: [{target: doors, input: {path: $.detail}}]}
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """A rule set on two buses."""
    place = tmp_path_factory.mktemp("rules")
    (place / "rules.yaml").write_text(RULES)
    return load_rules(place)


def _ask(rules: RuleSet, operation: str, publisher: KeyPublisher = ANYBODY, **request: Any) -> Any:
    return OPERATIONS[operation](Question(request, rules, publisher, "eu-west-1"))


def test_a_rule_is_described(rules: RuleSet) -> None:
    """A rule shows its pattern, state, description, and an ARN of the region that was asked for."""
    shown = _ask(rules, "DescribeRule", Name="open")
    assert json.loads(shown.pop("EventPattern")) == {"source": ["courier.app"]}
    assert shown == {
        "Name": "open",
        "Arn": "arn:aws:events:eu-west-1:000000000000:rule/open",
        "State": "ENABLED",
        "Description": "The door opens.",
        "EventBusName": "default",
        "CreatedBy": "000000000000",
    }
    other = _ask(rules, "DescribeRule", Name="paid", EventBusName="money")
    assert other["Arn"].endswith(":rule/money/paid")


def test_rules_are_listed_by_bus_and_prefix(rules: RuleSet) -> None:
    """Rules are those of the bus, sorted; a prefix narrows them; what is off says so."""
    listed = _ask(rules, "ListRules")
    assert [(rule["Name"], rule["State"]) for rule in listed["Rules"]] == [
        ("off", "DISABLED"),
        ("open", "ENABLED"),
    ]
    assert ["open"] == [rule["Name"] for rule in _ask(rules, "ListRules", NamePrefix="op")["Rules"]]
    assert [] == _ask(rules, "ListRules", NamePrefix="zzz")["Rules"]


def test_pages_lead_through_all(rules: RuleSet) -> None:
    """With a limit, each answer leads to the next, and the last leads nowhere."""
    first = _ask(rules, "ListRules", Limit=1)
    second = _ask(rules, "ListRules", Limit=1, NextToken=first["NextToken"])
    assert [first["Rules"][0]["Name"], second["Rules"][0]["Name"]] == ["off", "open"]
    assert "NextToken" not in second


def test_targets_show_policy_and_input(rules: RuleSet) -> None:
    """Targets show their retries after the first attempt, and their input by EventBridge's names."""
    doors, notify = _ask(rules, "ListTargetsByRule", Rule="open")["Targets"]
    assert doors == {
        "Id": "doors",
        "Arn": "arn:aws:events:eu-west-1:000000000000:target/doors",
        "RetryPolicy": {"MaximumRetryAttempts": 4, "MaximumEventAgeInSeconds": 3600},
    }
    assert notify["InputTransformer"] == {
        "InputPathsMap": {"who": "$.detail.who"},
        "InputTemplate": '"for <who>"',
    }
    (constant,) = _ask(rules, "ListTargetsByRule", Rule="off")["Targets"]
    assert constant["Input"] == "1"
    (path,) = _ask(rules, "ListTargetsByRule", Rule="paid", EventBusName="money")["Targets"]
    assert path["InputPath"] == "$.detail"


def test_buses_are_shown(rules: RuleSet) -> None:
    """The buses are the default one and those of the rules."""
    names = [bus["Name"] for bus in _ask(rules, "ListEventBuses")["EventBuses"]]
    assert names == ["default", "money"]
    assert _ask(rules, "DescribeEventBus") == {
        "Name": "default",
        "Arn": "arn:aws:events:eu-west-1:000000000000:event-bus/default",
    }


def test_a_publisher_sees_its_own_buses(rules: RuleSet) -> None:
    """A bus that a publisher may not use is not there for it, nor are its rules."""
    narrow = KeyPublisher(name="a", key_sha256=("0" * 64,), sources=("*",))
    names = [bus["Name"] for bus in _ask(rules, "ListEventBuses", narrow)["EventBuses"]]
    assert names == ["default"]
    with pytest.raises(Refusal, match="Event bus money does not exist"):
        _ask(rules, "ListRules", narrow, EventBusName="money")


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("DescribeRule", {}, "ValidationException"),
        ("DescribeRule", {"Name": 7}, "SerializationException"),
        ("DescribeRule", {"Name": "none"}, "ResourceNotFoundException"),
        ("DescribeRule", {"Name": "paid"}, "ResourceNotFoundException"),
        ("DescribeEventBus", {"Name": "none"}, "ResourceNotFoundException"),
        ("ListTargetsByRule", {"Rule": "none"}, "ResourceNotFoundException"),
        ("ListRules", {"Limit": 0}, "ValidationException"),
        ("ListRules", {"Limit": True}, "ValidationException"),
        ("ListRules", {"Limit": 101}, "ValidationException"),
        ("ListRules", {"NextToken": "ü"}, "ValidationException"),
        ("ListRules", {"NextToken": "_w=="}, "ValidationException"),
    ],
)
def test_wrong_questions(
    rules: RuleSet, operation: str, request_: dict[str, Any], code: str
) -> None:
    """A question that cannot be answered has AWS's error code."""
    with pytest.raises(Refusal) as caught:
        _ask(rules, operation, **request_)
    assert caught.value.code == code
