"""Metrics of real processes: a prefork worker whose children are killed, a router, a recorder."""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from eventflow import Event
from eventflow.diagnosis import examine
from eventflow.metrics.catalogue import CATALOGUE, COUNTED, Server, series_names
from eventflow.provisioning.alerts import alert_rules
from eventflow.provisioning.grafana import dashboard
from eventflow.rules import load_rules
from tests.deployment import Deployment, deployed
from tests.ports import free_ports
from tests.prometheus import find_prometheus, promtool

PROJECT = """
    @flow.subscriber("door")
    def unlock(event: Event, delivery: Delivery) -> None:
        note(delivery)
        match event.data["do"]:
            case "fail" if delivery.attempt == 1:
                raise Retry("not now", after=0)
            case "refuse":
                raise Refuse("never")
            case "die" if delivery.attempt == 1:
                os.kill(os.getpid(), 9)
"""
RULES = """
    targets:
      door: {task: project.unlock, owner: devices-team, retry: {initial: 0s}}
      nobody: {task: project.nothing}
    rules:
      all-doors: {pattern: {source: [test]}, targets: [door]}
      some-doors: {pattern: {source: [test], detail: {do: [fail]}}, targets: [door]}
      never: {pattern: {source: [other]}, targets: [door]}
"""
HERE = 'bus="default",target="door"'


class Scene:
    """A deployment, and where each of its processes serves its metrics."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        names = ("router", "worker", "recorder")
        *ports, self.gateway, self.of_gateway = free_ports(5)
        self.ports = dict(zip(names, ports, strict=True))

    def start(self, name: str, *arguments: str) -> None:
        """Start `eventflow ARGUMENTS` with its own port."""
        self.deployment.environment["EVENTFLOW_METRICS_PORT"] = str(self.ports[name])
        self.deployment.run(name, ["-m", "eventflow", *arguments])

    def scrape(self, name: str) -> str:
        """Return what a process serves."""
        url = f"http://127.0.0.1:{self.ports[name]}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    def number(self, name: str, series: str, labels: str = "") -> float:
        """Return one sample; 0 where there is none. Labels as Prometheus writes them, sorted."""
        place = f"{series}{{{labels}}}" if labels else series
        found = re.search(rf"^{re.escape(place)} (\S+)$", self.scrape(name), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def publish(self, what: str, number: int = 1) -> None:
        """Publish events that tell the subscriber what to do."""
        self.deployment.flow.publish_many(
            [Event(source="test", type="Done", data={"do": what}) for _ in range(number)]
        )

    def outcomes(self) -> Counter[str]:
        """Return what the worker has counted so far, by series and outcome."""
        counts: Counter[str] = Counter()
        for line in self.scrape("worker").splitlines():
            found = re.match(r'eventflow_(\w+)\{bus="default",(.*)target="door"\} (\S+)$', line)
            if found:
                name = re.sub(r'\w+="(\w+)",', r" \1", found[2])
                counts[f"{found[1]}{name}"] = int(float(found[3]))
        return counts

    def await_outcomes(self, before: Counter[str], **numbers: int) -> Counter[str]:
        """Wait until so many deliveries more are counted, and return what came to *before*."""

        def is_there() -> bool:
            now = self.outcomes()
            names = {f"deliveries_total {name}": number for name, number in numbers.items()}
            return all(now[name] - before[name] >= number for name, number in names.items())

        self.deployment.wait(is_there, f"{numbers} to be counted")
        now = self.outcomes()
        return Counter({name: now[name] - before[name] for name in now})


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A router, a worker of two processes and a recorder, all with metrics."""
    place = tmp_path_factory.mktemp("metrics")
    with deployed(
        place, project=PROJECT, rules=RULES, report_interval=0.2, canary_interval=1
    ) as deployment:
        scene = Scene(deployment)
        scene.start("router", "router")
        scene.start("recorder", "recorder")
        scene.start("worker", "worker", "door", "-c", "2")
        for name in scene.ports:
            deployment.await_log(name, "metrics are served at")
        yield scene


def children(scene: Scene) -> list[int]:
    """Return the processes of the worker's pool."""
    parent = scene.deployment.processes["worker"].pid
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit():
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(status[1]) == parent:
                    found.append(int(entry.name))
    return found


def test_counts_are_right_over_processes_and_their_deaths(scene: Scene):
    """Whatever a child has counted before it was killed stays counted, and nothing is twice."""
    counted = scene.outcomes()
    scene.publish("do", 20)
    scene.publish("fail", 3)
    scene.publish("refuse", 2)
    scene.await_outcomes(counted, delivered=23, dead=2)
    before = children(scene)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    scene.deployment.wait(
        lambda: len(set(children(scene)) - set(before)) >= 2, "the pool to have new processes"
    )
    scene.publish("do", 10)
    scene.publish("die")
    new = scene.await_outcomes(counted, delivered=34)
    assert new["deliveries_total delivered"] == 34
    assert new["deliveries_total dead"] == 2
    assert new["attempts_total done"] == 34
    assert new["attempts_total retry"] == 3
    assert new["dead_letters_total refused"] == 2
    assert new["delivery_latency_seconds_count"] == 34
    assert new["attempt_duration_seconds_count"] == 39


