"""The outcomes of attempts: recorded in the ledger, then told to logs, metrics and the recorder."""

from collections.abc import Sequence

from eventflow.delivery import Claim, Finish, Ledger, Outcome, insist
from eventflow.rules import Target
from eventflow.transport import record_message
from eventflow.worker.calling import send_calls
from eventflow.worker.chain import Attempt
from eventflow.worker.context import WorkerContext
from eventflow.worker.monitoring import count_finish
from eventflow.worker.tell import tell_breaker, tell_outcome, tell_superseded

__all__ = ["record_finishes", "tell_finish"]


def record_finishes(
    context: WorkerContext, ledger: Ledger, target: Target, finishes: Sequence[Finish]
) -> tuple[bool, ...]:
    """Record how attempts went, in one call, and have the recorder told of dead letters.

    Args:
        context: The process's parts.
        ledger: Their ledger; while it is away, this waits for it.
        target: Their target.
        finishes: How each went.

    Returns:
        For each whether it was recorded; else it was finished or claimed by another meanwhile.

    Raises:
        LedgerError: When the ledger answers, and refuses.
    """
    finished = insist(lambda: ledger.finish(target, finishes))
    tell_breaker(ledger, target, finished.breaker)
    dead = [
        finish.delivery_id
        for finish, is_recorded in zip(finishes, finished.recorded, strict=True)
        if is_recorded and finish.outcome is Outcome.DEAD
    ]
    if dead:
        send_calls(context, [record_message(ledger.bus, dead)])
    return tuple(finished.recorded)


def tell_finish(
    ledger: Ledger, target: Target, claim: Claim, attempt: Attempt, *, recorded: bool
) -> str:
    """Log and count how an attempt went.

    Args:
        ledger: Its ledger.
        target: Its target.
        claim: Its claim.
        attempt: How it went.
        recorded: Whether the ledger took it.

    Returns:
        What it counts as.
    """
    finish = attempt.finish
    if finish is None:
        return "passed over"
    if not recorded:
        tell_superseded(claim)
        return "superseded"
    tell_outcome(target, claim, finish, attempt.error)
    count_finish(ledger.bus, target.name, claim, finish)
    return finish.outcome.value
