"""What tests do to queues behind the workers' backs, the same on each broker."""

import base64
import json
import uuid
from typing import Any, Protocol

import amqp
import redis

from tests.servers.rabbitmq import VirtualHost

__all__ = ["Queues", "RabbitQueues", "RedisQueues"]


class Queues(Protocol):
    """The queues of one broker."""

    def depth(self, queue: str) -> int:
        """Return how many messages wait on a queue; 0 where there is no such queue."""

    def push_raw(self, queue: str, body: bytes) -> None:
        """Put bytes on a queue as they are, with nothing said of them."""

    def push_message(
        self,
        queue: str,
        body: bytes,
        *,
        headers: Any = None,
        content_type: str | None = "application/json",
        content_encoding: str | None = "utf-8",
    ) -> None:
        """Put a message on a queue, as a program in another language may have made it."""

    def lose(self, queue: str) -> int:
        """Take all messages off a queue, and return how many there were."""

    def disconnect(self) -> None:
        """Let go of the broker, which is about to stop."""


class RedisQueues:
    """Queues that are lists of a Redis or Valkey.

    Args:
        url: Its address, as redis-py writes it.
    """

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)

    def depth(self, queue: str) -> int:
        """Return how many messages wait on a queue; 0 where there is no such queue."""
        return int(self._client.llen(queue))

    def push_raw(self, queue: str, body: bytes) -> None:
        """Put bytes on a queue as they are."""
        self._client.lpush(queue, body)

    def push_message(
        self,
        queue: str,
        body: bytes,
        *,
        headers: Any = None,
        content_type: str | None = "application/json",
        content_encoding: str | None = "utf-8",
    ) -> None:
        """Put a message on a queue, written as kombu writes it."""
        properties = {
            "body_encoding": "base64",
            "correlation_id": "x",
            "delivery_mode": 2,
            "delivery_tag": str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
        }
        message = {
            "body": base64.b64encode(body).decode(),
            "content-encoding": content_encoding,
            "content-type": content_type,
            "headers": headers,
            "properties": properties,
        }
        self._client.lpush(queue, json.dumps(message))

    def lose(self, queue: str) -> int:
        """Take all messages off a queue, and return how many there were."""
        with self._client.pipeline() as pipeline:
            pipeline.llen(queue)
            pipeline.delete(queue)
            count, _ = pipeline.execute()
        return int(count)

    def disconnect(self) -> None:
        """Let go of the broker."""
        self._client.close()


class RabbitQueues:
    """Queues of a RabbitMQ.

    Args:
        host: The virtual host that they are in.
    """

    def __init__(self, host: VirtualHost) -> None:
        self._host = host
        self._connection: amqp.Connection | None = None

    def depth(self, queue: str) -> int:
        """Return how many messages wait on a queue; 0 where there is no such queue."""
        with self._channel() as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except amqp.NotFound:
                return 0

    def push_raw(self, queue: str, body: bytes) -> None:
        """Put bytes on a queue as they are, without any property."""
        self._publish(queue, amqp.Message(body))

    def push_message(
        self,
        queue: str,
        body: bytes,
        *,
        headers: Any = None,
        content_type: str | None = "application/json",
        content_encoding: str | None = "utf-8",
    ) -> None:
        """Put a message on a queue."""
        message = amqp.Message(
            body,
            application_headers=headers,
            content_type=content_type,
            content_encoding=content_encoding,
            delivery_mode=2,
        )
        self._publish(queue, message)

    def lose(self, queue: str) -> int:
        """Take all messages off a queue, and return how many there were."""
        with self._channel() as channel:
            return int(channel.queue_purge(queue))

    def disconnect(self) -> None:
        """Let go of the broker."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _publish(self, queue: str, message: amqp.Message) -> None:
        with self._channel() as channel:
            # Asked for first: what is sent to no queue would only be dropped.
            channel.queue_declare(queue, passive=True)
            channel.basic_publish_confirm(message, routing_key=queue)

    def _channel(self) -> amqp.Channel:
        if self._connection is None or not self._connection.connected:
            self._connection = self._host.connect()
        return self._connection.channel()
