"""The servers of one deployment: where its ledger is, and what its broker is."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from eventflow.settings import load_settings
from tests.servers import rabbitmq, redis_server
from tests.servers.queues import Queues, RabbitQueues, RedisQueues
from tests.servers.server import Server, require
from tests.servers.valkey import ValkeyServer

__all__ = ["BROKERS", "KINDS", "Parts", "parts_of", "require_broker"]

BROKERS = ("valkey", "redis", "rabbitmq")
# Of each kind one: Redis 7 differs little from Valkey.
KINDS = ("valkey", "rabbitmq")


@dataclass
class Parts:
    """A deployment's servers.

    Attributes:
        ledger: The ledger's server.
        broker: The broker's; the same object where one server is both.
        queues: What tests do to the broker's queues.
        addresses: The settings that name the servers.
    """

    ledger: Server
    broker: Server
    queues: Queues
    addresses: dict[str, str]

    def start(self) -> None:
        """Start what does not run yet."""
        self.ledger.start()

    def stop(self) -> None:
        """Stop what is this deployment's own, and remove its data from what is shared."""
        self.queues.disconnect()
        self.ledger.stop()
        if isinstance(self.broker, rabbitmq.VirtualHost):
            self.broker.remove()


def require_broker(broker: str) -> None:
    """Skip the test where a broker's program is missing; fail where CI is to have it."""
    if broker == "redis":
        require(redis_server.find_program(), redis_server.MISSING)
    if broker == "rabbitmq":
        require(rabbitmq.find_program(), rabbitmq.MISSING)


def parts_of(broker: str, place: Path, appendfsync: str = "everysec") -> Parts:
    """Return the servers for a deployment.

    Args:
        broker: One of `BROKERS`.
        place: A folder with a short path, for their data and sockets.
        appendfsync: The setting of that name. A server that is to have all that it confirmed when it
            was killed needs `always`: else it answers while its disk syncs, and writes later.
    """
    require_broker(broker)
    if broker == "redis":
        server = redis_server.RedisServer(place, ("--appendfsync", appendfsync))
        return Parts(server, server, RedisQueues(server.url), {"redis_url": server.url})
    embedded = ValkeyServer(load_settings(data_dir=place, appendfsync=appendfsync))
    if broker == "valkey":
        return Parts(embedded, embedded, RedisQueues(embedded.url), {})
    host = rabbitmq.shared_node().add_host(uuid4().hex)
    return Parts(embedded, host, RabbitQueues(host), {"broker_url": host.url})