def test_a_router_tells_what_waits_and_what_its_rules_do(scene: Scene):
    """Each number of the ledger is read when Prometheus asks."""
    scene.publish("fail")
    bus = 'bus="default",rule="some-doors"'
    scene.deployment.wait(
        lambda: scene.number("router", "eventflow_rule_matches_total", bus) >= 1, "a match"
    )
    scene.deployment.settle()
    assert scene.number("router", "eventflow_target_queued_deliveries", HERE) == 0
    assert scene.number("router", "eventflow_target_balance_difference", HERE) == 0
    assert scene.number("router", "eventflow_target_breaker_state", HERE) == 0
    scene.deployment.wait(
        lambda: scene.number("router", "eventflow_queue_consumers", 'queue="door"') == 1,
        "the worker's report",
    )
    assert 'target="nobody"' in scene.scrape("router")
    assert 'rule="never"' not in scene.scrape("router")


def test_a_recorder_tells_what_is_in_the_store(scene: Scene):
    """Counted at most once a minute, since all rows are read."""
    scene.publish("refuse")
    name = "eventflow_dead_letters_recorded_total"
    scene.deployment.wait(
        lambda: scene.number("recorder", name, 'bus="default"') >= 1, "a dead letter in the store"
    )
    assert "eventflow_stored_dead_letters" in scene.scrape("recorder")


def test_scrapes_under_load_are_whole_and_only_grow(scene: Scene):
    """A scrape that comes while all processes count sees no half of it."""
    name, labels = "eventflow_attempts_total", 'bus="default",outcome="done",target="door"'
    first = scene.number("worker", name, labels)
    failures: list[Exception] = []
    seen: list[float] = []
    is_over = threading.Event()

    def keep_scraping() -> None:
        try:
            while not is_over.is_set():
                seen.append(scene.number("worker", name, labels))
                scene.scrape("router")
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=keep_scraping) for _ in range(3)]
    for thread in threads:
        thread.start()
    scene.publish("do", 300)
    scene.deployment.wait(
        lambda: scene.number("worker", name, labels) >= first + 300, "all deliveries"
    )
    is_over.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert scene.number("worker", name, labels) == first + 300
    assert len(seen) > 3


def test_every_metric_is_served_under_its_name(scene: Scene):
    """The catalogue promises nothing that nobody serves, and nothing is served that it hides."""
    before = scene.outcomes()
    scene.publish("do")
    scene.await_outcomes(before, delivered=1)
    scene.deployment.wait(
        lambda: "eventflow_canary_age_seconds{" in scene.scrape("router"), "a canary"
    )
    texts = {name: scene.scrape(name) for name in scene.ports}
    found = set(re.findall(r"^(eventflow_\w+)", "\n".join(texts.values()), re.MULTILINE))
    assert found <= series_names()
    read = {m.name for m in CATALOGUE.values() if m.server in {Server.ROUTER, Server.EVERY}}
    gauges = read - set(COUNTED)
    assert gauges <= set(re.findall(r"^(eventflow_\w+)", texts["router"], re.MULTILINE))
    for text in texts.values():
        assert "process_resident_memory_bytes" in text


@pytest.mark.parametrize("name", ["router", "worker", "recorder"])
def test_promtool_finds_nothing_wrong_with_a_scrape(scene: Scene, name: str):
    """Names, types and help texts are as Prometheus wants them."""
    assert promtool("check", "metrics", given=scene.scrape(name)) == ""


def test_a_port_that_is_taken_ends_no_worker(scene: Scene):
    """It works without metrics, and says so once."""
    scene.ports["second"] = scene.ports["worker"]
    scene.start("second", "worker", "door", "-c", "1", "--name", "second")
    scene.deployment.await_log("second", "metrics are not served")
    scene.deployment.await_ready("second")
    assert scene.deployment.log("second").count("metrics are not served") == 1
    scene.deployment.kill("second", signal.SIGTERM)


def test_a_worker_that_stops_takes_its_folder_along(scene: Scene):
    """Nothing of its counters stays on the disk."""
    opened = Path(f"/proc/{scene.deployment.processes['worker'].pid}/fd").iterdir()
    locks = [str(file.readlink()) for file in opened if file.is_symlink()]
    [folder] = {str(Path(name).parent) for name in locks if "eventflow-metrics-" in name}
    assert Path(folder).is_dir()
    scene.deployment.kill("worker", signal.SIGTERM)
    assert not Path(folder).exists()
    scene.start("worker", "worker", "door", "-c", "2")
    scene.deployment.await_log("worker", "metrics are served at")


