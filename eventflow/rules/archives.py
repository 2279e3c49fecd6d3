"""Archives: which events are kept, and for how long; and the one target that keeps them all."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from eventflow.rules.rule import Rule, RuleTarget
from eventflow.rules.targets import CircuitBreaker, RetryPolicy, Target

__all__ = ["ARCHIVE", "ARCHIVE_TARGET", "FOREVER", "Archive", "kept_until"]

ARCHIVE = "eventflow.archive"
"""The name of the archives' target, of its queue and of its task."""

FOREVER = math.inf
"""The retention of what is never deleted."""

_YEAR = 365 * 86400.0

ARCHIVE_TARGET = Target(
    name=ARCHIVE,
    task=ARCHIVE,
    description="Writes events to the archive.",
    # A lease of the length of a write: one that lasts longer is made again, which changes nothing.
    timeout=1.0,
    # The store may be away for days, and nothing may be lost for that.
    retry=RetryPolicy(max_attempts=1_000_000, max_age=_YEAR, max_crashes=20, initial=1.0, max=60.0),
    # A store that is away is asked by one delivery now and then, not by all that wait.
    circuit_breaker=CircuitBreaker(failure_rate=0.5, min_calls=3, window=10.0, open_for=5.0),
)
"""What every archive delivers to: one delivery for each event, whatever the number of archives."""


@dataclass(frozen=True, slots=True)
class Archive(Rule):
    """A pattern, and how long the events that match it are kept.

    Attributes:
        retention: Seconds from an event's acceptance; `FOREVER` for no end.
        targets: None: it has the archives' target, which its file does not name.
    """

    section: ClassVar[str] = "archives"

    targets: tuple[RuleTarget, ...] = ()
    retention: float = FOREVER


def kept_until(archives: Iterable[Archive], accepted_at: float) -> float:
    """Return until when an event is kept: as long as the archive that keeps it longest says.

    Args:
        archives: Those that it matches; one at least.
        accepted_at: When it was accepted, seconds since the epoch.
    """
    return accepted_at + max(archive.retention for archive in archives)
