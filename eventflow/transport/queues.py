"""Queues: one for each target, and those of the router and the recorder.

On RabbitMQ each is a quorum queue: written to disk before it is confirmed, kept on several nodes of a
cluster, and counting how often it has handed a message over. Redis ignores all that is said of it.
None has a dead-letter exchange, since the ledger holds what a message only names.
"""

from typing import Any

from kombu.entity import Exchange, Queue

__all__ = ["DELIVERY_LIMIT", "GIVE_UP_AFTER", "make_queue"]

DELIVERY_LIMIT = 20
"""How often RabbitMQ hands over one message before it drops it."""

GIVE_UP_AFTER = 10
"""How often a worker is handed one message before it makes a dead letter of it: well before the
broker would drop it in silence."""

# The broker's own default exchange takes a message straight to the queue that its routing key
# names: no binding can be missing, and Redis is spared a look-up for each message.
_DIRECT = Exchange("", type="direct")
_ARGUMENTS = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}


def make_queue(name: str) -> Any:
    """Return the kombu queue of that name; durable, reached by its own name alone."""
    return Queue(
        name, exchange=_DIRECT, routing_key=name, durable=True, queue_arguments=dict(_ARGUMENTS)
    )
