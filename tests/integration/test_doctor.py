"""`eventflow doctor` on real deployments: well ones, and ones with what users get wrong."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import redis

from eventflow.diagnosis import examine
from eventflow.events import Event
from eventflow.settings import Settings
from eventflow.store import DeadLetterStore, open_engine
from eventflow.worker import configure_app, make_app
from tests.deployment import Deployment, deployed
from tests.servers import RedisServer, require, require_broker, shared_node
from tests.servers.redis_server import MISSING, find_program

RULES = """
    targets:
      mail: {task: project.mail, retry: {max_attempts: 1}}
      post: {task: project.post, queue: letters}
    rules:
      all: {pattern: {source: [shop]}, targets: [mail, post]}
"""
PROJECT = """
    @flow.subscriber("mail")
    def mail(event: Event, delivery: Delivery):
        if event.data.get("fail"): raise OSError("no such street")

    @flow.subscriber("post")
    def post(event: Event, delivery: Delivery): ...
"""
QUICK: dict[str, Any] = {"report_interval": 0.2}
# Shifts the clock of a process whose environment says so.
SHIFTED = """
import os, time
_shift, _time = float(os.environ.get("SHIFT", "0")), time.time
if _shift:
    time.time = lambda: _time() + _shift
"""


class Doctor:
    """Examines a deployment: by the command, or in this process, which is quicker."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.settings = deployment.settings
        self.report: dict[str, Any] = {}

    def ask(self, *arguments: str) -> int:
        """Run `eventflow doctor --json`, keep its report, and return the exit code."""
        done = self._deployment.command("doctor", "--json", *arguments)
        assert done.stderr == ""
        self.report = json.loads(done.stdout)
        return done.returncode

    def found(self) -> set[tuple[str, str]]:
        """Examine, and return where and code of each finding."""
        findings = examine(self.settings, self._deployment.flow.celery).findings
        self.report = {"findings": [{**asdict(one), "text": str(one)} for one in findings]}
        return {(one.where, one.code) for one in findings}

    def await_found(self, where: str, code: str) -> dict[str, str]:
        """Wait until something is found, and return the finding."""
        what = f"{code} of {where} to be found"
        self._deployment.wait(lambda: (where, code) in self.found(), what)
        return self.finding(code)

    def await_gone(self, where: str, code: str) -> None:
        """Wait until something is found no more."""
        what = f"{code} of {where} to be gone"
        self._deployment.wait(lambda: (where, code) not in self.found(), what)

    def finding(self, code: str) -> dict[str, str]:
        """Return the first finding of a code."""
        found: dict[str, str] = next(one for one in self.report["findings"] if one["code"] == code)
        return found


def alive(deployment: Deployment) -> set[str]:
    """Return the names of the processes that are alive, without their host."""
    roster = deployment.flow._ledgers.processes().roster()
    return {one.name.partition("@")[0] for one in roster.alive}


