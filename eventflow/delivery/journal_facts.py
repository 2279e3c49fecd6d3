"""What the journal tells of a routed event: the same for every backend."""

from collections.abc import Sequence
from typing import Any

from eventflow.delivery.answers import Planned
from eventflow.records import DeadLetter

__all__ = ["letter_facts", "match_facts"]


def match_facts(
    deliveries: Sequence[Planned], letters: Sequence[DeadLetter]
) -> dict[str, Any] | None:
    """Return each matched target's rules; None where the event was not matched against any rule.

    Args:
        deliveries: What was planned.
        letters: What could not be: for a target, or, without one, of the whole event.
    """
    if any(not letter.target for letter in letters):
        return None
    rules = {item.target: list(item.rules) for item in deliveries}
    return {"targets": rules | {letter.target: list(letter.rules) for letter in letters}}


def letter_facts(letter: DeadLetter) -> dict[str, Any]:
    """Return why something could not be delivered at all."""
    return {"reason": letter.reason.value}
