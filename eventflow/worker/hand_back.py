"""Deliveries that a worker does not make itself: back on their queue, or parked, untried."""

import logging
from collections.abc import Sequence

from eventflow.delivery import Ledger
from eventflow.errors import TransportError
from eventflow.rules import ARCHIVE, Target
from eventflow.transport import Message, deliver_message
from eventflow.worker.context import WorkerContext
from eventflow.worker.route import groups

__all__ = ["due_messages", "hand_back", "single_messages"]

_log = logging.getLogger("eventflow.deliver")


def hand_back(
    context: WorkerContext,
    ledger: Ledger,
    target: Target,
    delivery_ids: Sequence[str],
) -> None:
    """Send deliveries that were not claimed to their queue again, each in a message of its own.

    Args:
        context: The process's parts.
        ledger: Their ledger.
        target: Their target.
        delivery_ids: Their ids.
    """
    if not delivery_ids:
        return
    messages = single_messages(ledger, target, delivery_ids)
    try:
        context.sender.send(messages)
    except TransportError as error:
        # They are queued in the ledger: a mover sends them once the broker is back.
        _log.warning("%s", error, extra={"action": "send_failed", "messages": len(messages)})
        return
    _log.info(
        "gave %d deliveries of target %s back to its queue",
        len(delivery_ids),
        target.name,
        extra={"action": "given_back", "target": target.name, "count": len(delivery_ids)},
    )


def due_messages(
    context: WorkerContext, ledger: Ledger, target: Target, delivery_ids: Sequence[str]
) -> list[Message]:
    """Return the messages for deliveries that are due again, or were lost on the way.

    The archives' go together: written one by one, what a store that was away has missed would take
    many times as long. All others go alone.

    Args:
        context: The process's parts.
        ledger: Their ledger, which knows their types and attempts.
        target: Their target.
        delivery_ids: Their ids.
    """
    if target.name != ARCHIVE:
        return single_messages(ledger, target, delivery_ids)
    size = context.settings.group_size
    return [
        deliver_message(ledger.bus, target.name, target.queue, target.task, group)
        for group in groups(_described(ledger, delivery_ids), size)
    ]


def single_messages(ledger: Ledger, target: Target, delivery_ids: Sequence[str]) -> list[Message]:
    """Return a message for each delivery: a retry is shown as one, and harms no neighbour.

    Args:
        ledger: Their ledger, which knows their types and attempts.
        target: Their target.
        delivery_ids: Their ids.
    """
    return [
        deliver_message(ledger.bus, target.name, target.queue, target.task, [delivery])
        for delivery in _described(ledger, delivery_ids)
    ]


def _described(ledger: Ledger, delivery_ids: Sequence[str]) -> list[tuple[str, str, int]]:
    facts = ledger.describe(delivery_ids)
    return [
        (identity, kind, attempts)
        for identity, (kind, attempts) in zip(delivery_ids, facts, strict=True)
    ]
