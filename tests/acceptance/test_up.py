"""`eventflow up`: everything in one terminal, kept running, stopped cleanly."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from eventflow.app import EventFlow
from eventflow.embedded import EmbeddedServer, running_server
from eventflow.events import Event
from eventflow.settings import load_settings
from tests.acceptance.running_up import (
    PATIENCE,
    RunningProcess,
    environment,
    lives,
    run_command,
    wait_for,
    write_project,
)
from tests.ports import free_port

pytestmark = pytest.mark.timeout(240)

Start = Callable[..., RunningProcess]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProcess]:
    """A project with two integrations, up and running; its server may be killed at any time."""
    place = tmp_path_factory.mktemp("up")
    write_project(place, "vendor", "audit")
    running = RunningProcess(place, "up", EVENTFLOW_APPENDFSYNC="always")
    try:
        running.wait_for("eventflow is up")
        yield running
    finally:
        running.end()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts `eventflow up` in the test's folder."""
    started: list[RunningProcess] = []

    def begin(*arguments: str, **settings: str) -> RunningProcess:
        started.append(RunningProcess(tmp_path, "up", *arguments, **settings))
        return started[-1]

    yield begin
    for running in started:
        running.end(signal.SIGINT)


def _publish(place: Path, **data: object) -> str:
    flow = EventFlow(load_settings(data_dir=place / ".eventflow"))
    event: Event[dict[str, object]] = flow.publish(Event(source="test", type="Test", data=data))
    return event.id


def _await_note(place: Path, target: str, note: str) -> None:
    notes = place / f"{target}.txt"
    wait_for(lambda: notes.exists() and f"{note}\n" in notes.read_text(), f"{note} at {target}")


def _flower(running: RunningProcess) -> str:
    found = re.search(r"Flower: (http://127\.0\.0\.1:\d+)\.", running.said)
    assert found is not None
    return found[1]


def test_it_says_what_runs_and_how_to_stop_it(shared: RunningProcess) -> None:
    """The line of readiness counts the workers and names Flower's address and the key to stop."""
    line = next(line for line in shared.lines if "eventflow is up" in line)
    assert re.fullmatch(
        r"up +\| eventflow is up: 2 workers, router, recorder\. "
        r"Flower: http://127\.0\.0\.1:\d+\. Ctrl-C stops it\.",
        line,
    )


def test_each_line_stands_behind_its_process(shared: RunningProcess) -> None:
    """Every line begins with the name of the process that wrote it, in one column."""
    names = {line.partition("|")[0].strip() for line in shared.lines}
    assert names <= {"up", "valkey", "router", "recorder", "vendor", "audit", "late", "flower"}
    assert {line.index("|") for line in shared.lines} == {len("recorder ")}


def test_an_event_reaches_every_integration(shared: RunningProcess) -> None:
    """An event that is published reaches both integrations' workers."""
    event_id = _publish(shared.place)
    _await_note(shared.place, "vendor", event_id)
    _await_note(shared.place, "audit", event_id)


def test_flower_shows_a_worker_per_integration(shared: RunningProcess) -> None:
    """Flower's API, which asks for no password, knows each worker by its name."""

    def seen() -> set[str]:
        # Flower gives its workers a second to answer, which is little on a busy machine.
        with urllib.request.urlopen(f"{_flower(shared)}/api/workers?refresh=1") as answer:
            return {node.partition("@")[0] for node in json.load(answer)}

    wait_for(lambda: seen() >= {"audit", "recorder", "router", "vendor"}, "Flower to see them")


def test_flower_only_reads(shared: RunningProcess) -> None:
    """Flower takes no orders, which any web page could send to it."""
    node = f"audit@{os.uname().nodename}"
    order = urllib.request.Request(f"{_flower(shared)}/api/worker/shutdown/{node}", method="POST")
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(order)
    with caught.value:
        assert caught.value.code == 403


