"""What is generated, as its own tools take it: promtool on rules, alerts and a dashboard's queries."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from eventflow.cli.main import cli
from eventflow.provisioning.alerts import alert_rules
from eventflow.provisioning.grafana import dashboard
from eventflow.rules import RuleSet, Target, load_rules
from tests.prometheus import promtool

ROOT = Path(__file__).parents[2]
DOOR = Target(name="door", task="x.open", owner="devices {{team}}", integration="vendor")


def test_promtool_takes_the_alerts_of_the_reference_deployment(tmp_path: Path):
    """Every query parses, every template does."""
    file = tmp_path / "alerts.yml"
    file.write_text(alert_rules(load_rules(ROOT / "rules")))
    assert "SUCCESS" in promtool("check", "rules", str(file))


def test_promtool_takes_every_query_of_the_dashboard(tmp_path: Path):
    """Each as a recording rule, with the variables as Grafana fills them in."""
    document = json.loads(dashboard(load_rules(ROOT / "rules")))
    panels = [inner for panel in document["panels"] for inner in (panel, *panel.get("panels", []))]
    queries = [query["expr"] for panel in panels for query in panel.get("targets", [])]
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$bus", ".*")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(queries)} rules found" in promtool("check", "rules", str(file))


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    """Return a series of samples, one a minute, of two routers that tell the same."""
    text = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{text}}}", "values": values}


def of_door(name: str, values: str, instance: str = "r1") -> dict[str, str]:
    """Return a series of the target."""
    here = {"bus": "default", "target": "door", "instance": instance}
    return series(f"eventflow_target_{name}", values, **here)


ALERTS: dict[str, tuple[list[dict[str, str]], int | None, int]] = {
    # alert: the samples, the minute at which it must fire (None: never), one at which it must not
    "EventflowDown": ([series("up", "1x4 0x20", job="eventflow", instance="w:9400")], 9, 4),
    "EventflowUnseen": ([series("other", "1x60")], 6, 3),
    "EventflowRoutingLate": (
        [series("eventflow_unrouted_age_seconds", "0x5 90x30", bus="default", instance="r1")],
        10,
        5,
    ),
    "EventflowUnroutable": (
        [series("eventflow_unroutable_events_total", "0x5 2x30", bus="default", instance="r1")],
        8,
        4,
    ),
    "EventflowRecordingLate": (
        [series("eventflow_unrecorded_age_seconds", "0x5 90x30", bus="default", instance="r1")],
        14,
        8,
    ),
    "EventflowEventsNowhere": (
        [
            series(
                "eventflow_target_balance_difference",
                "0x5 3x30",
                bus="default",
                target="eventflow.route",
            )
        ],
        17,
        10,
    ),
    "EventflowQueueStuck": (
        [series("eventflow_queue_stuck_seconds", "0x5 20x30", queue="eventflow.route")],
        7,
        4,
    ),
    "EventflowJournalDropped": (
        [series("eventflow_journal_dropped_total", "0x5 40x30", bus="default", instance="r1")],
        8,
        4,
    ),
    "EventflowPublishingFails": (
        [
            series(
                "eventflow_events_published_total",
                "0x5 0+30x20",
                bus="default",
                outcome="refused",
                instance="g1",
            )
        ],
        12,
        4,
    ),
    "EventflowReadingFails": (
        [series("eventflow_scrape_failures_total", "0x5 0+1x30", instance="r1")],
        20,
        10,
    ),
    "EventflowDeadLetters": (
        [of_door("dead_total", "3x5 5x30"), of_door("dead_total", "3x5 5x30", "r2")],
        8,
        4,
    ),
    "EventflowBreakerOpen": ([of_door("breaker_state", "0x5 2x30")], 12, 8),
    "EventflowBalanceDifference": ([of_door("balance_difference", "0x5 3x30")], 17, 10),
    "EventflowDeliveriesLate": (
        [
            of_door("queued_age_seconds", "10x40"),
            of_door("parked_age_seconds", "0x40"),
            of_door("waiting_age_seconds", "0x5 50000x30"),
        ],
        8,
        4,
    ),
    "EventflowWorkerStuck": (
        [
            of_door("queued_age_seconds", "0x5 400x30"),
            series("eventflow_attempts_total", "7x40", target="door", outcome="done"),
        ],
        8,
        4,
    ),
    "EventflowNothingDelivered": (
        [
            of_door("unserved_seconds", "0x5 2000x30"),
            *(of_door(f"{place}_deliveries", "1x40") for place in ("queued", "running", "waiting")),
        ],
        12,
        8,
    ),
    "EventflowPausedLong": ([of_door("paused_seconds", "0x5 3700x30")], 7, 4),
}


def test_every_alert_fires_when_it_should_and_not_before(tmp_path: Path):
    """By Prometheus' own engine, on samples of two routers that see the same ledger."""
    rules = yaml.safe_load(alert_rules(RuleSet([DOOR], [])))
    written = {one["alert"]: one for group in rules["groups"] for one in group["rules"]}
    assert set(ALERTS) == set(written)
    (tmp_path / "alerts.yml").write_text(alert_rules(RuleSet([DOOR], [])))
    cases = []
    for name, (samples, fires, quiet) in ALERTS.items():
        labels = {**written[name]["labels"], **_labels_of(name)}
        if "owner" in labels:
            labels["owner"] = DOOR.owner
        firing = {"exp_labels": labels, "exp_annotations": _annotations(written[name], samples)}
        times: list[dict[str, Any]] = [
            {"eval_time": f"{quiet}m", "alertname": name, "exp_alerts": []},
            {"eval_time": f"{fires}m", "alertname": name, "exp_alerts": [firing]},
        ]
        cases.append({"interval": "1m", "input_series": samples, "alert_rule_test": times})
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["alerts.yml"], "tests": cases}))
    promtool("test", "rules", str(file))


