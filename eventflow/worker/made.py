"""What became of deliveries that a task made."""

from collections import Counter
from dataclasses import dataclass, field

from eventflow.delivery import Claim
from eventflow.worker.chain import Attempt

__all__ = ["Made"]


@dataclass
class Made:
    """What became of a list of deliveries.

    Attributes:
        counts: How many were done, to be retried, dead, parked, given back, or not ours to do.
        attempts: What the ledger said of each, and what came of it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    attempts: list[tuple[Claim, Attempt]] = field(default_factory=list)