def start_all(deployment: Deployment) -> None:
    """Start a router, a recorder and a worker, and wait until they have reported."""
    deployment.start("router", ["eventflow.route"])
    deployment.start("worker", ["mail", "letters"])
    deployment.start("recorder", ["eventflow.dead-letters"])
    deployment.await_ready()
    deployment.wait(lambda: {"router", "worker", "recorder"} == alive(deployment), "all reports")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A whole deployment on the embedded server, that counts its dead letters often."""
    place = tmp_path_factory.mktemp("project")
    settings = {**QUICK, "alarm_dead_letters": 2, "alarm_queued": 3}
    with deployed(place, project=PROJECT, rules=RULES, **settings) as deployment:
        (place / "sitecustomize.py").write_text(SHIFTED)
        start_all(deployment)
        # The store is made when it is first needed, and whether it is there is a finding.
        DeadLetterStore(open_engine(deployment.settings.store_url)).count()
        yield deployment


@pytest.fixture
def doctor(running: Deployment) -> Doctor:
    """The doctor of that deployment."""
    return Doctor(running)


def test_a_well_deployment_is_well(any_broker: str, tmp_path: Path) -> None:
    """With a router, a recorder and a worker on good servers, nothing is said and the code is 0."""
    with deployed(tmp_path, project=PROJECT, rules=RULES, broker=any_broker, **QUICK) as deployment:
        start_all(deployment)
        deployment.flow.publish(Event(source="shop", type="T", data={"fail": True}))
        deployment.settle()
        store = DeadLetterStore(open_engine(deployment.settings.store_url))
        deployment.wait(lambda: store.count().total == 1, "the dead letter to be recorded")
        done = deployment.command("doctor")
        assert (done.returncode, done.stdout, done.stderr) == (
            0,
            "3 processes, 2 targets: nothing is wrong\n",
            "",
        )


def test_processes_say_who_they_are(running: Deployment, doctor: Doctor) -> None:
    """Each process tells its queues, its versions and its rules."""
    assert doctor.ask() == 0
    processes = {one["name"].partition("@")[0]: one for one in doctor.report["processes"]}
    assert {name: one["queues"] for name, one in processes.items()} == {
        "router": ["eventflow.route"],
        "worker": ["letters", "mail"],
        "recorder": ["eventflow.dead-letters"],
    }
    for name, one in processes.items():
        assert one["pid"] == running.processes[name].pid
        assert {"eventflow", "celery", "kombu", "Python"} <= one["versions"].keys()
        assert abs(one["clock_offset"]) < 2.0


def test_a_worker_that_is_missing_is_found(running: Deployment, doctor: Doctor) -> None:
    """Killed, it is missed with what waits for it; back again, all is well."""
    running.kill("worker")
    running.wait(lambda: "worker" not in alive(running), "the report to expire")
    for number in range(3):
        running.flow.publish(Event(id=f"w{number}", source="shop", type="T", data={}))
    finding = doctor.await_found("target mail", "queued-alarm")
    assert "the alarm is at 3" in finding["message"]
    assert doctor.ask() == 1
    finding = doctor.finding("no-worker")
    assert finding["message"] == "no process reads its queue 'mail', and 3 deliveries wait"
    assert finding["advice"] == "start `eventflow worker mail`"
    assert doctor.finding("process-vanished")["where"].startswith("process worker@")
    running.await_log("router", "3 deliveries are queued or parked for the target 'mail'")
    running.start("worker", ["mail", "letters"])
    running.wait(lambda: "worker" in alive(running), "the worker to report")
    running.settle()
    running.await_log("router", "for the target 'mail' on the bus 'default': the alarm is over")
    doctor.await_gone("target mail", "queued-alarm")
    assert doctor.found() == set()
    said = running.log("router")
    assert said.count("for the target 'mail' on the bus 'default', and the alarm is at 3") == 1


def test_a_process_that_stops_in_order_leaves_no_trace(running: Deployment, doctor: Doctor) -> None:
    """After SIGTERM the report is gone with the process, and nobody has vanished."""
    running.kill("recorder", signal.SIGTERM)
    assert "recorder" not in alive(running)
    assert doctor.found() == {("processes", "no-recorder")}
    running.start("recorder", ["eventflow.dead-letters"])
    running.wait(lambda: "recorder" in alive(running), "the recorder to report")
    assert doctor.ask() == 0


def test_dead_letters_raise_an_alarm(running: Deployment, doctor: Doctor) -> None:
    """As many dead letters as the limit are said by the recorder's log and by the doctor."""
    for number in range(2):
        running.flow.publish(Event(id=f"d{number}", source="shop", type="T", data={"fail": 1}))
    finding = doctor.await_found("store", "dead-letters-alarm")
    assert "2 dead letters are in the store, and the alarm is at 2" in finding["message"]
    running.await_log("recorder", "2 dead letters are in the store")
    assert running.command("deadletters", "purge", "--all", "--yes").returncode == 0
    running.await_log("recorder", "0 dead letters are in the store on the bus 'default': the alarm")
    assert doctor.found() == set()


def test_a_clock_that_is_off_is_found(running: Deployment, doctor: Doctor) -> None:
    """A process whose clock is a minute behind is named, with how far it is off."""
    running.environment["SHIFT"] = "-60"
    running.start("late", ["mail"])
    del running.environment["SHIFT"]
    running.wait(lambda: "late" in alive(running), "the worker to report")
    assert doctor.ask() == 1
    [finding] = doctor.report["findings"]
    assert (finding["code"], finding["where"][:13]) == ("clocks-apart", "process late@")
    assert "behind the ledger's" in finding["message"]
    assert finding["message"].startswith(("its clock is 1m", "its clock is 59.9s"))
    running.kill("late", signal.SIGTERM)


