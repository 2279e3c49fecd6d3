"""Deliveries of an async subscriber: many at once in one loop, each on its own.

A task of the target takes the deliveries that its message names, and then more of what is queued,
oldest first, wherever a slot is free, until nothing is queued or its turn is over. Each delivery has
its own timeout, lease, span, log fields and outcome.
"""

import asyncio
import contextlib
import inspect
from collections.abc import Sequence

from eventflow.delivery import Claim, Ledger, Taken, Verdict
from eventflow.errors import DeliveryTimeout
from eventflow.metrics import meter
from eventflow.rules import Target
from eventflow.subscribers import Subscriber
from eventflow.worker.async_call import CANCEL_GRACE, ExitRequest, own_loop
from eventflow.worker.chain import Attempt, attempt_in_loop, give_up
from eventflow.worker.context import WorkerContext
from eventflow.worker.identity import owner_name
from eventflow.worker.loop_ledger import LoopLedger
from eventflow.worker.loop_watch import OWN_TASK, LoopWatch
from eventflow.worker.made import Made
from eventflow.worker.outcomes import record_finishes, tell_finish
from eventflow.worker.steps import attempt_step, judge_attempt
from eventflow.worker.tell import tell_parked
from eventflow.worker.timeout import GRACE
from eventflow.worker.turn import TURN

__all__ = ["at_once", "lease_at_once", "make_at_once"]

_LOOK = 50  # queued deliveries that are looked at beyond the room: some are held back, or run apart
_NOT_BEGUN = {Verdict.PARKED, Verdict.APART, Verdict.GONE, Verdict.LEASED, Verdict.WAITING}
_SHORTEST_PAUSE = 0.01  # seconds between two looks at what is queued: free slots gather meanwhile
_LONGEST_PAUSE = 0.2  # where nothing is found again and again


def at_once(target: Target, subscriber: Subscriber | None) -> int:
    """Return how many deliveries of a target one process makes at once.

    Where a single crash makes a dead letter, it is one: what runs beside a delivery that ends its
    process could not be told from it.

    Args:
        target: The target.
        subscriber: Its subscriber; None where it is an existing Celery task.
    """
    if subscriber is None or not subscriber.is_async or target.retry.max_crashes == 1:
        return 1
    bounds = [target.concurrency, target.max_in_flight]
    return min(bound for bound in bounds if bound is not None)


def lease_at_once(target: Target, margin: float) -> float:
    """Return how long a delivery is leased that runs beside others.

    Twice its timeout, since one that blocks the loop until its own timeout holds up the others,
    which then may be as old: theirs is looked at when the loop goes on.

    Args:
        target: Its target.
        margin: Seconds on top.
    """
    return 2 * target.timeout + GRACE + margin


def make_at_once(
    context: WorkerContext, bus: str, target: Target, subscriber: Subscriber, named: Sequence[str]
) -> tuple[Made, list[str]]:
    """Make the deliveries that a message names, and more of what is queued, many at a time.

    Args:
        context: The process's parts.
        bus: Their bus.
        target: Their target.
        subscriber: Its subscriber, which is async.
        named: The ids that the message names.

    Returns:
        What became of them, with the attempts of those that were named; and those that have ended a
        worker before, which are to be made alone.

    Raises:
        LedgerError: When the ledger cannot be reached; the leases end, and the mover tries again.
        SystemExit, KeyboardInterrupt: When a subscriber raises it; what ran beside has ended first.
    """
    work = _Work(context, context.ledgers.of(bus), target, subscriber, named)
    work.begin()
    try:
        own_loop().run(work.work())
    except DeliveryTimeout as error:
        work.salvage(error)
    finally:
        work.unwatch()
    work.end()
    return work.made, list(work.apart)


