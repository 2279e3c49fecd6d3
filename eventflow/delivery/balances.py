"""What is told of a target beside its deliveries' fate: whether it is paused, and its balance."""

from dataclasses import dataclass

__all__ = ["Balance", "Pause"]


@dataclass(frozen=True, slots=True)
class Pause:
    """A target that a person has paused: its deliveries wait, and do not age.

    Attributes:
        since: When it was paused, seconds since the epoch by the ledger's clock.
        reason: Why, as the person said; may be empty.
        by: Who it was; may be empty.
    """

    since: float
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """What was registered for one target, and where all of it is, in one moment.

    For `eventflow.route` it is the events: registered is accepted, delivered is routed. For
    `eventflow.dead-letters` it is the dead letters: delivered is recorded in the store.

    Attributes:
        target: The target's name.
        registered: Deliveries that were registered: by routing, redrive or replay, and dead letters
            that never were a delivery that could run.
        delivered: Those that were delivered.
        dead: Those that became dead letters.
        queued: Those that wait for a worker.
        running: Those that are leased to one.
        waiting: Those that wait for their next attempt's time.
        parked: Those that are held back.
        vanished: Those whose record was gone when their turn came; nothing of eventflow's takes one.
    """

    target: str
    registered: int
    delivered: int
    dead: int
    queued: int
    running: int
    waiting: int
    parked: int
    vanished: int = 0

    @property
    def accounted(self) -> int:
        """How many are somewhere."""
        done = self.delivered + self.dead
        return done + self.queued + self.running + self.waiting + self.parked

    @property
    def difference(self) -> int:
        """How many were registered and are nowhere; 0 in a sound ledger, negative for too many."""
        return self.registered - self.accounted
