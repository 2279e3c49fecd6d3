"""Moving work through the broker: queues, messages, and the channel that survives garbage."""

from eventflow.transport.messages import (
    deliver_message,
    journal_message,
    record_message,
    route_message,
)
from eventflow.transport.queues import make_queue
from eventflow.transport.sender import Message, MessageSender, Sender

__all__ = [
    "Message",
    "MessageSender",
    "Sender",
    "deliver_message",
    "journal_message",
    "make_queue",
    "record_message",
    "route_message",
]