def test_a_second_up_says_that_one_is_running(shared: RunningProcess) -> None:
    """A second `up` in the same folder names the first one's process and Flower, and exits 1."""
    second = run_command(shared.place, "up")
    assert second.returncode == 1
    assert f"process {shared.process.pid}" in second.stderr
    assert f"Flower: {_flower(shared)}." in second.stderr
    assert second.stdout == ""


def test_a_worker_that_is_killed_comes_back(shared: RunningProcess) -> None:
    """A worker killed with -9 is started again, which is said, and gets its events."""
    back = shared.said.count("vendor is ready")
    os.kill(shared.pid_of("eventflow worker --name vendor"), signal.SIGKILL)
    shared.wait_for("vendor was killed by SIGKILL; starting it again")
    event_id = _publish(shared.place)
    shared.wait_for("vendor is ready", times=back + 1)
    _await_note(shared.place, "vendor", event_id)


def test_a_server_that_is_killed_comes_back_with_its_data(shared: RunningProcess) -> None:
    """Valkey killed with -9 is started again with its data; an event after that is delivered."""
    before = _publish(shared.place)
    os.kill(shared.pid_of("valkey-server"), signal.SIGKILL)
    shared.wait_for("valkey has ended; starting it again")
    server = EmbeddedServer(load_settings(data_dir=shared.place / ".eventflow"))
    wait_for(lambda: server.running, "the server to answer")
    _await_note(shared.place, "audit", before)
    _await_note(shared.place, "audit", _publish(shared.place))
    assert "In Celery 5.1" not in shared.said  # what Celery says at each loss of the broker


def test_a_new_integration_gets_its_worker(shared: RunningProcess) -> None:
    """A rule file and a module that are added while all is up get a worker, and its events."""
    write_project(shared.place, "late")
    shared.wait_for("late is ready")
    event_id = _publish(shared.place)
    _await_note(shared.place, "late", event_id)


def test_faulty_rules_stop_nothing(shared: RunningProcess) -> None:
    """A faulty rule file is said loudly, and what ran goes on."""
    faulty = shared.place / "rules" / "faulty.yaml"
    faulty.write_text("rules: {x: {pattern: {source: test}, targets: [nobody]}}\n")
    try:
        shared.wait_for("faulty.yaml:1")
        event_id = _publish(shared.place)
        _await_note(shared.place, "audit", event_id)
    finally:
        faulty.unlink()


def test_ctrl_c_lets_deliveries_end_and_leaves_nothing(start: Start, tmp_path: Path) -> None:
    """Ctrl-C lets a running delivery end, stops every process, and exits with 0."""
    write_project(tmp_path, "vendor")
    running = start("--no-flower")
    running.wait_for("eventflow is up: 1 worker, router, recorder. Ctrl-C stops it.")
    event_id = _publish(tmp_path, takes=2)
    _await_note(tmp_path, "vendor", f"{event_id} begins")
    pids = list(running.descendants())

    assert running.end(signal.SIGINT) == 0

    assert (tmp_path / "vendor.txt").read_text() == f"{event_id} begins\n{event_id}\n"
    assert running.lines[-1].endswith("| eventflow has stopped.")
    assert [pid for pid in pids if lives(pid)] == []
    assert "flower" not in running.said
    assert not (tmp_path / ".eventflow" / "valkey.sock").exists()


