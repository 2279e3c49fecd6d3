"""Messages as calls: what the ledger answers who takes what is queued, or has it queued.

A message says that there is something to do on a queue; who takes it does what it names first, and
then more of what the ledger has queued. So a queue needs no second message while one is on its way,
and thousands of deliveries need no thousands of messages. At low load each has its own all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eventflow.delivery.answers import Claim, Planned, RouteWork
from eventflow.records import DeadLetter
from eventflow.rules.archives import ARCHIVE

__all__ = [
    "CALL_AGAIN",
    "JUST_NOW",
    "Draw",
    "Routed",
    "RoutesTaken",
    "Routing",
    "Taken",
    "patience_of",
]

CALL_AGAIN = 1.0
"""Seconds after which a message that nobody has taken may be lost: what is queued then sends one."""

JUST_NOW = 5.0
"""Seconds for which a dead letter is written along with another: what ends its recorder is not for ever."""


@dataclass(frozen=True, slots=True)
class Routing:
    """What routing one event came to.

    Attributes:
        event_id: Its id.
        event_type: Its type; empty where it cannot be read.
        deliveries: What is to be delivered.
        letters: What cannot be.
    """

    event_id: str
    event_type: str
    deliveries: Sequence[Planned]
    letters: Sequence[DeadLetter] = ()


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of a list of routings.

    Attributes:
        recorded: For each, False where the event was routed before.
        called: The targets whose queues are to be sent a message now.
    """

    recorded: list[bool]
    called: frozenset[str]


@dataclass(frozen=True, slots=True)
class RoutesTaken:
    """Events for a router.

    Attributes:
        works: The events.
        left: How many are queued still.
        is_called: Whether another router is to be called by a message: there is enough for two.
    """

    works: list[RouteWork]
    left: int
    is_called: bool


@dataclass(frozen=True, slots=True)
class Draw:
    """How much a worker takes of what is queued.

    Attributes:
        most: The most deliveries that may run.
        look: How many of those that are queued are looked at, the oldest first; 0 where only what
            is named is taken.
        answers: Whether a message was taken for it, which thereby is on its way no more.
        patience: Seconds after which a message that nobody has taken counts as lost.
        repeats: Whether the answer to the same owner's last one was lost.
        begins_all: Whether all that may run are begun by this, since they run at once. What has
            ended a worker before is then answered `apart`: it may not run beside others.
    """

    most: int
    look: int
    answers: bool
    patience: float
    repeats: bool = False
    begins_all: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Deliveries for a worker.

    Attributes:
        claims: What the claim decided of each.
        left: How many of its target are queued still.
        is_called: Whether another worker is to be called by a message: there is enough for two.
    """

    claims: list[Claim]
    left: int
    is_called: bool


def patience_of(target: str) -> float | None:
    """Return after how many seconds a message to a target counts as lost, for who queues more.

    None where each delivery has a message of its own: of the archives', each says what it names.
    """
    return None if target == ARCHIVE else CALL_AGAIN
