"""Queues: one for each target, and those of the router and the recorder."""

from typing import Any

from kombu.entity import Exchange, Queue

__all__ = ["make_queue"]

# The broker's own default exchange takes a message straight to the queue that its routing key
# names: no binding can be missing, and Redis is spared a look-up for each message.
_DIRECT = Exchange("", type="direct")


def make_queue(name: str) -> Any:
    """Return the kombu queue of that name; durable, reached by its own name alone."""
    return Queue(name, exchange=_DIRECT, routing_key=name, durable=True)
