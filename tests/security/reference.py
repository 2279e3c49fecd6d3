"""The reference deployment, each of its processes with a user of its own and nothing else."""

import contextlib
import json
import shlex
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.deployment import ROOT, Deployment, deployed
from tests.ports import free_port
from tests.servers import RedisServer, VirtualHost
from workers.simulated_vendor import Server, World

__all__ = ["INTEGRATIONS", "Flower", "Guarded", "guarded_deployment"]

INTEGRATIONS = ("device-vendor", "notifications", "audit", "delivery-partner")
_ROLES = ("publisher", "router", "recorder", "operator", "monitor")
_EVENT = {
    "parcel": {"id": "EU-KW-000001", "weight_kg": 1.2, "value": 20, "tags": []},
    "courier": {"id": "courier-1", "partner": "Kwik", "network_address": "10.20.3.7"},
    "recipient": {"id": "person-1", "name": "Ada", "language": "en"},
}


class Flower:
    """Flower's pages and API."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def read(self, path: str) -> str:
        """Return a page; empty while Flower does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=20) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def ask(self, path: str) -> Any:
        """Return what its API answers; None while it does not."""
        text = self.read(path)
        return json.loads(text) if text else None

    def workers(self) -> set[str]:
        """Return the names of the workers that answer it: within a second, so ask again."""
        return {name.split("@")[0] for name in self.ask("/api/workers?refresh=true") or {}}


class Guarded:
    """A deployment on a guarded Redis, and on a guarded RabbitMQ where there is one.

    Args:
        deployment: The processes; its own settings are the administrator's.
        server: The Redis.
        world: What the integrations call.
        address: Where that is.
        host: The virtual host that is the broker; None where the Redis is.
    """

    def __init__(
        self,
        deployment: Deployment,
        server: RedisServer,
        world: World,
        address: str,
        host: VirtualHost | None,
    ) -> None:
        self.deployment = deployment
        self.world = world
        self.host = host
        self.admin: Any = deployment.client()
        self._port = server.port
        deployment.environment |= {
            "EVENTFLOW_RULES": str(ROOT / "rules"),
            "EVENTFLOW_WORKERS": "workers",
            "DEVICE_VENDOR_URL": f"{address}/vendor",
            "PARTNER_URL": f"{address}/partner",
            "NOTIFICATIONS_URL": f"{address}/messages",
            "AUDIT_FILE": str(deployment.place / "audit.jsonl"),
        }

    def url(self, user: str) -> str:
        """The Redis's address for one user."""
        return f"redis://{user}:of-{user}@127.0.0.1:{self._port}/0"

    def client(self, user: str) -> Any:  # Any: redis-py's commands by name have no types
        """A client that has one user's password."""
        return redis.Redis.from_url(self.url(user))

    def add_user(self, role: str, *options: str) -> None:
        """Make a user on each server, as `eventflow acl` prints it."""
        words = shlex.split(self.command("admin", "acl", "redis", "--role", role, *options))
        assert ["ACL", "SETUSER"] == words[:2]
        self.admin.execute_command(*words, f">of-{words[2]}")
        if self.host is None:
            return
        printed = self.command("admin", "acl", "rabbitmq", "--role", role, *options)
        user, *rights = shlex.split(printed)[4:]
        configure, write, read = rights
        self.host.node.add_user(
            user, f"of-{user}", self.host.name, configure=configure, write=write, read=read
        )

    def start(self) -> None:
        """Make the users and start the processes; workers have no rule files of their own."""
        for role in _ROLES:
            self.add_user(role)
        for name in INTEGRATIONS:
            self.add_user("worker", "--target", name)
        self.run("router", "router")
        self.run("recorder", "recorder")
        self.deployment.await_ready()
        rules = self.deployment.environment["EVENTFLOW_RULES"]
        self.deployment.environment["EVENTFLOW_RULES"] = "/nowhere"
        for name in INTEGRATIONS:
            self.run(name, "worker", name, "--concurrency", "1")
        self.deployment.await_ready()
        self.deployment.environment["EVENTFLOW_RULES"] = rules

    def become(self, user: str) -> None:
        """Have what is started from now on use one user's passwords."""
        environment = self.deployment.environment
        environment["EVENTFLOW_REDIS_URL"] = self.url(user)
        if self.host is not None:
            if user == "admin":
                environment["EVENTFLOW_BROKER_URL"] = self.host.url
            else:
                environment["EVENTFLOW_BROKER_URL"] = self.host.node.url_of(
                    self.host.name, user, f"of-{user}"
                )

    def run(self, user: str, *arguments: str) -> None:
        """Start `eventflow ARGUMENTS` as one user."""
        self.become(user)
        self.deployment.run(user, ["-m", "eventflow", *arguments])

    def start_flower(self) -> "Flower":
        """Start Flower as the user `monitor`, and wait until it answers."""
        self.become("monitor")
        self.deployment.environment["FLOWER_UNAUTHENTICATED_API"] = "true"
        port = free_port()
        options = ("flower", "--address=127.0.0.1", f"--port={port}")
        self.deployment.run("flower", ["-m", "celery", "-A", "workers", *options])
        flower = Flower(port)
        self.deployment.wait(lambda: flower.ask("/api/workers") is not None, "Flower to answer")
        return flower

    def command(self, user: str, *arguments: str) -> str:
        """Run `eventflow ARGUMENTS` as one user, and return what it printed."""
        self.become(user)
        done = self.deployment.command(*arguments)
        assert 0 == done.returncode, f"{arguments}: {done.stderr}"
        return done.stdout

    def publish(self, identity: str, door: str) -> None:
        """Publish the arrival of a courier, as the shop does."""
        data = json.dumps({**_EVENT, "door": {"id": door, "kind": "garage"}})
        options = ("--source", "courier.app", "--type", "CourierArrived", "--id", identity)
        self.command("publisher", "publish", *options, "--data", data)

    def refusals(self) -> list[str]:
        """What the Redis has refused so far: who, what, and in which context."""
        entries = self.admin.acl_log()
        names = ("username", "reason", "object", "context")
        return [" ".join(_text(entry[name]) for name in names) for entry in entries]


@contextlib.contextmanager
def guarded_deployment(place: Path, host: VirtualHost | None = None) -> Iterator[Guarded]:
    """Have the reference deployment run for a `with` block; the user `default` is turned off."""
    data = place / "redis"
    data.mkdir()
    server = RedisServer(data)
    server.start()
    world = World(unknown=["nowhere"])
    try:
        first: Any = redis.Redis(port=server.port)
        first.execute_command("ACL", "SETUSER", "admin", "on", ">of-admin", "~*", "&*", "+@all")
        first.execute_command("ACL", "SETUSER", "default", "off")
        first.close()
        admin = f"redis://admin:of-admin@127.0.0.1:{server.port}/0"
        settings = {"redis_url": admin} | ({} if host is None else {"broker_url": host.url})
        with (
            Server(world) as outside,
            deployed(place, project="", rules="{}", broker="valkey", **settings) as deployment,
        ):
            threading.Thread(target=outside.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{outside.server_port}"
            try:
                guarded = Guarded(deployment, server, world, address, host)
                guarded.start()
                yield guarded
            finally:
                outside.shutdown()
    finally:
        server.stop()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
