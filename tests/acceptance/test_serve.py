"""`eventflow serve`, and the same application under gunicorn: several processes, stopped in full flow."""

import hashlib
import os
import signal
import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.deployment import TIMEOUT, Deployment, deployed
from tests.ports import free_port

KEY = "a-key-of-courier-app"
RULES = """
    targets:
      doors: {task: project.doors}
    rules:
      arrivals: {pattern: {source: [courier.app]}, targets: [doors]}
"""
PROJECT = """
    @flow.subscriber("doors")
    def doors(event: Event, delivery: Delivery) -> None:
        note(delivery, event=event.id)
"""
PUBLISHERS = f"""
publishers:
  courier:
    kind: key
    key_sha256: {hashlib.sha256(KEY.encode()).hexdigest()}
    sources: [courier.app]
"""
COMMANDS = {
    "serve": ["-m", "eventflow", "serve", "--workers", "2", "--port"],
    "gunicorn": [
        *("-m", "gunicorn", "eventflow.gateway:create_app()", "--worker-class", "asgi"),
        *("--workers", "2", "--bind"),
    ],
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A project with one worker for everything, and a file of publishers."""
    place = tmp_path_factory.mktemp("serve")
    with deployed(place, project=PROJECT, rules=RULES) as found:
        (place / "publishers.yaml").write_text(PUBLISHERS)
        found.environment["EVENTFLOW_PUBLISHERS"] = str(place / "publishers.yaml")
        found.start("worker", ["eventflow.route", "doors"])
        found.await_ready("worker")
        yield found


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


class _Publishers:
    """Threads that publish one event after the other until nobody answers."""

    def __init__(self, address: str, name: str) -> None:
        self.accepted: list[str] = []
        self.refused: list[str] = []
        self._address = address
        self._threads = [
            threading.Thread(target=self._publish, args=(f"{name}-{number}",), daemon=True)
            for number in range(4)
        ]
        for thread in self._threads:
            thread.start()

    def _publish(self, name: str) -> None:
        with httpx.Client(trust_env=False, timeout=30) as http:
            for number in range(100_000):
                headers = {
                    "Authorization": f"Bearer {KEY}",
                    "ce-specversion": "1.0",
                    "ce-id": f"{name}-{number}",
                    "ce-source": "courier.app",
                    "ce-type": "Arrived",
                }
                try:
                    answer = http.post(f"{self._address}/events", headers=headers, json={})
                except httpx.TransportError:
                    return
                if answer.status_code == 202:
                    self.accepted += answer.json()["ids"]
                else:
                    self.refused.append(answer.text)

    def join(self) -> None:
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_what_was_accepted_is_delivered(deployment: Deployment, command: str) -> None:
    """Two processes take events until they are told to stop; each event with a 202 is delivered."""
    port = free_port()
    last = str(port) if command == "serve" else f"127.0.0.1:{port}"
    deployment.run(command, [*COMMANDS[command], last])
    address = f"http://127.0.0.1:{port}"
    deployment.wait(lambda: _is_ready(address), f"{command} to be ready")
    publishers = _Publishers(address, command)
    deployment.wait(lambda: len(publishers.accepted) >= 100, "events to be accepted")
    process = deployment.processes.pop(command)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(TIMEOUT) in {0, -signal.SIGTERM}, deployment.log(command)
    publishers.join()
    assert publishers.refused == []

    def is_delivered() -> bool:
        return set(publishers.accepted) <= {one["event"] for one in deployment.noted()}

    deployment.wait(is_delivered, "every accepted event to be delivered")
    assert KEY not in deployment.log(command)


def test_a_faulty_setting_is_one_line(deployment: Deployment) -> None:
    """Without publishers, and with --no-auth for all the world, it says what to do and ends."""
    found = deployment.environment.pop("EVENTFLOW_PUBLISHERS")
    try:
        missing = deployment.command("serve", "--port", str(free_port()))
    finally:
        deployment.environment["EVENTFLOW_PUBLISHERS"] = found
    assert missing.returncode == 1
    assert missing.stderr.startswith("Error: nobody may publish yet: set EVENTFLOW_PUBLISHERS")
    assert "Traceback" not in missing.stderr
    open_to_all = deployment.command("serve", "--no-auth", "--host", "0.0.0.0")
    assert open_to_all.returncode == 2
    assert "--no-auth is for loopback alone" in open_to_all.stderr
