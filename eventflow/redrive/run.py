"""A redrive as it runs: a canary, then the rest at a rate, until all went or failures come back."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from eventflow.redrive.fate import Course, Fate, Standing
from eventflow.redrive.plan import Part, Plan
from eventflow.redrive.sending import BATCH, Outcome, Redriver, batches_of, redrive_letters
from eventflow.redrive.share import FailureShare
from eventflow.store import DeadLetterStore, StoredDeadLetter, redrive_refusal
from eventflow.units import format_duration

__all__ = ["MOST_OPEN", "Pace", "Run", "RunState"]

MOST_OPEN = 500
"""Deliveries of one target that are sent and have no outcome, at most: beyond, the run waits.

It begins with fewer, so that a fault that is not mended has few to take."""

_LOOK_EVERY = 0.2  # seconds
_BATCHES_A_SECOND = 5.0
_FIRST_OPEN = 20  # as MOST_OPEN, before any has succeeded: each that does allows one more
_CONVINCING = 2  # failures in a row, after which nobody waits for a delivery's success


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly, and how warily.

    Attributes:
        rate: Deliveries a second, at most.
        patience: Seconds without any outcome, after which nobody waits longer.
        most_failures: The share of failures, 0 to 1, that is still well.
    """

    rate: float
    patience: float
    most_failures: float


@dataclass(slots=True)
class RunState:
    """How far a run is.

    Attributes:
        planned: Letters to send.
        sent: Those that were sent.
        already: Those that were on their way already.
        refused: Those that cannot be sent, with why: the number for each reason.
        succeeded: Of those that were sent or on their way, the delivered.
        died: The dead again.
        failing: Those that have failed, and will be tried again.
        open: Those of which nothing is known yet.
        target: The target whose turn it is.
        phase: `canary`, `rest` or `outcomes`.
        stopped: Why it stopped, by target.
    """

    planned: int
    sent: int = 0
    already: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    succeeded: int = 0
    died: int = 0
    failing: int = 0
    open: int = 0
    target: str = ""
    phase: str = ""
    stopped: dict[str, str] = field(default_factory=dict)

    @property
    def handled(self) -> int:
        """How many letters were taken, whatever became of them."""
        return self.sent + self.already + sum(self.refused.values())

    @property
    def remaining(self) -> int:
        """How many letters it has not come to."""
        return max(0, self.planned - self.handled)


