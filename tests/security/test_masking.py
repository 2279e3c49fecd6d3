"""No password and no payload is said anywhere: output, logs, errors, Flower, what workers tell."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
import redis

from eventflow.events import Event
from tests.deployment import Deployment, deployed
from tests.integration.postgres import MISSING, find_binaries, running_postgres
from tests.ports import free_port
from tests.security.authority import Authority
from tests.security.reference import Flower
from tests.security.servers import TlsPostgres
from tests.servers import RedisServer, rabbitmq, redis_server, require, shared_node

# With what has a meaning in an address, so that it stands there percent-encoded.
SECRET = "hunter/2@of?the#tests"
TRACES = ("hunter", quote(SECRET, safe=""))
PAYLOAD = "4711-is-the-door-code"

RULES = """
    targets:
      audit: {task: project.audit}
      vendor: {task: project.vendor, retry: {max_attempts: 2, initial: 0s, jitter: none}}
      typed: {task: project.typed}
      shaped: {task: project.shaped}
    rules:
      all: {pattern: {source: [test]}, targets: [audit, vendor, typed]}
      shaping:
        pattern: {source: [test]}
        targets: [{target: shaped, input: {path: $.detail.nothing.there}}]
"""

PROJECT = """
    class Wanted(EventModel, source="test", type="Test", version="1.0"):
        code: int

    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("vendor")
    def vendor(event: Event, delivery: Delivery):
        raise ConnectionError("the vendor is away")

    @flow.subscriber("typed")
    def typed(event: Event[Wanted], delivery: Delivery):
        note(delivery)

    @flow.subscriber("shaped")
    def shaped(event: dict, delivery: Delivery):
        note(delivery)
"""


class Heard:
    """All that was said, by where."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def take(self, place: str, text: str) -> None:
        """Keep what was said at *place*."""
        self.texts[place] = self.texts.get(place, "") + text

    def places_of(self, *traces: str) -> dict[str, str]:
        """Return where one of *traces* was said, and the line."""
        return {
            place: line.strip()[:300]
            for place, text in self.texts.items()
            for line in text.splitlines()
            if any(trace in line for trace in traces)
        }


@pytest.fixture(scope="module", params=["redis", "socket", "rabbitmq"])
def heard(
    request: pytest.FixtureRequest, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Heard]:
    """What a deployment says whose every address has a password: at work, and without servers."""
    pytest.importorskip("psycopg", reason="no driver: pip install 'eventflow[postgres]'")
    require(redis_server.find_program(), redis_server.MISSING)
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ef-"))  # a socket's path is short
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = RedisServer(folder, ("--unixsocket", str(folder / "socket")))
        server.start()
        stack.callback(server.stop)
        redis.Redis(port=server.port).config_set("requirepass", SECRET)
        binaries = require(find_binaries(), MISSING)
        store = TlsPostgres(
            stack.enter_context(running_postgres(binaries)), authority.sign("store", "localhost")
        )
        word = quote(SECRET, safe="")
        settings: dict[str, str] = {
            "redis_url": f"redis://:{word}@127.0.0.1:{server.port}/0",
            "database_url": store.url().replace("of-the-tests", word),
        }
        if request.param == "socket":
            settings["redis_url"] = f"unix://{folder}/socket?db=0&password={word}"
        if request.param == "rabbitmq":
            require(rabbitmq.find_program(), rabbitmq.MISSING)
            host = shared_node().add_host(uuid4().hex)
            stack.callback(host.remove)
            host.node.add_user("shop", SECRET, host.name, configure=".*", write=".*", read=".*")
            away = f"amqp://shop:{word}@127.0.0.1:{free_port()}/{host.name}"
            settings["broker_url"] = f"{host.node.url_of(host.name, 'shop', word)};{away}"
        place = tmp_path_factory.mktemp("masking")
        with deployed(
            place, project=PROJECT, rules=RULES, log_level="DEBUG", **settings
        ) as deployment:
            heard = Heard()
            work(deployment, heard)
            server.stop()
            if request.param != "socket":  # what differs there is what workers tell
                fail(deployment, heard)
            for name in deployment.processes:
                heard.take(f"log of {name}", deployment.log(name))
            yield heard


