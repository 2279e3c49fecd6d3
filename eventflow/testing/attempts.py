"""What a test is told of each attempt that the bus made."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from eventflow.delivery import Claim, Outcome
from eventflow.events import split_delivery_id
from eventflow.records import Reason
from eventflow.worker.chain import Attempt as ChainAttempt

__all__ = ["Attempt", "read_attempt"]

_OUTCOMES: dict[Outcome, Literal["done", "retry", "dead"]] = {
    Outcome.DONE: "done",
    Outcome.RETRY: "retry",
    Outcome.DEAD: "dead",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery.

    Attributes:
        target: The target's name.
        event_id: The event's id.
        number: Of this attempt, from 1. With a budget that was found spent, of the last one made.
        outcome: `done`, `retry` (it is due again at `due_at`) or `dead`.
        at: When it was made, by the test's clock.
        due_at: When it is due again; None unless it is.
        error: What the subscriber raised, or why it could not be called; None where all went well.
        reason: Why it is a dead letter; None unless it is.
        input: What the rule shaped for the target; None where it gets the event itself.
    """

    target: str
    event_id: str
    number: int
    outcome: Literal["done", "retry", "dead"]
    at: datetime
    due_at: datetime | None = None
    error: BaseException | None = None
    reason: Reason | None = None
    input: Any = field(default=None, repr=False)  # a JSON value

    def __str__(self) -> str:
        text = f"{self.target}, attempt {self.number}: {self.outcome}"
        if self.reason is not None:
            text += f" ({self.reason.value})"
        return text + (f", {type(self.error).__name__}: {self.error}" if self.error else "")


def read_attempt(claim: Claim, made: ChainAttempt) -> Attempt | None:
    """Return what is told of an attempt; None where the delivery was not tried.

    Args:
        claim: What the ledger said of the delivery.
        made: What came of it.
    """
    finish = made.finish
    if finish is None or finish.outcome not in _OUTCOMES:
        return None
    event_id, target = split_delivery_id(claim.delivery_id)
    at = datetime.fromtimestamp(claim.now, UTC)
    is_retry = finish.outcome is Outcome.RETRY
    return Attempt(
        target,
        event_id,
        claim.attempt,
        _OUTCOMES[finish.outcome],
        at,
        due_at=at + timedelta(seconds=finish.delay) if is_retry else None,
        error=made.error,
        reason=finish.letter.reason if finish.letter is not None else None,
        input=json.loads(claim.input) if claim.input is not None else None,
    )