class Run:
    """One redrive by a plan. Cut off anywhere, another goes on: ledger and store know all.

    Args:
        store: Where the letters are.
        flow: What sends them.
        course: What tells how it goes.
        pace: How quickly and how warily.
        told: Called with the state whenever it has changed, and while it waits.
        clock: Seconds that only grow.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        store: DeadLetterStore,
        flow: Redriver,
        course: Course,
        pace: Pace,
        *,
        told: Callable[[RunState], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store = store
        self.flow = flow
        self.course = course
        self.pace = pace
        self.told = told
        self.clock = clock
        self.sleep = sleep

    def go(self, plan: Plan, state: RunState) -> None:
        """Send what the plan means, target by target; one that stops keeps no other waiting.

        Args:
            plan: From `make_plan`.
            state: Holds what was done, also when this raises.

        Raises:
            LedgerError: When the ledger cannot be reached.
            TransportError: When the broker cannot be.
            StoreError: When the store cannot be.
        """
        for part in plan.parts:
            state.target = part.target
            if why := _PartRun(self, part, state).go():
                state.stopped[part.target] = why
            self.told(state)


class _PartRun:
    """A run's part: what one target has to take."""

    def __init__(self, run: Run, part: Part, state: RunState) -> None:
        self._run = run
        self._part = part
        self._state = state
        self._share = FailureShare(run.pace.most_failures)
        self._open: dict[str, StoredDeadLetter] = {}
        self._standings: dict[str, Standing] = {}
        self._before = (state.failing, state.open)  # of the parts before
        self._succeeded = 0
        self._next = run.clock()  # when more may be sent

    def go(self) -> str:
        """Send; return why it stopped, or nothing."""
        canary = self._canary()
        if why := self._send_canary(canary) or self._send_rest(canary):
            return why
        self._state.phase = "outcomes"
        self._await_outcomes()
        if self._share.is_too_large:
            return self._failures("the failures came back")
        return self._obstacle(list(self._open.values()))

    def _send_canary(self, canary: Sequence[StoredDeadLetter]) -> str:
        if not canary:
            return ""
        self._state.phase = "canary"
        if why := self._obstacle(canary):
            return why
        self._send(canary)
        self._await_outcomes()
        if self._share.is_too_large:
            return self._failures("the canary failed")
        if silent := self._count(Fate.OPEN):
            return self._obstacle(canary) or (
                f"{silent} of the canary's {len(canary)} have no outcome after "
                f"{format_duration(self._run.pace.patience)}: does a worker run for "
                f"{self._part.target}?"
            )
        return ""

    def _send_rest(self, canary: Sequence[StoredDeadLetter]) -> str:
        self._state.phase = "rest"
        gone = {stored.id for stored in canary}
        size = max(1, min(BATCH, int(self._run.pace.rate / _BATCHES_A_SECOND)))
        for found in batches_of(self._run.store, self._part.filters, self._part.count, size):
            batch = [stored for stored in found if stored.id not in gone]
            if why := self._await_turn() or self._obstacle(batch):
                return why
            self._send(batch)
        return ""

    def _canary(self) -> list[StoredDeadLetter]:
        """Choose who goes first: one of each failure, then the newest."""
        part, store = self._part, self._run.store
        if not part.canary:
            return []
        ids = tuple(group.sample_id for group in part.groups[: part.canary])
        found = [
            *store.begin_redrive(replace(part.filters, ids=ids)),
            *store.begin_redrive(part.filters, limit=3 * part.canary),
        ]
        able = {stored.id: stored for stored in found if not redrive_refusal(stored)}
        return list(able.values())[: part.canary]

    def _send(self, letters: Sequence[StoredDeadLetter]) -> None:
        run, state = self._run, self._state
        for item in redrive_letters(run.store, run.flow, [letters]):
            if item.outcome is Outcome.REFUSED:
                state.refused[item.why] = state.refused.get(item.why, 0) + 1
                continue
            state.sent += item.outcome is Outcome.REDRIVEN
            state.already += item.outcome is Outcome.ALREADY
            self._open[item.letter.id] = item.letter
        self._next = max(self._next, run.clock()) + len(letters) / run.pace.rate
        self._look()

    def _await_turn(self) -> str:
        """Wait until the rate allows more, and not too much is open."""
        run = self._run
        latest = run.clock() + run.pace.patience
        while True:
            is_changed = self._look()
            if self._share.has_enough and self._share.is_too_large:
                return self._failures("the failures came back")
            now = run.clock()
            if is_changed:
                latest = now + run.pace.patience
            is_full = self._count(Fate.OPEN) >= min(MOST_OPEN, _FIRST_OPEN + self._succeeded)
            if now >= self._next and not is_full:
                return ""
            if is_full and now >= latest:
                return (
                    f"{self._count(Fate.OPEN):,} have no outcome, and none had one for "
                    f"{format_duration(run.pace.patience)}: do the workers of "
                    f"{self._part.target} run?"
                )
            run.sleep(min(_LOOK_EVERY, max(0.0, self._next - now) or _LOOK_EVERY))

    def _await_outcomes(self) -> None:
        """Wait until each has an outcome, or fails for good as far as one can see."""
        run = self._run
        latest = run.clock() + run.pace.patience
        while any(standing.failures < _CONVINCING for standing in self._standings.values()):
            if run.clock() >= latest or self._obstacle(list(self._open.values())):
                return
            run.sleep(_LOOK_EVERY)
            if self._look():
                latest = run.clock() + run.pace.patience

    def _look(self) -> bool:
        """Ask where all stands that has no outcome yet; tell whether anything has changed."""
        state, before = self._state, self._standings
        found = dict(self._run.course.look(list(self._open.values()))) if self._open else {}
        for identity, standing in found.items():
            if standing.fate in {Fate.SUCCEEDED, Fate.DIED}:
                del self._open[identity]
                self._share.settle(standing)
                state.succeeded += standing.fate is Fate.SUCCEEDED
                self._succeeded += standing.fate is Fate.SUCCEEDED
                state.died += standing.fate is Fate.DIED
        self._standings = {identity: found[identity] for identity in self._open}
        failing = [one for one in self._standings.values() if one.fate is Fate.FAILING]
        self._share.note_failing(failing)
        state.failing = self._before[0] + len(failing)
        state.open = self._before[1] + len(self._open) - len(failing)
        self._run.told(state)
        return self._standings != before

    def _count(self, fate: Fate) -> int:
        return sum(standing.fate is fate for standing in self._standings.values())

    def _obstacle(self, letters: Sequence[StoredDeadLetter]) -> str:
        """Say why the target takes nothing now: an open breaker, or that it is paused."""
        buses = sorted({stored.bus for stored in letters})
        found = (self._run.course.obstacle(bus, self._part.target) for bus in buses)
        return next(filter(None, found), "")

    def _failures(self, what: str) -> str:
        share = self._share
        error = f", most by {share.commonest_error}" if share.commonest_error else ""
        return f"{what}: {share.failed} of the last {share.judged} died again or fail{error}"