def test_the_doctor_tells_of_what_is_silent(scene: Scene):
    """A rule that nothing matches, and events that match no rule; a rule that matches is not said."""
    flow = scene.deployment.flow
    flow.publish(Event(source="elsewhere", type="Unheard", data={}))
    scene.publish("do")
    settings = scene.deployment.settings.with_changes(silence_after=60)
    client = scene.deployment.client()
    scene.deployment.wait(
        lambda: (
            client.hexists("eventflow:{default}:matches", "all-doors")
            and client.hexists("eventflow:{default}:unmatched", "elsewhere|Unheard")
        ),
        "the router to note what it has seen",
    )
    client.hset("eventflow:{default}:matches", "never", 1.0)  # long ago
    client.close()
    findings = examine(settings, flow.celery).findings
    said = {(one.where, one.code): one.message for one in findings}
    assert "Unheard of elsewhere (" in said["bus default", "event-unmatched"]
    assert ("rule never", "rule-silent") in said
    assert ("rule all-doors", "rule-silent") not in said


def test_all_processes_of_the_gateway_count_together(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """Whichever of them takes an event, its endpoint tells of all."""
    monkeypatch.setitem(scene.ports, "gateway", scene.of_gateway)
    scene.start("gateway", "serve", "--no-auth", "--workers", "2", "--port", str(scene.gateway))
    address = f"http://127.0.0.1:{scene.gateway}"

    def is_ready() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
        return False

    scene.deployment.wait(is_ready, "the gateway")
    for number in range(20):
        event = {"specversion": "1.0", "source": "test", "type": "Done", "data": {"do": "do"}}
        body = json.dumps({**event, "id": f"gateway-{number // 2}"})
        kind = {"Content-Type": "application/cloudevents+json"}
        # A connection each, so that now one process takes it, now the other.
        answer = httpx.post(f"{address}/events", content=body, headers=kind, trust_env=False)
        assert answer.status_code == 202
    name = "eventflow_events_published_total"
    assert scene.number("gateway", name, 'bus="default",outcome="accepted"') == 10
    assert scene.number("gateway", name, 'bus="default",outcome="duplicate"') == 10
    scene.deployment.kill("gateway", signal.SIGTERM)


def test_prometheus_itself_scrapes_draws_and_alerts(scene: Scene, tmp_path: Path):
    """From a dead letter to its alert with its owner, and an answer to each query of the dashboard."""
    rules = load_rules(scene.deployment.settings.rules)
    (tmp_path / "alerts.yml").write_text(alert_rules(rules))
    targets = [f"127.0.0.1:{scene.ports[name]}" for name in ("router", "worker", "recorder")]
    job = {"job_name": "eventflow", "static_configs": [{"targets": targets}]}
    often = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    config = {"global": often, "rule_files": ["alerts.yml"], "scrape_configs": [job]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    [port] = free_ports(1)
    address = f"http://127.0.0.1:{port}/api/v1"
    command = [find_prometheus(), f"--config.file={tmp_path}/prometheus.yml"]
    command += [f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{port}"]

    def ask(path: str, **parameters: str) -> Any:
        try:
            answer = httpx.get(f"{address}/{path}", params=parameters, trust_env=False)
        except httpx.TransportError:
            return None
        assert answer.status_code in {200, 503}, answer.text
        return answer.json()["data"] if answer.status_code == 200 else None

    def has(query: str) -> bool:
        found = ask("query", query=query)
        return bool(found and found["result"])

    def fired() -> list[dict[str, Any]]:
        alerts = ask("alerts")["alerts"]
        return [one["labels"] for one in alerts if one["state"] == "firing"]

    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        up = 'count(up{job="eventflow"} == 1) == 3 and count(eventflow_target_dead_total) > 0'
        scene.deployment.wait(lambda: has(up), "Prometheus to scrape all three")
        scene.publish("refuse")
        expected = {"alertname": "EventflowDeadLetters", "target": "door", "owner": "devices-team"}
        scene.deployment.wait(
            lambda: any(expected.items() <= labels.items() for labels in fired()), "the alert"
        )
        panels = json.loads(dashboard(rules))["panels"]
        for panel in [inner for one in panels for inner in (one, *one.get("panels", []))]:
            for query in panel.get("targets", []):
                assert ask("query", query=query["expr"].replace("$bus", ".*")) is not None
        assert has('max(eventflow_target_queued_deliveries{target="door"})')
    finally:
        process.terminate()
        process.wait(30)