def test_a_busy_worker_with_a_long_queue_is_not_stuck(tmp_path: Path):
    """What is attempted tells a backlog from a worker that consumes nothing."""
    (tmp_path / "alerts.yml").write_text(alert_rules(RuleSet([DOOR], [])))
    samples = [
        of_door("queued_age_seconds", "400x30"),
        series("eventflow_attempts_total", "0+60x30", target="door", outcome="retry"),
    ]
    check = {"eval_time": "20m", "alertname": "EventflowWorkerStuck", "exp_alerts": []}
    case = {"interval": "1m", "input_series": samples, "alert_rule_test": [check]}
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["alerts.yml"], "tests": [case]}))
    promtool("test", "rules", str(file))


def _labels_of(name: str) -> dict[str, str]:
    """Return the labels that an alert takes from its series."""
    if name == "EventflowDown":
        return {"job": "eventflow", "instance": "w:9400"}
    if name == "EventflowUnseen":
        return {"job": "eventflow"}
    if name == "EventflowReadingFails":
        return {"instance": "r1"}
    if name == "EventflowQueueStuck":
        return {"queue": "eventflow.route"}
    of_buses = (
        "RoutingLate",
        "Unroutable",
        "EventsNowhere",
        "RecordingLate",
        "JournalDropped",
        "PublishingFails",
    )
    return {"bus": "default"} if name.removeprefix("Eventflow") in of_buses else {}


def _annotations(alert: dict[str, Any], samples: list[dict[str, str]]) -> dict[str, str]:
    """Return an alert's texts as Prometheus fills them in."""
    filled = {
        "{{ $labels.instance }}": _labels_of(alert["alert"]).get("instance", ""),
        "{{ $labels.bus }}": "default",
        "{{ $labels.queue }}": "eventflow.route",
        "{{ $value }}": "3",
    }
    durations = {"90": "1m 30s", "50000": "13h 53m 20s", "2000": "33m 20s", "3700": "1h 1m 40s"}
    for number, text in durations.items():
        if any(f" {number}x" in one["values"] for one in samples):
            filled["{{ $value | humanizeDuration }}"] = text
    texts = dict(alert["annotations"])
    for name, text in texts.items():
        for template, value in filled.items():
            text = text.replace(template, value)  # noqa: PLW2901 - one after another
        texts[name] = text
    return texts


def test_a_canary_tells_of_a_stuck_worker_before_anything_is_queued_for_long(tmp_path: Path):
    """A queue that is empty but for the canary is as stuck as a long one."""
    (tmp_path / "alerts.yml").write_text(alert_rules(RuleSet([DOOR], [])))
    samples = [series("eventflow_queue_stuck_seconds", "0x5 20x30", queue="door")]
    [alert] = [
        one
        for group in yaml.safe_load(alert_rules(RuleSet([DOOR], [])))["groups"]
        for one in group["rules"]
        if one["alert"] == "EventflowWorkerStuck"
    ]
    labels = {**alert["labels"], "owner": DOOR.owner}
    firing = {"exp_labels": labels, "exp_annotations": alert["annotations"]}
    checks: list[dict[str, Any]] = [
        {"eval_time": "5m", "alertname": "EventflowWorkerStuck", "exp_alerts": []},
        {"eval_time": "8m", "alertname": "EventflowWorkerStuck", "exp_alerts": [firing]},
    ]
    case = {"interval": "1m", "input_series": samples, "alert_rule_test": checks}
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["alerts.yml"], "tests": [case]}))
    promtool("test", "rules", str(file))


@pytest.mark.parametrize("kind", ["grafana", "alerts"])
def test_the_command_writes_checks_and_says_what_is_stale(tmp_path: Path, kind: str):
    """0 where the file is as the rules say, 1 where it is not, and the difference is shown."""
    file = tmp_path / "out" / "file"
    command = ["generate", kind, "--rules", str(ROOT / "rules"), "--output", str(file)]
    run = CliRunner().invoke
    assert run(cli, [*command, "--check"]).exit_code == 1
    assert run(cli, command).output == f"wrote {file}\n"
    assert run(cli, command).output == f"{file} is the same\n"
    assert run(cli, [*command, "--check"]).exit_code == 0
    printed = run(cli, command[:4])
    assert printed.output == file.read_text()
    file.write_text(file.read_text().replace("device-vendor", "another"))
    stale = run(cli, [*command, "--check"])
    assert stale.exit_code == 1
    assert "+" in stale.output
    assert "generate it anew" in stale.output
    assert run(cli, [*command[:4], "--check"]).exit_code == 2


def test_scalers_are_of_the_settings_broker(monkeypatch: pytest.MonkeyPatch):
    """Its login is in nobody's file; what cannot be is wrong use."""
    monkeypatch.setenv("EVENTFLOW_BROKER_URL", "amqp://me:s3cret@rabbit/shop")
    command = ["generate", "keda", "--rules", str(ROOT / "rules")]
    done = CliRunner().invoke(cli, [*command, "--max", "4"])
    assert done.exit_code == 0
    assert "s3cret" not in done.output
    objects = [one for one in yaml.safe_load_all(done.output) if one["kind"] == "ScaledObject"]
    assert {one["spec"]["maxReplicaCount"] for one in objects} == {4}
    hosts = {one["metadata"]["vhostName"] for obj in objects for one in obj["spec"]["triggers"]}
    assert hosts == {"shop"}
    assert CliRunner().invoke(cli, [*command, "--min", "5", "--max", "4"]).exit_code == 2
