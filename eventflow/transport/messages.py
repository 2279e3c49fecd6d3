"""What a broker message says: ids of events or deliveries, never a payload.

A message's arguments are written out for people here (`argsrepr`), so that Flower shows the event's
type and id, and Celery need not spend its time on making a representation.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from eventflow.events import split_delivery_id
from eventflow.rules.archives import ARCHIVE

__all__ = [
    "ARCHIVE",
    "CANARY",
    "DEAD_LETTERS",
    "DELIVER",
    "JOURNAL",
    "MOST_SHOWN",
    "RECORD",
    "ROUTE",
    "Message",
    "canary_message",
    "deliver_message",
    "display_name",
    "journal_message",
    "record_message",
    "route_message",
]

MOST_SHOWN = 50
"""Ids that the arguments of a message show in Flower."""

CANARY = "eventflow.canary"
DEAD_LETTERS = "eventflow.dead-letters"
ROUTE = "eventflow.route"
DELIVER = "eventflow.deliver"
RECORD = "eventflow.record"
JOURNAL = "eventflow.journal"


class Message(NamedTuple):
    """One Celery message to be sent.

    Attributes:
        task: The Celery task that will run.
        queue: The queue that it goes to.
        args: The task's positional arguments.
        task_id: The Celery task's id; a single delivery's own id, so that Flower shows its
            attempts as one row.
        shadow: The name that Flower and logs show.
        shown: The arguments as Flower shows them.
        retries: Attempts before this one.
    """

    task: str
    queue: str
    args: tuple[object, ...]
    task_id: str
    shadow: str
    shown: str
    retries: int = 0


def display_name(task: str) -> str:
    """Return a task's name as people say it: module and function, `device_vendor.unlock_door`."""
    return ".".join(task.split(".")[-2:])


def route_message(bus: str, events: Sequence[tuple[str, str]]) -> Message:
    """Return the message that has events routed.

    Args:
        bus: Their bus.
        events: Pairs of id and type; none for a call: what is queued is to be routed.
    """
    ids = [event_id for event_id, _ in events]
    identity = ids[0] if len(ids) == 1 else str(uuid.uuid4())
    shown = _show(events, "events")
    return Message(ROUTE, ROUTE, (bus, ids), identity, ROUTE, shown)


def deliver_message(
    bus: str, target: str, queue: str, task: str, deliveries: Sequence[tuple[str, str, int]]
) -> Message:
    """Return the message that has deliveries of one target made; the archives' has a task of its own.

    Args:
        bus: Their bus.
        target: The target's name.
        queue: The target's queue.
        task: The target's task, for its name in Flower.
        deliveries: Triples of id, event type, and attempts so far; none for a call: what is queued
            is to be made.
    """
    ids = [identity for identity, _, _ in deliveries]
    if len(ids) == 1:
        identity, kind, attempts = deliveries[0]
        event_id = split_delivery_id(identity)[0]
        shown = f"({kind} {event_id}, attempt {attempts + 1})"
    else:
        identity, attempts = str(uuid.uuid4()), 0
        events = [(split_delivery_id(item[0])[0], item[1]) for item in deliveries]
        shown = _show(events, "deliveries")
    if target == ARCHIVE:
        return Message(ARCHIVE, queue, (bus, ids), identity, ARCHIVE, shown, attempts)
    args = (bus, target, ids)
    return Message(DELIVER, queue, args, identity, display_name(task), shown, attempts)


def record_message(bus: str, ids: Sequence[str]) -> Message:
    """Return the message that has dead letters written to the store."""
    shown = f"({ids[0]})" if len(ids) == 1 else _show([(one, "") for one in ids], "dead letters")
    return Message(RECORD, DEAD_LETTERS, (bus, list(ids)), str(uuid.uuid4()), RECORD, shown)


def canary_message(queue: str, sent_at: float) -> Message:
    """Return the message that shows whether a queue is read.

    Args:
        queue: The queue.
        sent_at: When, seconds since the epoch by the ledger's clock.
    """
    return Message(CANARY, queue, (queue, sent_at), str(uuid.uuid4()), CANARY, f"({queue})")


def journal_message(bus: str) -> Message:
    """Return the message that has a bus's journal written to the store."""
    return Message(JOURNAL, JOURNAL, (bus,), str(uuid.uuid4()), JOURNAL, f"({bus})")


def _show(items: Sequence[tuple[str, str]], noun: str) -> str:
    if not items:
        return f"({noun} that are queued)"
    if len(items) == 1:
        return f"({items[0][1]} {items[0][0]})".replace("( ", "(")
    kinds = Counter(kind for _, kind in items)
    parts = ", ".join(f"{kind} x{count}" for kind, count in kinds.most_common(5) if kind)
    # By them Flower's search finds the message of an event.
    ids = " ".join(identity for identity, _ in items[:MOST_SHOWN])
    more = " …" if items[MOST_SHOWN:] else ""
    return f"({len(items)} {noun}{': ' if parts else ''}{parts}; {ids}{more})"