def test_a_worker_without_the_function_is_found(running: Deployment, doctor: Doctor) -> None:
    """A worker that reads a queue and has not imported its subscriber is named."""
    (running.place / "other.py").write_text(
        "from eventflow import EventFlow\nflow = EventFlow()\napp = flow.celery\n"
    )
    running.run(
        "other",
        ["-m", "celery", "-A", "other", "worker", "-Q", "letters", "-n", "other@%h", "-P", "solo"],
    )
    running.wait(lambda: "other" in alive(running), "the worker to report")
    assert doctor.ask() == 1
    [finding] = doctor.report["findings"]
    assert finding["code"] == "no-subscriber"
    assert "the queue of the target 'post'" in finding["message"]
    running.kill("other", signal.SIGTERM)


def test_rules_that_differ_are_found(running: Deployment, doctor: Doctor, tmp_path: Path) -> None:
    """Rule files here that are not the routers', and faulty ones of a router, are said."""
    elsewhere = tmp_path / "rules"
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text("targets: {a: {task: x}}\n")
    doctor.settings = running.settings.with_changes(rules=elsewhere)
    assert doctor.found() == {("rules", "rules-differ")}
    doctor.settings = running.settings
    running.write_rules("targets: 5\n", "faulty.yaml")
    doctor.await_found("rules", "rules-faulty")
    host = socket.gethostname()
    doctor.await_found(f"process router@{host}", "rules-refused")
    (running.place / "rules" / "faulty.yaml").unlink()
    doctor.await_gone(f"process router@{host}", "rules-refused")
    assert doctor.found() == set()


def test_a_careless_server_is_found(running: Deployment, doctor: Doctor) -> None:
    """Without persistence and with eviction, the server is said to lose what was promised."""
    client = running.client()
    client.config_set("appendonly", "no")
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert doctor.ask() == 1
        codes = {one["code"] for one in doctor.report["findings"]}
        assert codes == {"redis-not-persistent", "redis-evicts"}
        assert doctor.ask("--ignore", "redis-evicts", "--ignore", "redis-not-persistent") == 0
    finally:
        client.config_set("appendonly", "yes")
        client.config_set("maxmemory-policy", "noeviction")


def test_a_schedule_that_nobody_moves_is_found(running: Deployment, doctor: Doctor) -> None:
    """A retry that was due long ago, of a bus whose target nobody announced to the movers."""
    client = running.client()
    late = client.time()[0] - 120
    # A name that movers do not know, since no router has told of it, and a reader of the rules does.
    client.hset("eventflow:{lab}:targets", "old", '{"name": "old", "task": "x.old"}')
    client.zadd("eventflow:{lab}:waiting:old", {"e1:old": late})
    client.sadd("eventflow:buses", "lab")
    running.kill("router")
    running.kill("worker")
    running.kill("recorder")
    client.zadd("eventflow:{lab}:waiting:old", {"e2:old": late})
    running.wait(lambda: not alive(running), "the reports to expire")
    found = doctor.found()
    client.srem("eventflow:buses", "lab")
    client.delete("eventflow:{lab}:waiting:old", "eventflow:{lab}:targets")
    assert {
        ("target old", "nobody-moves"),
        ("target old", "no-worker"),
        ("processes", "no-router"),
        ("processes", "no-recorder"),
    } <= found
    assert "due 2m" in doctor.finding("nobody-moves")["message"]
    start_all(running)


