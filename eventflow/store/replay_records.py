"""What the store gives back of replays: how they stand, filters, and a place in a list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = [
    "PATIENCE",
    "ReplayCursor",
    "ReplayFilter",
    "ReplayProgress",
    "ReplayState",
    "StoredReplay",
]

PATIENCE = 15.0
"""Seconds of silence after which a running replay's process counts as dead."""


class ReplayState(StrEnum):
    """Where a replay stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Stopped by hand, or its process died: it can be resumed, as a failed one can."""


class ReplayCursor(NamedTuple):
    """A place in a listing: after this replay.

    Attributes:
        started_at: When it was started, seconds since the epoch.
        name: Its name.
    """

    started_at: float
    name: str


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """How far a replay is.

    Attributes:
        cursor_at: When the last event that was dealt with had been accepted; 0 before the first.
        cursor_id: That event's id.
        total: How many archived events there are to be looked at.
        seen: How many were.
        sent: How many of these were sent; the rest is not of the replay.
        note: What it waits for, or why it failed; empty where all is well.
    """

    cursor_at: float = 0.0
    cursor_id: str = ""
    total: int = 0
    seen: int = 0
    sent: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReplay:
    """A replay as it stands. Times are seconds since the epoch, 0 where there is none.

    Attributes:
        name: Its name; every event that it sends has it.
        bus: The bus.
        arguments: What is sent again, as the engine wrote it.
        state: Where it stands, as it was written; see `state_at`.
        owner: Names the process that runs it, or ran it last.
        started_by: Who started it.
        progress: How far it is.
        started_at: When it was started.
        updated_at: When its process was last heard of.
        ended_at: When it ended.
    """

    name: str
    bus: str
    arguments: Mapping[str, Any]
    state: ReplayState = ReplayState.RUNNING
    owner: str = ""
    started_by: str = ""
    progress: ReplayProgress = field(default_factory=ReplayProgress)
    started_at: float = 0.0
    updated_at: float = 0.0
    ended_at: float = 0.0

    @property
    def cursor(self) -> ReplayCursor:
        """Its place in a listing, to go on after it."""
        return ReplayCursor(self.started_at, self.name)

    def state_at(self, now: float) -> ReplayState:
        """Return where it stands: one whose process is silent has been interrupted.

        Args:
            now: Seconds since the epoch.
        """
        is_silent = now - self.updated_at > PATIENCE
        if self.state is ReplayState.RUNNING and is_silent:
            return ReplayState.INTERRUPTED
        return self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFilter:
    """Which replays are meant: those that every field given fits. None means any.

    Attributes:
        bus: Their bus.
        states: One of these, as `StoredReplay.state_at` tells them.
        since: Started then or later, seconds since the epoch.
        ended_before: Ended, and before then, seconds since the epoch.
    """

    bus: str | None = None
    states: Sequence[ReplayState] | None = None
    since: float | None = None
    ended_before: float | None = None
