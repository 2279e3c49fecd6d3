"""What a ledger does: the record of every event and delivery in flight, and its contract.

Every method may be called from any thread and process, and may be repeated: a call whose answer
was lost is made again, and nothing happens twice. Lists are handled in one round trip, each entry
on its own. All methods raise LedgerError when the ledger cannot be reached.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from eventflow.delivery.accepting import NO_CALLS, Accepted, WrittenCall
from eventflow.delivery.answers import (
    BreakerStatus,
    Claim,
    DeliveryState,
    Finish,
    Finished,
    Moved,
    Planned,
    Progress,
    RouteWork,
    TargetStatus,
)
from eventflow.delivery.balances import Balance, Pause
from eventflow.delivery.calls import Draw, Routed, RoutesTaken, Routing, Taken
from eventflow.delivery.sights import EventSight
from eventflow.journal import JournalEntry, JournalState, RecorderCall
from eventflow.records import DeadLetter
from eventflow.rules.targets import Target

__all__ = ["Ledger", "Outcomes"]


class Outcomes(AbstractContextManager["Outcomes"], Protocol):
    """One thread's line to the ledger, for a list of deliveries."""

    def tell(self, success: Finish, then: str) -> None:
        """Say that a delivery has succeeded, without waiting for anything.

        Should its owner end before it settles, the success is recorded when that is found.

        Args:
            success: Its outcome.
            then: Which of those that its owner has reserved is begun now.
        """

    def settle(self, last: Finish | None = None, then: str = "") -> Finished:
        """Record all that was told since the last time, and one outcome more; wait until it is.

        Args:
            last: An outcome that was not told.
            then: Which of those that its owner has reserved is begun now; empty for none.

        Returns:
            What became of each, the one that was not told last.
        """