def run_alone(place: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `eventflow doctor` in a folder of its own."""
    environment = {name: value for name, value in os.environ.items() if "EVENTFLOW" not in name}
    environment |= {f"EVENTFLOW_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "eventflow", "doctor", *arguments],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_where_nothing_runs_each_part_is_said(tmp_path: Path) -> None:
    """In an empty folder Redis and broker are missed, and nothing is made."""
    done = run_alone(tmp_path, workers="nowhere")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert [line.split(":")[1].split()[-1] for line in lines] == [
        "application-missing",
        "redis-unusable",
        "broker-unusable",
        "store-missing",
    ]
    assert "`eventflow up` starts one here" in lines[1]
    assert done.stderr == "0 processes, 0 targets: 2 errors, 2 notes\n"
    assert list(tmp_path.iterdir()) == []


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """With every part away, what is said of it has neither password nor traceback."""
    (tmp_path / "workers.py").write_text("1 / 0\n")
    done = run_alone(
        tmp_path,
        redis_url="redis://user:s3cret@127.0.0.1:1/0",
        broker_url="amqp://user:s3cret@127.0.0.1:1//",
        database_url="postgresql://user:s3cret@127.0.0.1:1/db",
    )
    assert done.returncode == 1
    text = done.stdout + done.stderr
    for code in ("application-broken", "redis-unusable", "broker-unusable", "store-unusable"):
        assert f"error {code}" in text
    assert "s3cret" not in text
    assert "Traceback" not in text


def test_a_part_that_fails_hides_none_of_the_others(
    server_settings: Settings, client: redis.Redis
) -> None:
    """What one part holds that nobody foresaw is said without its text; the rest is examined."""
    client.hset("eventflow:{default}:targets", "x", "s3cret {")
    app = make_app(server_settings)
    configure_app(app)
    examination = examine(server_settings, app)
    codes = [one.code for one in examination.findings]
    assert codes == ["no-router", "no-recorder", "examination-failed", "store-missing"]
    failed = str(examination.findings[2])
    assert failed.startswith("redis: error examination-failed: the examination itself failed with")
    assert "s3cret" not in failed


def test_a_user_that_may_not_ask_is_told_who_may(
    server_settings: Settings, client: redis.Redis
) -> None:
    """A server that is there and refuses is not said to be away."""
    client.acl_setuser("guest", enabled=True, nopass=True, categories=["-@all"], commands=["+ping"])
    url = server_settings.ledger_url.replace("unix://", "unix://guest@")
    settings = server_settings.with_changes(redis_url=f"{url}&password=x")
    app = make_app(settings)
    configure_app(app)
    try:
        findings = {one.code: one for one in examine(settings, app).findings}
    finally:
        client.acl_deluser("guest")
    assert findings.keys() == {"redis-unusable", "store-missing"}
    assert "no permissions to run the 'info' command" in findings["redis-unusable"].message
    assert "eventflow acl redis --role operator" in findings["redis-unusable"].advice


def test_wrong_use_is_refused(tmp_path: Path) -> None:
    """A code that there is not is wrong use, and the codes are named; so is a setting that cannot be."""
    done = run_alone(tmp_path, "--ignore", "no-ruter")
    assert done.returncode == 2
    assert "no finding has the code 'no-ruter'" in done.stderr
    assert "no-router" in done.stderr
    assert run_alone(tmp_path, alarm_queued="-1").returncode == 1


def test_a_queue_of_somebody_else_is_found(tmp_path: Path) -> None:
    """A queue that was declared as a classic one before is said, and none is made by asking."""
    require_broker("rabbitmq")
    with deployed(tmp_path, project=PROJECT, rules=RULES, broker="rabbitmq") as deployment:
        host = deployment.parts.broker
        with host.connect() as connection:  # type: ignore[attr-defined]
            connection.channel().queue_declare("mail", durable=True, auto_delete=False)
        doctor = Doctor(deployment)
        assert ("queue mail", "queue-arguments") in doctor.found()
        finding = doctor.finding("queue-arguments")
        assert "PRECONDITION_FAILED" in finding["message"]
        assert "rabbitmqctl delete_queue mail" in finding["advice"]
        queues = shared_node().request("GET", f"queues/{host.name}")  # type: ignore[attr-defined]
        assert [queue["name"] for queue in queues] == ["mail"]


def test_a_redis_that_is_beside_the_ledger_is_asked_too(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A broker on another Redis that evicts is said, apart from the ledger's."""
    require(find_program(), MISSING)
    server = RedisServer(tmp_path, ("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"))
    server.start()
    request.addfinalizer(server.stop)
    place = tmp_path / "project"
    place.mkdir()
    with deployed(place, project=PROJECT, rules=RULES) as deployment:
        deployment.environment["EVENTFLOW_REDIS_URL"] = deployment.settings.ledger_url
        deployment.environment["EVENTFLOW_BROKER_URL"] = server.url
        doctor = Doctor(deployment)
        assert doctor.ask() == 1
        assert doctor.finding("broker-evicts")["where"] == "broker"
