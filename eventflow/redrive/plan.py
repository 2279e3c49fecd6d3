"""The plan of a redrive: what would go, target by target, and what would not. Nothing is changed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from eventflow.records import Reason
from eventflow.store import (
    DeadLetterCount,
    DeadLetterFilter,
    DeadLetterStore,
    DeadLetterSummary,
    State,
)
from eventflow.store.groups import FailureGroup, FailureGroups

__all__ = ["MOST_CANARIES", "Part", "Plan", "make_plan"]

MOST_CANARIES = 10
"""Letters of a canary, unless told otherwise: one of a hundred, and no more than so many."""

_SHARE = 0.01
_SAMPLES = 5
_GROUPS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """What one target has to take.

    Attributes:
        target: The target's name.
        filters: Which letters, by the moment of the plan: none that dies later.
        count: How many.
        canary: How many go first.
        reasons: How many died of which reason.
        groups: What failed, the largest group first.
    """

    target: str
    filters: DeadLetterFilter
    count: int
    canary: int
    reasons: dict[Reason, int]
    groups: Sequence[FailureGroup]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a redrive would do.

    Attributes:
        total: How many letters fit, by target and reason, those that have no target among them.
        parts: For each target what it has to take, the largest first.
        sample: Some of the letters, the newest first.
        homeless: Letters that fit and have no target, and so cannot go.
        guarded: Letters that fit and were redriven so often already that they do not go.
        until: The newest death that is meant, seconds since the epoch.
    """

    total: DeadLetterCount
    parts: Sequence[Part]
    sample: Sequence[DeadLetterSummary]
    homeless: int
    guarded: int
    until: float

    @property
    def count(self) -> int:
        """How many letters it sends, those that turn out to have no event among them."""
        return self.total.total - self.homeless


def make_plan(
    store: DeadLetterStore,
    groups: FailureGroups,
    filters: DeadLetterFilter,
    *,
    limit: int | None = None,
    canary: int | None = None,
    most_redrives: int | None = None,
) -> Plan:
    """Look what a redrive would send.

    Args:
        store: Where the dead letters are.
        groups: What failed.
        filters: Which are meant; of these, what is dead.
        limit: The most letters, the newest deaths first; None for no end.
        canary: Letters that go first, of each target; None for one in a hundred, 10 at most.
        most_redrives: Letters that were redriven so often do not go; None for no such guard.
    """
    dead = replace(filters, state=State.DEAD)
    every = store.count(dead)
    # A letter that dies from now on is none of this plan's: what it sends comes back no second time.
    meant = replace(dead, until=_earlier(filters.until, every.newest))
    if most_redrives is not None:
        meant = replace(meant, redrives_below=most_redrives)
    count = store.count(meant)
    guarded = every.total - count.total
    if limit is not None and limit < count.total:
        oldest = store.list(meant, limit=limit)[-1].died_at
        meant = replace(meant, since=oldest)
        count = store.count(meant)
    parts = []
    for target, number in count.by_target.items():
        if not target:
            continue
        of_target = replace(meant, target=target)
        size = default_canary(number) if canary is None else min(canary, number)
        reasons = {
            reason: reason_count
            for (name, reason), reason_count in count.groups.items()
            if name == target
        }
        found = groups.list(of_target, limit=_GROUPS)
        parts.append(Part(target, of_target, number, size, reasons, found))
    sample = store.list(meant, limit=_SAMPLES)
    homeless = count.by_target.get("", 0)
    return Plan(count, parts, sample, homeless, guarded, meant.until or 0.0)


def default_canary(number: int) -> int:
    """Return how many of *number* letters go first, unless somebody says."""
    return min(MOST_CANARIES, math.ceil(number * _SHARE))


def _earlier(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)
