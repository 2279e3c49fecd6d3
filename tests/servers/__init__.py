"""The servers that tests start, each its own: another port, another folder, gone afterwards."""

from tests.servers.parts import BROKERS, KINDS, Parts, parts_of, require_broker
from tests.servers.rabbitmq import RabbitServer, VirtualHost, shared_node, stop_shared_node
from tests.servers.redis_server import RedisServer
from tests.servers.server import Server, require
from tests.servers.valkey import ValkeyServer

__all__ = [
    "BROKERS",
    "KINDS",
    "Parts",
    "RabbitServer",
    "RedisServer",
    "Server",
    "ValkeyServer",
    "VirtualHost",
    "parts_of",
    "require",
    "require_broker",
    "shared_node",
    "stop_shared_node",
]
