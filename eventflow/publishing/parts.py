"""What goes to the ledger in one call: what it is asked, what is counted of it, how it is refused."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.delivery import Acceptance, Accepted
from eventflow.errors import PublishError
from eventflow.events import Event
from eventflow.metrics import meter
from eventflow.publishing.preparation import Ready

__all__ = ["MOST_AT_ONCE", "Part", "Wording", "in_parts", "only_part", "refusal"]

MOST_AT_ONCE = 500
"""Events in one call of the ledger."""


@dataclass(frozen=True, slots=True)
class Part:
    """What goes to the ledger in one call.

    Attributes:
        bus: The bus.
        events: Its events.
    """

    bus: str
    events: Sequence[Ready]

    @property
    def call(self) -> tuple[str, list[tuple[str, bytes, str]]]:
        """What the ledger is asked: the bus, and ids, JSON and lanes of its events."""
        return self.bus, [(one.event.id, one.body, _lane(one.event)) for one in self.events]

    def is_settled(self, answers: Accepted) -> bool:
        """Whether all events are taken, and no router is left to be told; if so, they are counted."""
        if answers.is_call_due or Acceptance.FULL in answers:
            return False
        self.count(answers)
        return True

    def count(self, answers: Accepted) -> None:
        """Count what became of the events."""
        new, refused = answers.count(Acceptance.NEW), answers.count(Acceptance.FULL)
        known = len(answers) - new - refused
        outcomes = {"accepted": new, "duplicate": known, "refused": refused}
        meter().published(self.bus, outcomes)

    def count_failed(self) -> None:
        """Count the events as failed: the ledger could not be asked."""
        meter().published(self.bus, {"failed": len(self.events)})


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said where events are not accepted.

    Attributes:
        full: Of a bus that takes no more events.
        late: Where the ledger has not answered in time.
        crowded: Where it was not even asked, since too many calls wait for it.
    """

    full: Callable[[str], str]
    late: str
    crowded: str


def in_parts(ready: Sequence[Ready]) -> list[Part]:
    """Return these events by their bus, and no more in a part than go to the ledger in one call."""
    by_bus: dict[str, list[Ready]] = {}
    for one in ready:
        by_bus.setdefault(one.event.bus, []).append(one)
    return [
        Part(bus, group[start : start + MOST_AT_ONCE])
        for bus, group in by_bus.items()
        for start in range(0, len(group), MOST_AT_ONCE)
    ]


def only_part(ready: Sequence[Ready]) -> Part | None:
    """Return these events as the one part that they are; None where they are more, or none."""
    buses = {one.event.bus for one in ready}
    return Part(buses.pop(), ready) if len(buses) == 1 and len(ready) <= MOST_AT_ONCE else None


def refusal(
    reason: str, wanted: Sequence[str], accepted: Sequence[str] = (), unknown: Iterable[str] = ()
) -> PublishError:
    """Return the error of events that are not accepted.

    Args:
        reason: Why.
        wanted: The ids of all events.
        accepted: Those that are.
        unknown: Those that may be.
    """
    known, unknown = set(accepted), list(unknown)
    rejected = [event_id for event_id in wanted if event_id not in known]
    message = f"{len(rejected)} of {len(wanted)} events could not be published: {reason}"
    if unknown:
        message += (
            f". Whether the ledger took {len(unknown)} of them is not known: publish the same "
            "events again, an id counts once"
        )
    return PublishError(message, accepted, rejected, unknown)


def _lane(event: Event[Any]) -> str:
    """Return what is routed in turn with others: events of one source and type."""
    return f"{event.source}|{event.type}"
