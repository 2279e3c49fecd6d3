"""The alert rules: one set for the deployment, one for each target, and nothing that nobody serves."""

import re
from typing import Any

import pytest
import yaml

from eventflow.metrics.catalogue import series_names
from eventflow.provisioning.alerts import alert_rules
from eventflow.rules import RetryPolicy, RuleSet, Target

DOOR = Target(name="door", task="x.open", owner="devices-team", integration="vendor")
MAIL = Target(name="mail", task="x.mail", retry=RetryPolicy(max_age=600))
RULES = RuleSet([MAIL, DOOR], [])
OF_PROMETHEUS = {"up"}


def groups(rules: RuleSet = RULES, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the alerts of each group."""
    document = yaml.safe_load(alert_rules(rules, **options))
    return {group["name"]: group["rules"] for group in document["groups"]}


def alert(name: str, target: str) -> dict[str, Any]:
    """Return one alert of a target."""
    [found] = [one for one in groups()[f"eventflow target {target}"] if one["alert"] == name]
    return found


def test_each_target_has_its_group_after_the_deployments_own():
    """Sorted, whatever the order of the files."""
    assert list(groups()) == ["eventflow", "eventflow target door", "eventflow target mail"]


def test_the_same_rules_give_the_same_text():
    """So that a repository that holds the file sees what changed, and nothing else."""
    assert alert_rules(RULES) == alert_rules(RuleSet([DOOR, MAIL], []))


def test_every_series_of_a_query_is_served_by_somebody():
    """An alert on a name that is wrong would never fire."""
    for rules in groups().values():
        for one in rules:
            named = set(re.findall(r"\beventflow_\w+", one["expr"]))
            assert named <= series_names(), one["alert"]
            assert named or "up{" in one["expr"]


def test_an_alert_says_whom_it_concerns_and_what_to_do():
    """The owner's label sends it to the right people."""
    labels = alert("EventflowDeadLetters", "door")["labels"]
    expected = {"severity": "warning", "target": "door", "integration": "vendor"}
    assert labels == {**expected, "owner": "devices-team"}
    assert "owner" not in alert("EventflowDeadLetters", "mail")["labels"]
    for rules in groups().values():
        for one in rules:
            assert set(one["annotations"]) == {"summary", "description"}
            assert one["labels"]["severity"] in {"warning", "critical"}


def test_what_is_late_is_by_the_targets_own_age():
    """Half of its max_age, at which there is as long again to see to it."""
    assert "> 300 or " in alert("EventflowDeliveriesLate", "mail")["expr"]
    assert "> 43200 or " in alert("EventflowDeliveriesLate", "door")["expr"]
    assert "10m (max_age)" in alert("EventflowDeliveriesLate", "mail")["annotations"]["description"]


def test_the_job_is_named_as_it_is_scraped():
    """In the two alerts that ask whether anybody answers."""
    queries = [one["expr"] for one in groups(job='a"b')["eventflow"] if "up{" in one["expr"]]
    assert queries == ['up{job="a\\"b"} == 0', 'absent(up{job="a\\"b"})']


@pytest.mark.parametrize("owner", ["{{ $labels.x }}", "a {{ b"])
def test_a_persons_text_is_no_template(owner: str):
    """Prometheus would execute what stands between braces."""
    rules = RuleSet([DOOR.model_copy(update={"owner": owner})], [])
    [first, *_] = groups(rules)["eventflow target door"]
    assert first["labels"]["owner"] == owner.replace("{{", '{{ "{{" }}')