def test_a_second_ctrl_c_hurries(start: Start, tmp_path: Path) -> None:
    """A second Ctrl-C does not wait for a delivery that takes long."""
    write_project(tmp_path, "vendor")
    running = start("--no-flower", "--grace", "10m")
    running.wait_for("eventflow is up")
    _await_note(tmp_path, "vendor", f"{_publish(tmp_path, takes=50)} begins")
    pids = list(running.descendants())
    running.process.send_signal(signal.SIGINT)
    running.wait_for("Ctrl-C again hurries")

    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(15) == 0
    assert [pid for pid in pids if lives(pid)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_nothing_outlives_a_killed_up(start: Start, tmp_path: Path) -> None:
    """When `up` itself is killed with -9, every process ends; the next `up` starts as ever."""
    write_project(tmp_path, "vendor")
    running = start()
    running.wait_for("eventflow is up")
    pids = list(running.descendants())
    running.end(signal.SIGKILL)
    wait_for(lambda: not any(lives(pid) for pid in pids), "all processes to end")
    again = start("--no-flower")
    again.wait_for("eventflow is up")
    assert again.end(signal.SIGTERM) == 0


def test_a_server_of_ones_own_is_used(start: Start, tmp_path: Path) -> None:
    """With EVENTFLOW_REDIS_URL set, no server is started, and that one is used.

    With EVENTFLOW_METRICS_PORT set, each process serves its metrics, at a port of its own.
    """
    port = free_port()
    write_project(tmp_path, "vendor")
    own = load_settings(data_dir=tmp_path / "own")
    with running_server(own):
        settings = {"EVENTFLOW_REDIS_URL": own.ledger_url, "EVENTFLOW_METRICS_PORT": str(port)}
        running = start("--no-flower", **settings)
        running.wait_for("eventflow is up")
        assert f"router :{port}, recorder :{port + 1}, vendor :{port + 2}" in running.said
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert 'eventflow_target_queued_deliveries{bus="default",target="vendor"} 0.0' in (
                answer.read().decode()
            )
        assert not any("valkey" in command for command in running.descendants().values())
        assert running.end() == 0
    assert not (tmp_path / ".eventflow" / "valkey.log").exists()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"EVENTFLOW_REDIS_URL": "redis://:secret@127.0.0.1:1"},
            "Error: the Redis or Valkey at redis://:***@127.0.0.1:1 does not answer",
        ),
        ({"EVENTFLOW_WORKERS": "elsewhere"}, "Error: there is no module 'elsewhere' in "),
        ({"EVENTFLOW_RULES": "elsewhere"}, "elsewhere"),
        ({"EVENTFLOW_FLOWER_PORT": "0"}, "Error: EVENTFLOW_FLOWER_PORT: "),
    ],
    ids=["no server", "no module", "no rules", "no such port"],
)
def test_what_cannot_be_is_said_before_anything_starts(
    tmp_path: Path, settings: dict[str, str], expected: str
) -> None:
    """A wrong setting is a clear line on stderr, exit code 1, and nothing has been started."""
    write_project(tmp_path, "vendor")
    done = run_command(tmp_path, "up", **settings)
    assert done.returncode == 1
    assert expected in done.stderr
    assert done.stderr.startswith("Error: ")  # said once
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert done.stdout == ""


def test_a_broken_subscriber_is_said_before_anything_starts(tmp_path: Path) -> None:
    """A subscriber's module that cannot be imported is said with its line and the reason."""
    write_project(tmp_path, "vendor")
    (tmp_path / "workers" / "broken.py").write_text("import nothing_of_that_name\n")
    done = run_command(tmp_path, "up")
    assert done.returncode == 1
    assert f"{tmp_path}/workers/broken.py:1" in done.stderr
    assert "No module named 'nothing_of_that_name'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_plain_celery_serves_as_well(tmp_path: Path) -> None:
    """`celery -A workers worker -Q vendor` delivers what `eventflow router` routes."""
    write_project(tmp_path, "vendor")
    settings = load_settings(data_dir=tmp_path / ".eventflow")
    with running_server(settings):
        router = RunningProcess(tmp_path, "router")
        celery = [sys.executable, "-m", "celery", "-A", "workers", "worker", "-Q", "vendor"]
        with subprocess.Popen(
            [*celery, "-P", "solo"],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as worker:
            try:
                _await_note(tmp_path, "vendor", _publish(tmp_path))
            finally:
                worker.terminate()
                worker.wait(PATIENCE)
                assert router.end(signal.SIGTERM) == 0
