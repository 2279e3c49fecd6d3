"""docker-compose.yml: each service's command is started as a process, and each health check run."""

import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from eventflow.cli.deployment import integrations_of
from eventflow.rules import load_rules
from tests.acceptance.composed import Composed, services_of
from tests.acceptance.running_up import ROOT, wait_for

pytestmark = pytest.mark.timeout(240)

SERVICES: dict[str, dict[str, Any]] = services_of("docker-compose.yml")
PROCESSES = sorted(SERVICES.keys() - {"valkey", "postgres"})


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """All services but the database, as processes."""
    found = Composed(tmp_path_factory.mktemp("compose"), SERVICES)
    try:
        found.start_valkey()
        for service in PROCESSES:
            found.start(service)
        yield found
    finally:
        found.stop()


@pytest.mark.parametrize("service", PROCESSES)
def test_each_service_becomes_healthy(composed: Composed, service: str) -> None:
    """A service's command starts a process that its own health check finds well."""
    wait_for(lambda: composed.is_healthy(service), f"{service} to be healthy")


@pytest.mark.parametrize("service", ["router", "recorder", "audit", "gateway"])
def test_each_process_serves_its_metrics(composed: Composed, service: str) -> None:
    """Prometheus finds them at the one port that all containers have."""

    def is_served() -> bool:
        port = composed.metrics_ports.get(service, 0)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return b"eventflow_info" in answer.read()
        except OSError:
            return False

    assert SERVICES[service]["environment"]["EVENTFLOW_METRICS_PORT"] == "9400"
    wait_for(is_served, f"{service}'s metrics")


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
    """The only published ports are Flower's and the gateway's, on the loopback address."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "flower": ["127.0.0.1:5555:5555"],
        "gateway": ["127.0.0.1:8080:8080"],
    }


def test_the_image_holds_what_the_services_run() -> None:
    """The Dockerfile copies the package, the reference deployment, and what its build needs."""
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == {
        *("eventflow", "workers", "rules", "schemas"),
        *("pyproject.toml", "README.md", "LICENSE", "constraints.txt"),
    }
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in names} <= set(ignored)
