"""What became of deliveries that a task made, and how its result tells of it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from eventflow.delivery import Claim
from eventflow.events import split_delivery_id
from eventflow.transport.messages import MOST_SHOWN
from eventflow.worker.chain import Attempt

__all__ = ["Made", "show_also"]


@dataclass
class Made:
    """What became of a list of deliveries.

    Attributes:
        named: Those that the task's message names.
        counts: How many were done, to be retried, dead, parked, given back, or not ours to do.
        attempts: Of those that are named, what the ledger said of each, and what came of it.
        also: The events of others, at most 50; and one more where there were more.
    """

    named: Collection[str] = ()
    counts: Counter[str] = field(default_factory=Counter)
    attempts: list[tuple[Claim, Attempt]] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    def note(self, claim: Claim, attempt: Attempt) -> None:
        """Keep what Celery is to show; of thousands in a turn not all is kept.

        Args:
            claim: What the ledger said of a delivery.
            attempt: What came of it.
        """
        if claim.delivery_id in self.named:
            self.attempts.append((claim, attempt))
        elif len(self.also) <= MOST_SHOWN:
            self.also.append(split_delivery_id(claim.delivery_id)[0])

    def result(self) -> dict[str, int | str]:
        """Return what the task returns, for Flower to show, and to be found by."""
        return {**self.counts, **show_also(self.also)}


def show_also(events: Sequence[str]) -> dict[str, str]:
    """Return what a task's result says of events that its message does not name.

    Args:
        events: Their ids.
    """
    if not events:
        return {}
    more = " …" if len(events) > MOST_SHOWN else ""
    return {"also": " ".join(events[:MOST_SHOWN]) + more}