class Ledger(Protocol):
    """The record of one bus."""

    @property
    def bus(self) -> str:
        """The bus whose events it knows."""

    def accept(self, events: Sequence[tuple[str, bytes, str]]) -> Accepted:
        """Take events; when this returns, they are safe.

        Args:
            events: Each one's id, JSON, and lane: lanes are routed in turn.
        """

    def begin_route(self, most: int, *, lease: float) -> list[RouteWork]:
        """Hand out events that are not routed yet, lanes in turn, and count the attempt.

        An event that has ended its router before is handed out alone.

        Args:
            most: So many at most.
            lease: Seconds after which they are handed out again, if they are not routed by then.
        """

    def take_routes(
        self, most: int, *, lease: float, answers: bool, patience: float
    ) -> RoutesTaken:
        """Hand out events as `begin_route`; say what is left, and whether to call another router.

        Args:
            most: So many at most.
            lease: Seconds after which they are handed out again, if they are not routed by then.
            answers: Whether a message was taken for it, which thereby is on its way no more.
            patience: Seconds after which a message that nobody has taken counts as lost.
        """

    def recover_routes(self, limit: int) -> list[str]:
        """Take back events whose router's lease has ended, to send their message again."""

    def finish_route(
        self,
        event_id: str,
        event_type: str,
        deliveries: Sequence[Planned],
        letters: Sequence[DeadLetter],
    ) -> bool:
        """Register all deliveries and mark the event routed, in one step; False if it was."""

    def finish_routes(
        self, routings: Sequence[Routing], calls: Mapping[str, WrittenCall] = NO_CALLS
    ) -> Routed:
        """Do so with each of a list of events: each is done with all its deliveries, or not at all.

        Args:
            routings: What each came to.
            calls: Targets' messages, where the ledger's server is the broker too: it puts those on
                their queues that are to be sent, in the same step.

        Returns:
            For each, False if it was routed before; and whose queues are to be sent a message,
            since none is on its way there. Those then count as sent.
        """

    def call(self, name: str, *, patience: float) -> bool:
        """Decide whether a queue is to be sent a message; if so, it counts as sent.

        It is when something is queued and no message is on its way. Where nothing is queued and none
        is on its way, the next thing that is queued has one sent.

        Args:
            name: A target, or `eventflow.route`.
            patience: Seconds after which a message that nobody has taken counts as lost; 0 for who
                has taken it, and does nothing more.
        """

    def claim(
        self,
        target: Target,
        delivery_ids: Sequence[str],
        *,
        lease: float,
        owner: str = "",
        alone: bool = True,
    ) -> list[Claim]:
        """Decide for each delivery whether it may run now; if so, count the attempt, lease it.

        Args:
            target: Their target, whose policy and limits decide.
            delivery_ids: Their ids.
            lease: Seconds that they are leased for; longer than the target's timeout.
            owner: Names the thread of the process that claims, and nothing else that ever ran. An
                owner that claims once more what it has already is given the same answer: the first
                one was lost on the way.
            alone: Whether their message names no others; a delivery that has ended a worker is not
                claimed from a message of many, since it would take the others along.
        """

    def take(
        self, target: Target, delivery_ids: Sequence[str], draw: Draw, *, lease: float, owner: str
    ) -> Taken:
        """Claim what a message names, then more of what is queued, the oldest first.

        Unless all are to begin, only the first that may run does. The others are reserved for the owner, and begun one by
        one by `Outcomes.tell`: until then their attempt is not counted, and if the owner ends, they
        are queued again without a mark. What has ended a worker before is taken alone.

        Args:
            target: Their target, whose policy and limits decide.
            delivery_ids: What is named; what is not taken of it stays queued.
            draw: How many.
            lease: Seconds that they are leased for: for their turn in the list, too.
            owner: As in `claim`.
        """

    def outcomes(self, target: Target, *, owner: str) -> Outcomes:
        """Return the line on which a list of deliveries is finished, one after another.

        Args:
            target: Their target.
            owner: Who has taken them.
        """

    def finish(self, target: Target, finishes: Sequence[Finish]) -> Finished:
        """Record outcomes, and what they tell of the target."""

    def park(self, target: str, delivery_ids: Sequence[str]) -> int:
        """Hold back those that are queued, until their target may be called; return how many."""

    def lost(self, target: str, *, owner: str, delay: float, error: str) -> list[str]:
        """Take back what *owner* had claimed when it ended; what it had begun is due after *delay*.

        Args:
            target: Whose deliveries.
            owner: What its name in the claim begins with.
            delay: Seconds until they are due.
            error: How the owner ended.

        Returns:
            The ids that it had begun; the end is counted against each of them. What it had only
            reserved is queued again.
        """

    def move(self, targets: Sequence[Target], limit: int) -> Moved:
        """Queue again what is due, lost with its worker, or may run now; so many of each target."""

    def stale(self, names: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Tell, for each name with anything queued, its oldest age and its lag behind claims."""

    def requeue(self, name: str, older_than: float, *, empty: bool, limit: int) -> list[str]:
        """Take what has been queued too long, to send its message again."""

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters that belong to no delivery, for the recorder."""

    def letters(self, ids: Sequence[str], *, also: int = 0) -> list[tuple[str, bytes]]:
        """Return dead letters that are to be recorded, and so many that came just now: id, JSON."""

    def recorded(self, letters: Sequence[tuple[str, bytes]]) -> int:
        """Forget dead letters that are safely in the store; return how many were not forgotten."""

    def revive(self, letter: DeadLetter) -> bool:
        """Register a dead letter's delivery again; False if it is in flight or was revived."""

    def announce(self, targets: Mapping[str, str]) -> None:
        """Make targets known to workers and movers: name to definition, as JSON."""

    def targets(self) -> dict[str, str]:
        """Return the targets that were announced."""

    def restrict(self, replay_name: str, restriction: str) -> None:
        """Keep what a replay is restricted to, as JSON, for the routers of its events."""

    def restriction(self, replay_name: str) -> str | None:
        """Return what `restrict` kept; None of a replay that is not known."""

    def lift(self, replay_names: Sequence[str]) -> None:
        """Forget what replays were restricted to, once all of their events are routed."""

    def queued(self, target: str, limit: int) -> list[str]:
        """Return the ids of a target's deliveries that are on its queue, the oldest first."""

    def unfinished(self, target: str, limit: int) -> list[str]:
        """Return the ids of a target's deliveries that are not finished, as of one moment.

        Args:
            target: The target's name.
            limit: The most of each state: queued, running, waiting, parked.
        """

    def describe(self, delivery_ids: Sequence[str]) -> list[tuple[str, int]]:
        """Return each delivery's event type and attempts so far; `("", 0)` where it is gone."""

    def progress(self, delivery_ids: Sequence[str]) -> list[Progress | None]:
        """Tell how far each delivery in flight is; None where it is finished, or never was."""

    def status(self, targets: Sequence[str]) -> dict[str, TargetStatus]:
        """Count each target's deliveries."""

    def breakers(self, targets: Sequence[str]) -> dict[str, BreakerStatus]:
        """Tell the state of each target's circuit breaker."""

    def open_breaker(self, target: str, *, seconds: float | None, reason: str) -> None:
        """Open a circuit breaker by hand: for so many seconds, or until it is closed by hand."""

    def close_breaker(self, target: str) -> bool:
        """Close a circuit breaker by hand and forget what it counted; False if it was closed."""

    def waiting(self, target: str, limit: int) -> list[DeliveryState]:
        """List deliveries that wait for their next attempt, soonest first."""

    def look(self, event_id: str, targets: Sequence[str]) -> EventSight | None:
        """Tell where an event and its deliveries are, in one moment.

        Args:
            event_id: The id by which the ledger knows it.
            targets: Those whose deliveries are asked about.

        Returns:
            What is known; None where the ledger does not know it, or has forgotten it.
        """

    def in_flight(self, targets: Sequence[str], most: int) -> list[str]:
        """Return ids of events that wait for a router, or have a delivery in flight.

        Args:
            targets: Those whose deliveries are asked about.
            most: So many of them at most, of each place those that came there last.
        """

    def bodies(self, event_ids: Sequence[str]) -> Iterable[tuple[str, bytes]]:
        """Give id and JSON of those of the events that are still in flight."""

    def journal_of(
        self, event_id: str, since: float, most: int, *, begins: bool = False
    ) -> list[JournalEntry]:
        """Return an event's journal entries that are not in the store yet, in order.

        Args:
            event_id: The event's own id; entries of its replays are among them.
            since: Entries before this moment are passed over, seconds since the epoch.
            most: Look at so many entries at most.
            begins: Whether those of every event whose id begins so are meant.
        """

    def journal_entries(self, limit: int) -> list[JournalEntry]:
        """Return the oldest entries of the journal that are not in the store yet, in order."""

    def journal_recorded(self, ids: Sequence[str]) -> None:
        """Forget entries of the journal that are safely in the store."""

    def journal_state(self) -> JournalState:
        """Tell how much of the journal waits, since when, and how much was dropped."""

    def call_recorder(self, *, patience: float) -> RecorderCall:
        """Decide whether the recorder is to be sent a message; if so, it counts as sent.

        It is when entries wait and no message is under way.

        Args:
            patience: Seconds after which a message that was not answered counts as lost.
        """

    def recorder_answered(self) -> None:
        """Note that the recorder's message is done with: the next one may be sent."""

    def pause(self, target: str, *, reason: str, by: str) -> bool:
        """Hold back all deliveries of a target until it is resumed.

        What waits keeps its place, and neither attempts nor age are spent.

        Args:
            target: Its name.
            reason: Why; shown wherever the target is.
            by: Who pauses it.

        Returns:
            False if it was paused already: then its reason and person stay.
        """

    def resume(self, target: str) -> bool:
        """Let a paused target's deliveries go on, as its limits allow; False if it was not paused."""

    def pauses(self, targets: Sequence[str]) -> dict[str, Pause]:
        """Tell of those of the targets that are paused."""

    def balances(self, targets: Sequence[str]) -> dict[str, Balance]:
        """Count what was registered for each target and where it is, in one moment.

        `eventflow.route` may be among them: its deliveries are events, delivered is routed; and
        `eventflow.dead-letters`, of which delivered is recorded in the store.
        """
