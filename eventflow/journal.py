"""The journal's entry: one step of an event or a delivery, as the ledger noted it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["JournalEntry", "Step"]


class Step(StrEnum):
    """What happened. The facts of each are keys of `JournalEntry.facts`."""

    ROUTED = "routed"
    """An event was matched, and its deliveries were registered and queued. Facts: `accepted_at`,
    `source`, `type`, `deliveries` (target to the list of rules that matched), `rules` (the rule
    files' fingerprint), `router`, and where kept `body` (the event's JSON as text) and `fields`
    (path to value, of the fields that the settings name)."""
    DUPLICATE = "duplicate"
    """An event was published that was routed already; nothing came of it."""
    ATTEMPT = "attempt"
    """A delivery was tried. Facts: `outcome` (`done`, `retry`, `dead`), `duration`, `worker`; of a
    failure `error_type`, `error`; of a retry `due_at`; of a dead letter `reason`."""
    LOST = "lost"
    """The worker that had a delivery ended without an outcome. Facts: `error`."""
    PARKED = "parked"
    """A delivery may not run now. Facts: `by` (`breaker`, `paused`, `in_flight`, `rate`)."""
    DEAD = "dead"
    """Something became a dead letter without an attempt. Facts: `reason`, `error`."""
    REDRIVEN = "redriven"
    """A dead letter was sent to its target again. Facts: `redrives`."""
    BREAKER = "breaker"
    """A target's circuit breaker changed. Facts: `state`, and `reason` of one opened by hand."""
    PAUSED = "paused"
    """A target was paused by hand. Facts: `by`, `reason`."""
    RESUMED = "resumed"
    """A target goes on. Facts: `by`."""
    DROPPED = "dropped"
    """Entries that were thrown away, since none recorded them in time. Facts: `count`."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One step.

    Attributes:
        sequence: Its place in its bus's journal; a later entry's is larger, by `order`.
        at: When, seconds since the epoch by the ledger's clock.
        step: What happened.
        bus: The bus.
        event_id: The event, as the ledger knows it: `split_ledger_id` tells a replay. Empty for
            what concerns a target alone.
        target: The target; empty for what concerns the event alone.
        attempt: The attempt's number; 0 where there is none.
        facts: What else is known of it, by the step.
    """

    sequence: str
    at: float
    step: Step
    bus: str
    event_id: str = ""
    target: str = ""
    attempt: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
