"""Calls: messages that say no more than that there is something to do on a queue."""

import logging
from collections.abc import Sequence

from eventflow.delivery import CALL_AGAIN, Ledger
from eventflow.errors import TransportError
from eventflow.transport import Message
from eventflow.worker.context import WorkerContext

__all__ = ["call_again", "send_calls"]

_log = logging.getLogger("eventflow.worker")


def send_calls(context: WorkerContext, messages: Sequence[Message]) -> None:
    """Send messages for what is registered; where the broker is away, the mover does so later.

    Args:
        context: The process's parts.
        messages: The messages.
    """
    # Who stops makes sure that they are there: nobody posts after.
    stops = context.stopping.is_set()
    try:
        (context.sender.send if stops else context.sender.post)(messages)
    except TransportError as error:
        _log.warning("%s", error, extra={"action": "send_failed", "messages": len(messages)})


def call_again(context: WorkerContext, ledger: Ledger, name: str, message: Message) -> None:
    """Have what a task leaves queued done by another one, which may run in another process.

    Args:
        context: The process's parts.
        ledger: The ledger in which it is queued.
        name: The target, or `eventflow.route`.
        message: The call.
    """
    # One that stops may hold the message that counts as on its way, and takes nothing for it: another
    # is sent in any case, or by whoever queues something next where nothing is queued now.
    patience = 0.0 if context.stopping.is_set() else CALL_AGAIN
    if ledger.call(name, patience=patience):
        send_calls(context, [message])
