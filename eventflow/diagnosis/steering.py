"""Judging what a person or the overseer has noted: pauses, uneven balances, workers that are stuck."""

from collections.abc import Iterable, Iterator, Sequence

from eventflow.delivery import Balance, CanaryStatus, Pause, Roster, TargetBacklog
from eventflow.diagnosis.finding import Finding
from eventflow.diagnosis.targets import BusFacts
from eventflow.transport.messages import DEAD_LETTERS, ROUTE
from eventflow.units import format_duration, format_time

__all__ = ["judge_canaries", "judge_steering"]


def judge_steering(buses: Sequence[BusFacts]) -> Iterator[Finding]:
    """Judge the pauses and balances of each bus.

    Args:
        buses: Each bus's targets and what waits.

    Yields:
        What is to be known, or wrong.
    """
    for facts in buses:
        for name, pause in sorted(facts.pauses.items()):
            waits = facts.backlog.targets.get(name, TargetBacklog())
            yield _paused(name, pause, waits.parked + waits.queued)
        for name, balance in sorted(facts.balances.items()):
            if balance.difference:
                yield _uneven(facts.backlog.bus, name, balance)


def judge_canaries(
    canaries: Iterable[CanaryStatus], roster: Roster, now: float
) -> Iterator[Finding]:
    """Judge what routers have noted of the queues' canaries.

    Args:
        canaries: What is known of each queue's.
        roster: The processes.
        now: The ledger's time.

    Yields:
        Which queues' workers are stuck.
    """
    for status in canaries:
        if not status.stuck or not status.since:  # it has answered, which no router has seen yet
            continue
        alive = sorted({one.name for one in roster.alive if status.queue in one.queues})
        gone = sorted({identity.rpartition(":")[0] for identity in status.readers})
        silent = f"{', '.join(gone)}, which read it, says nothing any more"
        who = f"{', '.join(alive)} reads it and is alive" if alive else silent
        message = (
            "nothing is taken from it: a canary has been on its way for "
            f"{format_duration(max(0, round(now - status.since)))}, and {who}"
        )
        advice = "restart that worker: it is frozen, its pool hangs, or it lost its subscription"
        yield Finding("worker-stuck", f"queue {status.queue}", message, advice)


def _paused(name: str, pause: Pause, waits: int) -> Finding:
    by = f" by {pause.by}" if pause.by else ""
    why = f" ({pause.reason})" if pause.reason else ""
    message = f"paused since {format_time(pause.since)}{by}{why}, and {waits:,} deliveries wait"
    advice = f"resume it when that is over: `eventflow targets resume {name}`"
    return Finding("target-paused", f"target {name}", message, advice)


def _uneven(bus: str, name: str, balance: Balance) -> Finding:
    number = abs(balance.difference)
    what = {ROUTE: "events", DEAD_LETTERS: "dead letters"}.get(name, "deliveries")
    state = "are missing" if balance.difference > 0 else "are there that nobody registered"
    gone = f"; the records of {balance.vanished:,} were gone" if balance.vanished else ""
    message = (
        f"{number:,} {what} {state} on the bus '{bus}': {balance.registered:,} registered, "
        f"{balance.accounted:,} accounted for{gone}"
    )
    advice = (
        "a router repairs what it finds within a minute or two; what stays was taken out of Redis, "
        f"or lost with it: once that is understood, `eventflow targets settle {name}`"
    )
    return Finding("balance-difference", f"target {name}", message, advice)
