"""docker-compose.rabbitmq.yml: laid over the other file, every process works on RabbitMQ."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import yaml

from tests.acceptance.composed import Composed, services_of
from tests.acceptance.running_up import ROOT, wait_for
from tests.servers import VirtualHost, require_broker, shared_node

pytestmark = pytest.mark.timeout(240)

BASE = services_of("docker-compose.yml")
SERVICES = services_of("docker-compose.yml", "docker-compose.rabbitmq.yml")
USERS = sorted(BASE.keys() - {"valkey", "postgres", "outside"})  # those that use a broker
STARTED = ["router", "recorder", "device-vendor", "flower"]  # one of each kind


@pytest.fixture(scope="module")
def host() -> Iterator[VirtualHost]:
    """What stands for the service `rabbitmq`, which is its image's own command."""
    require_broker("rabbitmq")
    made = shared_node().add_host(uuid4().hex)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def composed(host: VirtualHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """A process of each kind, with the file's address of RabbitMQ in its environment."""
    name = SERVICES["rabbitmq"]["environment"]["RABBITMQ_DEFAULT_USER"]
    host.node.add_user(name, "eventflow", host.name, configure=".*", write=".*", read=".*")
    places = {"rabbitmq:5672//": f"127.0.0.1:{host.node.port}/{host.name}"}
    found = Composed(tmp_path_factory.mktemp("compose"), SERVICES, places)
    try:
        found.start_valkey()
        for service in STARTED:
            found.start(service)
        yield found
    finally:
        found.stop()


@pytest.mark.parametrize("service", STARTED)
def test_each_service_becomes_healthy(composed: Composed, service: str) -> None:
    """A service's command starts a process that its own health check finds well, over RabbitMQ."""
    wait_for(lambda: composed.is_healthy(service), f"{service} to be healthy")


def test_its_queues_are_on_rabbitmq(composed: Composed, host: VirtualHost) -> None:
    """What the processes read is there, as quorum queues, and nothing of it is in Valkey."""
    wanted = {"eventflow.route", "eventflow.dead-letters", "device-vendor"}
    wait_for(lambda: wanted <= host.queues().keys(), "the queues")
    assert {"quorum"} == {host.queues()[name]["type"] for name in wanted}
    with composed.client() as client:
        assert not [key for key in client.scan_iter() if not key.startswith("eventflow:")]


def test_the_file_adds_a_broker_and_nothing_else() -> None:
    """Over the other file it changes addresses and what waits for what; commands stay."""
    text = yaml.safe_load((ROOT / "docker-compose.rabbitmq.yml").read_text())
    assert sorted(text["services"].keys() - {"rabbitmq"}) == USERS
    for name in USERS:
        assert set(text["services"][name]) == {"depends_on", "environment"}
        assert set(text["services"][name]["environment"]) == {"EVENTFLOW_BROKER_URL"}


@pytest.mark.parametrize("service", USERS)
def test_each_process_waits_for_both(service: str) -> None:
    """No process starts before the broker and the ledger answer."""
    for name in ("rabbitmq", "valkey"):
        assert SERVICES[service]["depends_on"][name] == {"condition": "service_healthy"}


def test_nothing_more_is_open_to_the_network() -> None:
    """RabbitMQ publishes no port."""
    assert "ports" not in SERVICES["rabbitmq"]
