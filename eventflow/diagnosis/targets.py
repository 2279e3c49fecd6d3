"""Judging what waits: queues that nobody reads, schedules that nobody moves, limits that are reached."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from eventflow.delivery import (
    Backlog,
    Balance,
    BreakerState,
    BreakerStatus,
    Ledgers,
    Pause,
    Roster,
    TargetBacklog,
)
from eventflow.diagnosis.finding import Finding
from eventflow.diagnosis.processes import recorders_of, routers_of
from eventflow.events import DEFAULT_BUS
from eventflow.rules import ARCHIVE, Target
from eventflow.settings import Settings
from eventflow.transport.messages import DEAD_LETTERS, ROUTE
from eventflow.units import format_duration
from eventflow.worker.alarms import LIMITS, levels_of

__all__ = ["MOST_LATE", "BusFacts", "judge_buses", "read_buses"]

MOST_LATE = 10.0
"""Seconds that what is due may be late before nobody seems to move it."""

_MOST_WAITED = 60.0  # seconds that an event may wait for a router, a dead letter for the recorder


@dataclass(frozen=True, slots=True)
class BusFacts:
    """One bus's targets and what waits.

    Attributes:
        targets: Those that are known, by name.
        backlog: What waits.
        breakers: Their circuit breakers, by name.
        pauses: Those that are paused, by name.
        balances: What was registered for each, and for routing, and where it is.
    """

    targets: Mapping[str, Target]
    backlog: Backlog
    breakers: Mapping[str, BreakerStatus] = field(default_factory=dict)
    pauses: Mapping[str, Pause] = field(default_factory=dict)
    balances: Mapping[str, Balance] = field(default_factory=dict)


def read_buses(ledgers: Ledgers, more: Mapping[str, Target]) -> list[BusFacts]:
    """Count what waits on the default bus, and on each that there ever was.

    Args:
        ledgers: The way to the ledgers.
        more: Targets beside those that routers announced.

    Raises:
        LedgerError: When the ledger cannot be reached.
    """
    found = []
    for bus in sorted({DEFAULT_BUS, *ledgers.buses()}):
        ledger = ledgers.of(bus)
        announced = ledger.targets()
        targets = {
            **more,
            **{name: Target.model_validate_json(text) for name, text in announced.items()},
        }
        names = sorted(targets)
        backlog = ledgers.watch(bus).backlog(names)
        breakers, pauses = ledger.breakers(names), ledger.pauses(names)
        balances = ledger.balances([ROUTE, DEAD_LETTERS, *names])
        found.append(BusFacts(targets, backlog, breakers, pauses, balances))
    return found


def judge_buses(
    buses: Sequence[BusFacts], roster: Roster, settings: Settings, *, named: Collection[str]
) -> Iterator[Finding]:
    """Judge what waits.

    Args:
        buses: Each bus's targets and what waits.
        roster: The processes.
        settings: The limits.
        named: The targets that the rules in force name.

    Yields:
        What is wrong.
    """
    read = {queue for one in roster.alive for queue in one.queues}
    targets = {name: target for facts in buses for name, target in facts.targets.items()}
    for facts in buses:
        yield from _judge_bus_queues(facts.backlog, roster)
    for name, target in sorted(targets.items()):
        # A worker reads its target's queue for all buses at once.
        waits = _add([facts.backlog.targets.get(name, TargetBacklog()) for facts in buses])
        if target.queue not in read:
            yield from _judge_unread(target, waits, is_named=name in named)
        is_moved = bool(routers_of(roster)) or target.queue in read
        yield from _judge_schedule(name, waits, is_moved=is_moved)
    for facts in buses:
        yield from _judge_breakers(facts)
        yield from _judge_levels(facts.backlog, settings)


def _add(parts: Sequence[TargetBacklog]) -> TargetBacklog:
    return TargetBacklog(
        queued=sum(part.queued for part in parts),
        running=sum(part.running for part in parts),
        waiting=sum(part.waiting for part in parts),
        parked=sum(part.parked for part in parts),
        overdue=max(part.overdue for part in parts),
        unreturned=max(part.unreturned for part in parts),
    )


def _judge_bus_queues(backlog: Backlog, roster: Roster) -> Iterator[Finding]:
    where = f"bus {backlog.bus}"
    if backlog.unrouted and backlog.unrouted_for > _MOST_WAITED and routers_of(roster):
        message = (
            f"{backlog.unrouted:,} events wait to be routed, the first for "
            f"{format_duration(round(backlog.unrouted_for))}"
        )
        yield Finding("routing-late", where, message, "start more routers, or look into their log")
    if backlog.unrecorded and backlog.unrecorded_for > _MOST_WAITED:
        message = (
            f"{backlog.unrecorded:,} dead letters wait for the recorder, the first for "
            f"{format_duration(round(backlog.unrecorded_for))}"
        )
        advice = "look into the recorder's log, and whether the store can be written"
        if not recorders_of(roster):
            advice = "start `eventflow recorder`"
        yield Finding("recording-late", where, message, advice)


def _judge_unread(target: Target, waits: TargetBacklog, *, is_named: bool) -> Iterator[Finding]:
    number = waits.queued + waits.waiting + waits.parked
    if not is_named and not number:
        return  # a target of former rules
    waiting = f"{number:,} deliveries wait" if number != 1 else "1 delivery waits"
    message = f"no process reads its queue '{target.queue}'"
    message += f", and {waiting}" if number else ", and nothing waits yet"
    advice = f"start `eventflow worker {target.integration}`"
    if target.name == ARCHIVE:
        advice = "start `eventflow recorder`"
    if not is_named:
        message += "; no enabled rule names it any more"
    yield Finding("no-worker", f"target {target.name}", message, advice)


def _judge_schedule(name: str, waits: TargetBacklog, *, is_moved: bool) -> Iterator[Finding]:
    late = max(waits.overdue, waits.unreturned)
    if late <= MOST_LATE:
        return
    what = f"{waits.waiting:,} retries wait, the first due"
    if waits.unreturned > waits.overdue:
        what = f"{waits.running:,} deliveries are leased, the first to a worker whose lease ended"
    message = f"{what} {format_duration(round(late))} ago, and nobody moves it"
    advice = "look into the logs of routers and of its worker for mover_failed"
    if not is_moved:
        advice = "start a router, or its worker: each moves what is due"
    yield Finding("nobody-moves", f"target {name}", message, advice)


def _judge_breakers(facts: BusFacts) -> Iterator[Finding]:
    for name, breaker in sorted(facts.breakers.items()):
        if breaker.state is BreakerState.CLOSED:
            continue
        state = breaker.state.value.replace("_", " ")
        parked = facts.backlog.targets.get(name, TargetBacklog()).parked
        if breaker.calls:
            why = f"{breaker.failed} of {breaker.calls} calls had failed"
            advice = "see what its integration says; it closes by itself once that is well"
        else:
            why = f"opened by hand{f', {breaker.reason}' if breaker.reason else ''}"
            advice = f"close it when that is over: `eventflow targets close {name}`"
        message = f"its circuit breaker is {state} ({why}), and {parked:,} deliveries are parked"
        yield Finding("breaker-open", f"target {name}", message, advice)


def _judge_levels(backlog: Backlog, settings: Settings) -> Iterator[Finding]:
    for level in levels_of(backlog, settings):
        if not level.is_crossed:
            continue
        where = f"target {level.target}" if level.target else f"bus {backlog.bus}"
        on = f" on the bus '{backlog.bus}'" if level.target and backlog.bus != DEFAULT_BUS else ""
        message = f"{level.number:,} {LIMITS[level.limit]}{on}, and the alarm is at {level.most:,}"
        advice = (
            f"see what holds it up, or add workers; EVENTFLOW_ALARM_{level.limit.upper()} moves "
            "the alarm"
        )
        yield Finding(f"{level.limit}-alarm", where, message, advice)
