"""The task `eventflow.archive`: a list of events into the store, in one transaction.

A message that names few is taken for a sign that there is something to do: what else is queued is
written along, so that a database commits once for many events and not once for each. The messages of
those find nothing left to do.

The list is claimed in one call and finished in one: either all of it is written, or none. Killed
between the two, it is written once more, which changes nothing. While the store is away the ledger
holds what is to be written: it is tried again by the policy of the archives' target, whose circuit
breaker keeps all but one of them from trying.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eventflow.delivery import Claim, Finish, Ledger, Outcome, Verdict, insist, next_delay
from eventflow.encoding import decode_event
from eventflow.errors import EventError, StoreError, TransportError
from eventflow.events import Event
from eventflow.metrics import meter
from eventflow.records import Reason
from eventflow.rules import ARCHIVE, ARCHIVE_TARGET
from eventflow.rules.archives import FOREVER
from eventflow.transport import record_message
from eventflow.worker.context import WorkerContext
from eventflow.worker.deliver import lease_seconds
from eventflow.worker.hand_back import hand_back
from eventflow.worker.identity import owner_name
from eventflow.worker.letters import letter_of_delivery, one_line
from eventflow.worker.monitoring import count_finish
from eventflow.worker.steps import archive_step, judge_archive
from eventflow.worker.tell import tell_breaker, tell_outcome, tell_parked

if TYPE_CHECKING:
    from eventflow.store import ArchivedEvent

__all__ = ["archive_events"]

_log = logging.getLogger("eventflow.archive")

_MOST = 100  # events in one transaction, unless a message names more

_SPENT = {
    Verdict.MAX_ATTEMPTS: Reason.MAX_ATTEMPTS,
    Verdict.MAX_AGE: Reason.MAX_AGE,
    Verdict.POISON: Reason.POISON,
}


@dataclass
class _Work:
    """What is to be done with the deliveries of a message.

    Attributes:
        events: What is to be written, each with its claim.
        apart: Deliveries that are to travel in messages of their own.
        dead: What cannot be written, and why.
        counts: How many went which way.
        traces: The traceparents that the events carry.
    """

    events: "list[tuple[Claim, ArchivedEvent]]" = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    dead: list[tuple[Claim, Finish, EventError | None]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    traces: list[str] = field(default_factory=list)


def archive_events(context: WorkerContext, bus: str, delivery_ids: Sequence[str]) -> dict[str, int]:
    """Claim deliveries, write their events to the archive, and finish them.

    Args:
        context: The process's parts.
        bus: Their bus.
        delivery_ids: Their ids.

    Returns:
        How many were done, to be retried, dead, parked, or not ours to do.

    Raises:
        LedgerError: When the ledger cannot be reached; the lease ends, and the mover tries again.
    """
    ledger = context.ledgers.of(bus)
    lease = lease_seconds(ARCHIVE_TARGET, context.settings.lease_margin)
    owner = owner_name()

    def claim(ids: Sequence[str], *, alone: bool) -> list[Claim]:
        return insist(
            lambda: ledger.claim(ARCHIVE_TARGET, ids, lease=lease, owner=owner, alone=alone),
            unless=context.stopping.is_set,
        )

    claims = claim(delivery_ids, alone=len(delivery_ids) == 1)
    if (room := _room(claims)) and (others := ledger.queued(ARCHIVE, room)):
        claims += claim(others, alone=False)
    work = _sort(claims, bus)
    if work.events:
        with archive_step(context.tracing, bus, work.traces) as step:
            judge_archive(step, _write(context, ledger, work))
    _bury(context, ledger, work)
    _tell_parked([claim for claim in claims if claim.verdict is Verdict.PARKED], bus)
    hand_back(context, ledger, ARCHIVE_TARGET, work.apart)
    return dict(work.counts)


def _room(claims: Sequence[Claim]) -> int:
    """Return how many more may be written along; none with what was tried before."""
    running = [claim for claim in claims if claim.verdict is Verdict.RUN]
    # One that has ended its recorder travels alone, and takes no others along.
    is_first = all(claim.attempt == 1 for claim in running)
    return max(0, _MOST - len(claims)) if running and is_first else 0


def _sort(claims: Sequence[Claim], bus: str) -> _Work:
    work = _Work()
    for claim in claims:
        if claim.verdict in _SPENT:
            work.dead.append((claim, _death(claim, bus, _SPENT[claim.verdict], None), None))
        elif claim.verdict is Verdict.APART:
            work.apart.append(claim.delivery_id)
        elif claim.verdict is Verdict.PARKED:
            work.counts["parked"] += 1
        elif claim.verdict is not Verdict.RUN:
            work.counts["passed over"] += 1
        else:
            try:
                event = decode_event(claim.body)
            except EventError as error:
                death = _death(claim, bus, Reason.UNDECODABLE, error)
                work.dead.append((claim, death, error))
            else:
                work.events.append((claim, _as_archived(claim, bus, event)))
                work.traces.append(event.traceparent or "")
    return work


def _as_archived(claim: Claim, bus: str, event: Event) -> "ArchivedEvent":
    from eventflow.store import ArchivedEvent  # noqa: PLC0415 - SQLAlchemy, for recorders alone

    facts = json.loads(claim.input or "{}")
    until = facts.get("kept_until")
    return ArchivedEvent(
        event_id=event.id,
        bus=bus,
        source=event.source,
        type=event.type,
        # Not the claim's: a redrive gives a fresh budget of time, and the event keeps its place.
        accepted_at=facts.get("accepted_at", claim.accepted_at),
        archives=claim.rules,
        kept_until=FOREVER if until is None else until,
        targets=tuple(facts.get("targets", ())),
        body=claim.body,
    )


def _write(context: WorkerContext, ledger: Ledger, work: _Work) -> StoreError | None:
    error: StoreError | None = None
    began = time.monotonic()
    try:
        context.stores.archive.write([event for _, event in work.events])
    except StoreError as fault:
        error = fault
    took = time.monotonic() - began
    each = took / len(work.events)
    finishes = [_outcome(context, claim, error, each) for claim, _ in work.events]
    finished = insist(lambda: ledger.finish(ARCHIVE_TARGET, finishes))
    tell_breaker(ledger, ARCHIVE_TARGET, finished.breaker)
    for (claim, _), finish, is_recorded in zip(
        work.events, finishes, finished.recorded, strict=True
    ):
        if is_recorded:
            count_finish(ledger.bus, ARCHIVE, claim, finish)
    number = sum(finished.recorded)
    work.counts["superseded"] += len(finishes) - number
    work.counts["done" if error is None else "retry"] += number
    if error is None:
        _log.info(
            "archived %d events in %.1f ms",
            len(finishes),
            took * 1000,
            extra={"action": "events_archived", "bus": ledger.bus, "count": len(finishes)},
        )
        return None
    _log.warning(
        "%d events are not archived yet, and will be tried again: %s",
        len(finishes),
        error,
        extra={"action": "archive_failed", "bus": ledger.bus, "count": len(finishes)},
    )
    return error


def _outcome(
    context: WorkerContext, claim: Claim, error: StoreError | None, duration: float
) -> Finish:
    if error is None:
        return Finish(
            claim.delivery_id, claim.attempt, Outcome.DONE, succeeded=True, duration=duration
        )
    return Finish(
        claim.delivery_id,
        claim.attempt,
        Outcome.RETRY,
        delay=next_delay(ARCHIVE_TARGET.retry, claim.attempt, context.chance),
        error_type=type(error).__qualname__,
        error=one_line(str(error)),
        succeeded=False,
        duration=duration,
    )


def _death(claim: Claim, bus: str, reason: Reason, error: EventError | None) -> Finish:
    letter = letter_of_delivery(claim, ARCHIVE, bus, reason, error)
    return Finish(
        claim.delivery_id,
        claim.attempt,
        Outcome.DEAD,
        letter=letter,
        error_type=letter.error_type,
        error=letter.error,
    )


def _tell_parked(parked: Sequence[Claim], bus: str) -> None:
    if parked:
        tell_parked(ARCHIVE_TARGET, parked[0], len(parked))
        meter().parked(bus, ARCHIVE, parked[0].parked_by, len(parked))


def _bury(context: WorkerContext, ledger: Ledger, work: _Work) -> None:
    """Make dead letters of what cannot be written: it stops nothing else."""
    if not work.dead:
        return
    finished = insist(lambda: ledger.finish(ARCHIVE_TARGET, [finish for _, finish, _ in work.dead]))
    for (claim, finish, error), is_recorded in zip(work.dead, finished.recorded, strict=True):
        if is_recorded:
            work.counts["dead"] += 1
            tell_outcome(ARCHIVE_TARGET, claim, finish, error)
            count_finish(ledger.bus, ARCHIVE, claim, finish)
    ids = [claim.delivery_id for claim, _, _ in work.dead]
    try:
        context.sender.send([record_message(ledger.bus, ids)])
    except TransportError as error:
        _log.warning("%s", error, extra={"action": "send_failed", "messages": 1})