class _Work:
    """One task's deliveries."""

    def __init__(
        self,
        context: WorkerContext,
        ledger: Ledger,
        target: Target,
        subscriber: Subscriber,
        named: Sequence[str],
    ) -> None:
        loop = own_loop()
        self.made = Made(named)
        self.apart: dict[str, None] = {}  # in order
        self._context = context
        self._ledger = ledger
        self._target = target
        self._loop = loop
        self._named = named
        self._taken: Taken | None = None  # and not begun
        self._left = 1  # still queued, as far as is known
        self._running: dict[asyncio.Task[None], tuple[Claim, float]] = {}  # when each began
        self._faults: list[BaseException] = []
        self._pace = loop.pace(target.name, at_once(target, subscriber))
        self._watch = LoopWatch(
            target.name,
            inspect.unwrap(subscriber.function).__code__.co_filename,
            target.timeout + CANCEL_GRACE,
            own=loop,
            pace=self._pace,
            in_flight=lambda: len(self._running),
        )
        self._loop_ledger = LoopLedger(
            context,
            ledger,
            target,
            loop,
            owner=owner_name(),
            lease=lease_at_once(target, context.settings.lease_margin),
        )

    def begin(self) -> None:
        """Take the first, while there is no loop yet that this could block."""
        if not self._context.stopping.is_set():
            room = self._pace.allowed
            self._taken = self._loop_ledger.take_now(self._named, room, look=room + _LOOK)

    async def work(self) -> None:
        """Fill free slots and await ends, until there is nothing to do or the turn is over."""
        task = asyncio.current_task()
        assert task is not None
        task.set_name(OWN_TASK)
        self._ends = asyncio.Event()
        self._turn_ends = asyncio.get_running_loop().time() + TURN
        with self._watch:
            pause = _SHORTEST_PAUSE
            while True:
                is_more = await self._fill()
                pause = _SHORTEST_PAUSE if is_more else min(2 * pause, _LONGEST_PAUSE)
                # Refilled by the quarter: calls then do not all begin, and end, in the same moment.
                await self._await_ends(self._pace.allowed * 3 // 4 if is_more else 0, pause)
                # What was queued since has a message of its own.
                if not is_more and not self._running:
                    break

    def unwatch(self) -> None:
        """Have nobody look at the loop any more, also where it was torn apart."""
        self._watch.stop()

    def salvage(self, error: DeliveryTimeout) -> None:
        """Give those an outcome that were torn out of the loop; they are to be tried again."""
        claims = [claim for claim, _ in self._running.values()]
        attempts = [
            give_up(self._context, self._ledger.bus, self._target, claim, error) for claim in claims
        ]
        finishes = [attempt.finish for attempt in attempts if attempt.finish is not None]
        recorded = record_finishes(self._context, self._ledger, self._target, finishes)
        for claim, attempt, is_recorded in zip(claims, attempts, recorded, strict=True):
            self._count(claim, attempt, is_recorded=is_recorded)

    def end(self) -> None:
        """Raise what went wrong, or have what is left done by another task."""
        for fault in self._faults:
            raise fault.cause if isinstance(fault, ExitRequest) else fault
        if self._left:
            self._loop_ledger.call_again()

    async def _fill(self) -> bool:
        """Begin as many as there is room for; return whether there may be more."""
        room = self._pace.allowed - len(self._running)
        if room <= 0:
            return True
        is_stopping = bool(self._faults) or self._context.stopping.is_set()
        if self._taken is None and (is_stopping or not self._is_turn()):
            return False
        try:
            taken = self._taken or await self._loop_ledger.take(
                room, room + _LOOK, len(self._running)
            )
        except Exception as error:  # noqa: BLE001 - raised once those that run have ended
            self._faults.append(error)
            return False
        self._taken = None
        # Where an answer was lost and given again, it says once more what runs here.
        begun = {claim.delivery_id for claim, _ in self._running.values()}
        claims = [claim for claim in taken.claims if claim.delivery_id not in begun]
        for claim in claims:
            self._take(claim)
        self._count_parked([one for one in claims if one.verdict is Verdict.PARKED])
        self._left = taken.left - len(self.apart) if claims else 0
        return any(claim.verdict not in _NOT_BEGUN for claim in claims)

    def _is_turn(self) -> bool:
        """Whether more is taken: within the turn, and while one that began in it still runs.

        A call that hangs keeps the task; the slots beside it need not be empty for so long.
        """
        oldest = min((began for _, began in self._running.values()), default=None)
        now = asyncio.get_running_loop().time()
        return now < self._turn_ends or (oldest is not None and oldest < self._turn_ends)

    def _take(self, claim: Claim) -> None:
        """Do with a claim what its verdict says."""
        match claim.verdict:
            case Verdict.PARKED:
                return
            case Verdict.APART:
                self.apart[claim.delivery_id] = None
            case Verdict.GONE | Verdict.LEASED | Verdict.WAITING:
                self._count(claim, Attempt(None, verdict=claim.verdict), is_recorded=False)
            case _:
                task = asyncio.create_task(self._attend(claim), name=OWN_TASK)
                self._running[task] = claim, asyncio.get_running_loop().time()
                task.add_done_callback(self._note_end)

    def _count_parked(self, claims: Sequence[Claim]) -> None:
        if not claims:
            return
        # What holds the first one back holds its neighbours back.
        name, count = self._target.name, len(claims)
        self.made.counts["parked"] += count
        tell_parked(self._target, claims[0], count)
        meter().parked(self._ledger.bus, name, claims[0].parked_by, count)
        for claim in claims:
            self.made.note(claim, Attempt(None, verdict=claim.verdict))

    async def _attend(self, claim: Claim) -> None:
        """Take one delivery from its claim to its recorded outcome."""
        bus, target = self._ledger.bus, self._target
        with attempt_step(self._context.tracing, bus, target, claim) as step:
            attempt = judge_attempt(
                step, await attempt_in_loop(self._context, bus, target, claim, self._loop)
            )
            assert attempt.finish is not None
            is_recorded = await self._loop_ledger.finish(attempt.finish)
            self._count(claim, attempt, is_recorded=is_recorded)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._faults.append(error)
        self._ends.set()

    def _count(self, claim: Claim, attempt: Attempt, *, is_recorded: bool) -> None:
        fate = tell_finish(self._ledger, self._target, claim, attempt, recorded=is_recorded)
        self.made.counts[fate] += 1
        self.made.note(claim, attempt)

    async def _await_ends(self, running: int, pause: float) -> None:
        """Wait until no more than so many run, at most for *pause*."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                while len(self._running) > running:
                    self._ends.clear()
                    await self._ends.wait()
