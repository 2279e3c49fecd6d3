"""Queues: one for each target, and those of the router and the recorder.

On RabbitMQ each is a quorum queue: on disk before it is confirmed, kept on several nodes of a
cluster, and counting how often it has handed a message over. Redis ignores all that is said of it.
None has a dead-letter exchange, since the ledger holds what a message only names.
"""

from typing import Any

from kombu.entity import Exchange, Queue

__all__ = ["DELIVERY_LIMIT", "GIVE_UP_AFTER", "make_queue"]

DELIVERY_LIMIT = 20
"""How often RabbitMQ takes a message back before it drops it."""

GIVE_UP_AFTER = 10
"""How often a message may have come back before a worker makes an end of it: well before the broker
would, which says nothing."""

_HANDED_OVER_FOR = 12 * 60 * 60 * 1000  # milliseconds

# The broker's own default exchange takes a message straight to the queue that its routing key
# names: no binding can be missing, and Redis is spared a look-up for each message.
_DIRECT = Exchange("", type="direct")
_ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERY_LIMIT,
    # A message stays unacknowledged while its whole list runs, and RabbitMQ would close the worker's
    # channel after half an hour. It heeds this from 3.12 on.
    "x-consumer-timeout": _HANDED_OVER_FOR,
}


def make_queue(name: str) -> Any:
    """Return the kombu queue of that name; durable, reached by its own name alone."""
    return Queue(
        name, exchange=_DIRECT, routing_key=name, durable=True, queue_arguments=dict(_ARGUMENTS)
    )
