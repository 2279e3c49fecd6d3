"""The journal: what happened to an event and to each of its deliveries, one entry a step.

The ledger's scripts write an entry in the same atomic step as what it tells of, to a stream in
Redis; the recorder moves entries to the store. An entry is small, so a script writes only the
fields that its step has.

    d   delivery's id: `EVENT-ID:TARGET`        l   duration, seconds
    e   event's id, where there is no delivery  u   when it is due, seconds since the epoch
    s   step                                    k   error's class
    n   attempt                                 x   error's text
    o   outcome                                 f   facts, as JSON
    a   the event's lane: its source and type
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from eventflow.errors import LedgerError
from eventflow.events import split_delivery_id, split_ledger_id

__all__ = [
    "MOST_ERROR",
    "TELL_EVERY",
    "JournalCall",
    "JournalEntry",
    "JournalState",
    "RecorderCall",
    "Step",
    "entry_id",
    "read_entry",
]

MOST_ERROR = 200
"""Characters of an error's text that the journal keeps; a dead letter has more."""

TELL_EVERY = 60.0
"""Seconds between two tellings of entries that were dropped."""

_ROUTE = "eventflow.route"  # in the place of a target, where an event has none


class Step(StrEnum):
    """What happened."""

    ACCEPTED = "accepted"
    """The ledger took the event; the facts have `lane`: its source and type."""
    DUPLICATE = "duplicate"
    """An event with this id was published once more, and was known."""
    MATCHED = "matched"
    """It was routed; the facts have `targets`: each target's rules. There may be none."""
    UNROUTABLE = "unroutable"
    """The event, or its input for one target, cannot be delivered: the facts have `reason`."""
    QUEUED = "queued"
    """It was put back on its queue; the facts have `why`: `due`, `free` (it was held back, and
    may run now), `sent again` (its message was lost) or `restored` (it was in no place)."""
    ATTEMPT = "attempt"
    """A try and its outcome: `done`, `retry` (with when it is due), `dead` (the facts have
    `reason`) or `release`: given back untried. Where it changed the circuit breaker, the facts
    have `breaker`: `opened`, `reopened` or `closed`."""
    PARKED = "parked"
    """Its target may not be called now; the facts have `by`, as the claim says it."""
    LOST = "lost"
    """It was taken and never came back; the facts have `why`: `lease` (it ended), `worker` (its
    process ended), `router` or `vanished` (its record is gone)."""
    REDRIVEN = "redriven"
    """The dead letter was sent to its target again; the facts have `redrives`: how often by now."""


class JournalCall(StrEnum):
    """Whether the recorder is to be sent a message."""

    NO = "no"
    YES = "yes"
    AGAIN = "again"
    """Yes, and the last one was not answered: it may be lost, or still be on its queue."""


@dataclass(frozen=True, slots=True)
class RecorderCall:
    """What a mover is to do about the recorder.

    Attributes:
        call: Whether to send it a message.
        dropped: Entries that were dropped and that nobody was told of yet.
    """

    call: JournalCall
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One step of an event, or of one of its deliveries.

    Attributes:
        id: Unique in its bus, and in the order in which things happened.
        bus: The event's bus.
        step: What happened.
        at: When, seconds since the epoch by the ledger's clock, to the millisecond.
        event_id: The event's own id.
        replay_name: The replay that sent the event again; empty for the first time.
        target: The delivery's target; empty where the step is the event's.
        attempt: The attempt's number; 0 where there is none.
        outcome: How an attempt went.
        duration: How long the attempt took, in seconds; 0 where nothing was called.
        due_at: When the delivery is due again, seconds since the epoch; 0 where it is not.
        error_type: The error's class.
        error: The error's text, at most `MOST_ERROR` characters.
        facts: What a step alone has, as JSON has it.
    """

    id: str
    bus: str
    step: Step
    at: float
    event_id: str
    replay_name: str = ""
    target: str = ""
    attempt: int = 0
    outcome: str = ""
    duration: float = 0.0
    due_at: float = 0.0
    error_type: str = ""
    error: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JournalState:
    """What of a bus's journal is not in the store yet.

    Attributes:
        waiting: Entries that wait for the recorder.
        dropped: Entries that were never written, since as many waited as may; since the ledger
            began.
        oldest_age: Seconds for which the first of those that wait has waited; 0 where none does.
    """

    waiting: int = 0
    dropped: int = 0
    oldest_age: float = 0.0


def entry_id(milliseconds: int, number: int) -> str:
    """Return an entry's id: of one width, so that ids are in order as texts, too.

    Args:
        milliseconds: When it was written, since the epoch.
        number: Its number within that millisecond.
    """
    return f"{milliseconds:013d}-{number:010d}"


def read_entry(bus: str, stream_id: str, fields: Mapping[bytes, bytes]) -> JournalEntry:
    """Read an entry of the stream.

    Args:
        bus: Its bus.
        stream_id: Its id in the stream, `MILLISECONDS-NUMBER`.
        fields: What a script wrote.

    Raises:
        LedgerError: When it is none, or of a kind that this version does not know.
    """
    milliseconds, _, number = stream_id.partition("-")
    # A text that was cut may end in a part of a character.
    texts = {name: value.decode("utf-8", "ignore") for name, value in fields.items()}
    try:
        identity, target = texts.get(b"e", ""), ""
        if b"d" in texts:
            identity, target = split_delivery_id(texts[b"d"])
            target = "" if target == _ROUTE else target
        event_id, replay_name = split_ledger_id(identity)
        return JournalEntry(
            id=entry_id(int(milliseconds), int(number)),
            bus=bus,
            step=Step(texts[b"s"]),
            at=int(milliseconds) / 1000,
            event_id=event_id,
            replay_name=replay_name or "",
            target=target,
            attempt=int(texts.get(b"n", 0)),
            outcome=texts.get(b"o", ""),
            duration=float(texts.get(b"l", 0)),
            due_at=float(texts.get(b"u", 0)),
            error_type=texts.get(b"k", ""),
            error=texts.get(b"x", "")[:MOST_ERROR],
            facts=_facts_of(texts),
        )
    except (KeyError, ValueError) as error:
        message = (
            f"the journal of bus '{bus}' has an entry that cannot be read: {stream_id}: {error}"
        )
        raise LedgerError(message) from error


def _facts_of(texts: Mapping[bytes, str]) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(texts.get(b"f", "{}"))
    if b"a" in texts:
        facts["lane"] = texts[b"a"]
    return facts