def work(deployment: Deployment, heard: Heard) -> None:
    """Have everything run, and ask everything that answers."""
    port = free_port()
    deployment.environment["FLOWER_UNAUTHENTICATED_API"] = "true"
    options = ("flower", "--address=127.0.0.1", f"--port={port}", "--logging=debug")
    deployment.run("flower", ["-m", "celery", "-A", "project", *options])
    flower = Flower(port)
    deployment.wait(lambda: flower.ask("/api/workers") is not None, "Flower to answer")
    deployment.run("router", ["-m", "eventflow", "router"])
    deployment.run("recorder", ["-m", "eventflow", "recorder"])
    names = ("audit", "vendor", "typed", "shaped")
    deployment.run("workers", ["-m", "eventflow", "worker", *names, "-c", "1"])
    # As plain Celery starts it, with its banner.
    plain = ["worker", "-Q", "audit", "-n", "plain@%h", "-l", "DEBUG", "-P", "solo"]
    deployment.run("plain", ["-m", "celery", "-A", "project", *plain])
    for name in ("router", "recorder", "workers", "plain"):
        deployment.await_log(name, " ready.")
    data = {"code": PAYLOAD}
    deployment.flow.publish(Event(id="e1", source="test", type="Test", data=data))
    deployment.settle()
    commands = (
        "deadletters list --json",
        "targets --json",
        "doctor --json",
        "acl redis --role router --json",
        "--verbose worker nobody",
    )
    for command in commands:
        done = deployment.command(*command.split())
        heard.take(f"eventflow {command}", done.stdout + done.stderr)
    for command in ("inspect stats", "inspect conf", "inspect report", "report"):
        done = ask_celery(deployment, *command.split())
        assert "OK" in done.stdout or "software" in done.stdout, done.stderr
        heard.take(f"celery {command}", done.stdout + done.stderr)
    ask_flower(deployment, flower, heard)


def ask_celery(deployment: Deployment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `celery ARGUMENTS` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "project", *arguments],
        cwd=deployment.place,
        env=deployment.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask_flower(deployment: Deployment, flower: Flower, heard: Heard) -> None:
    """Read each of Flower's pages and answers."""
    deployment.wait(
        lambda: len(flower.ask("/api/workers?refresh=true") or {}) >= 4, "Flower to see workers"
    )
    nodes = list(flower.ask("/api/workers?refresh=true"))
    tasks = list(flower.ask("/api/tasks?limit=1000"))
    pages = ["/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers?refresh=true"]
    pages += ["/api/tasks?limit=1000", "/api/queues/length", "/api/task/types"]
    pages += [f"/worker/{node}" for node in nodes]
    for task in tasks[:3]:
        pages += [f"/task/{task}", f"/api/task/info/{task}"]
    for page in pages:
        text = flower.read(page)
        assert text or page == "/api/queues/length", f"Flower has nothing at {page}"
        heard.take(f"Flower {page}", text)
    # It is there that passwords would be.
    assert "broker_url" in heard.texts["Flower /api/workers?refresh=true"]
    assert "alternates" in heard.texts["celery inspect stats"]


def fail(deployment: Deployment, heard: Heard) -> None:
    """Have every process notice that Redis is gone, and every command be told so."""
    for name in ("router", "workers"):
        deployment.await_log(name, "cannot be used")
    commands = (
        "--verbose publish --source test --type Test",
        "--verbose retries list",
        "--verbose up --no-flower",
        "--verbose doctor",
    )
    for command in commands:
        done = deployment.command(*command.split())
        heard.take(f"without servers: eventflow {command}", done.stdout + done.stderr)
    for place, url in (("the store", deployment.environment["EVENTFLOW_DATABASE_URL"]),):
        deployment.environment["EVENTFLOW_DATABASE_URL"] = url.replace("localhost", "nowhere.test")
        done = deployment.command("--verbose", "deadletters", "list")
        assert 1 == done.returncode
        heard.take(f"without {place}: deadletters list", done.stdout + done.stderr)


@pytest.mark.timeout(400)
def test_no_password_is_said(heard: Heard) -> None:
    """No output, log, page or answer holds any part of the password."""
    assert {} == heard.places_of(*TRACES)


@pytest.mark.timeout(400)
def test_no_payload_is_said(heard: Heard) -> None:
    """No output, log, page or answer holds what was in the event, also where a delivery failed."""
    assert {} == heard.places_of(PAYLOAD)
    logs = "".join(text for place, text in heard.texts.items() if place.startswith("log of"))
    for said in ("delivered e1:audit", "the vendor is away", "e1:typed", "e1:shaped"):
        assert said in logs
