"""The demo's account: what was to happen, held against what did happen outside; no I/O here."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from eventflow.events import delivery_id, split_delivery_id
from eventflow.records import Reason

__all__ = ["Account", "TargetAccount", "balance", "percentile"]


@dataclass(frozen=True, slots=True)
class TargetAccount:
    """One target's line.

    Attributes:
        expected: Deliveries that the rules ask for.
        delivered: Accepted by the outside world, each counted once.
        refused: Dead letters because the outside world will never take them.
        dead: Dead letters for any other reason.
        p50_ms: Publish to acceptance outside, the median, in milliseconds; None where nothing
            was delivered.
        p90_ms: The same, for nine of ten.
    """

    expected: int
    delivered: int
    refused: int
    dead: int
    p50_ms: float | None
    p90_ms: float | None


@dataclass(frozen=True, slots=True)
class Account:
    """Every event x target, and what became of it.

    Attributes:
        events: Distinct events published.
        unmatched: Events that no rule asks for.
        targets: A line for each target, by name.
        missing: Deliveries that are neither delivered nor dead.
        twice: Deliveries that were accepted more than once, or accepted and dead as well.
        unexpected: What arrived or died and no rule asked for.
    """

    events: int
    unmatched: int
    targets: Mapping[str, TargetAccount]
    missing: tuple[str, ...] = field(default=())
    twice: tuple[str, ...] = field(default=())
    unexpected: tuple[str, ...] = field(default=())

    @property
    def balanced(self) -> bool:
        """Whether nothing is missing, nothing came twice and nothing came unasked."""
        return not (self.missing or self.twice or self.unexpected)

    @property
    def totals(self) -> dict[str, int]:
        """The targets' lines, added up."""
        return {
            name: sum(getattr(line, name) for line in self.targets.values())
            for name in ("expected", "delivered", "refused", "dead")
        }

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """Return the account as JSON has it."""
        return {
            "balanced": self.balanced,
            "events": self.events,
            "unmatched": self.unmatched,
            **self.totals,
            "missing": list(self.missing),
            "twice": list(self.twice),
            "unexpected": list(self.unexpected),
            "targets": {name: asdict(line) for name, line in self.targets.items()},
        }


def balance(
    expected: Mapping[str, Sequence[str]],
    *,
    published: Mapping[str, float],
    arrivals: Mapping[str, Sequence[float]],
    dead: Mapping[str, str],
) -> Account:
    """Draw up the account.

    Args:
        expected: Each published event's id and the targets that the rules ask for.
        published: When each event was published, in seconds since the epoch.
        arrivals: Each delivery that the outside world accepted, by its id, and when; more than
            one moment is more than one acceptance.
        dead: Each dead letter's delivery id, and its reason.

    Returns:
        The account.
    """
    wanted: dict[str, list[str]] = {}
    for event_id, targets in expected.items():
        for target in targets:
            wanted.setdefault(target, []).append(delivery_id(event_id, target))
    asked = {delivery for deliveries in wanted.values() for delivery in deliveries}
    settled = arrivals.keys() | dead.keys()
    return Account(
        events=len(expected),
        unmatched=sum(not targets for targets in expected.values()),
        targets={
            target: _balance_target(deliveries, published, arrivals, dead)
            for target, deliveries in sorted(wanted.items())
        },
        missing=tuple(sorted(asked - settled)),
        twice=tuple(
            sorted(
                delivery
                for delivery, moments in arrivals.items()
                if len(moments) > 1 or delivery in dead
            )
        ),
        unexpected=tuple(sorted(settled - asked)),
    )


def percentile(values: Iterable[float], share: float) -> float | None:
    """Return the smallest value that *share* of all values do not exceed; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _balance_target(
    deliveries: Sequence[str],
    published: Mapping[str, float],
    arrivals: Mapping[str, Sequence[float]],
    dead: Mapping[str, str],
) -> TargetAccount:
    delivered = [delivery for delivery in deliveries if delivery in arrivals]
    reasons = [dead[delivery] for delivery in deliveries if delivery in dead]
    refused = reasons.count(Reason.REFUSED)
    waits = [
        1000 * (arrivals[delivery][0] - published[split_delivery_id(delivery)[0]])
        for delivery in delivered
    ]
    return TargetAccount(
        expected=len(deliveries),
        delivered=len(delivered),
        refused=refused,
        dead=len(reasons) - refused,
        p50_ms=_round(percentile(waits, 0.5)),
        p90_ms=_round(percentile(waits, 0.9)),
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
