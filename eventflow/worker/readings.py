"""What Prometheus is told of ledger and store, read when it asks."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

import eventflow.store as sql
from eventflow.delivery import BreakerState, Ledgers
from eventflow.delivery.gauges import TargetGauges
from eventflow.errors import EventflowError
from eventflow.metrics.labels import BoundedLabels
from eventflow.metrics.samples import Samples
from eventflow.transport.messages import ROUTE
from eventflow.worker.context import WorkerContext

__all__ = ["Reader", "Readings", "read_ledgers", "read_store"]

_log = logging.getLogger("eventflow.metrics")
_STATES = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
_COUNTS_EVERY = 60.0  # seconds between two counts in the store: they read all of its rows

Reader = Callable[[Samples], None]
"""Adds numbers to a scrape; raises EventflowError where they cannot be had."""


class Readings(Collector):
    """Has each reader add its numbers; what one cannot read, hides nothing of the others.

    Args:
        readers: Who read.
    """

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers
        self._labels = BoundedLabels()
        self._failures = 0

    def collect(self) -> Iterable[Metric]:
        """Read everything once."""
        samples = Samples(self._labels)
        for read in self._readers:
            try:
                read(samples)
            except EventflowError as error:
                self._failures += 1
                _log.warning("%s", error, extra={"action": "scrape_failed"})
        samples.add("eventflow_scrape_failures_total", self._failures)
        return list(samples.families())


def read_ledgers(context: WorkerContext) -> Reader:
    """Return who reads the numbers of every bus and target, in four round trips for each bus.

    Args:
        context: The process's parts.
    """
    ledgers = context.ledgers

    def read(samples: Samples) -> None:
        for bus in sorted({*ledgers.buses(), *context.buses_of_rules()}):
            names = sorted({*context.book.of(bus), *context.targets_of_rules()})
            for target, gauges in ledgers.gauges(bus).read(names).items():
                _add_target(samples, bus, target, gauges)
            _add_balances(samples, ledgers, bus, names)
            _add_bus(samples, ledgers, bus)
        _add_queues(samples, ledgers)

    return read


def _add_target(samples: Samples, bus: str, target: str, gauges: TargetGauges) -> None:
    numbers = {
        "queued_deliveries": gauges.queued,
        "running_deliveries": gauges.running,
        "waiting_deliveries": gauges.waiting,
        "parked_deliveries": gauges.parked,
        "queued_age_seconds": gauges.queued_age,
        "parked_age_seconds": gauges.parked_age,
        "waiting_age_seconds": gauges.waiting_age,
        "overdue_seconds": gauges.overdue,
        "unreturned_seconds": gauges.unreturned,
        "breaker_state": _STATES[gauges.breaker],
        "unserved_seconds": gauges.unserved,
        "paused_seconds": gauges.paused,
    }
    for name, number in numbers.items():
        samples.add(f"eventflow_target_{name}", number, bus, target)


def _add_balances(samples: Samples, ledgers: Ledgers, bus: str, names: Sequence[str]) -> None:
    balances = ledgers.of(bus).balances([*names, ROUTE])
    events = balances.pop(ROUTE)
    # What cannot be routed is registered once more, as its dead letter.
    samples.add("eventflow_accepted_events_total", events.registered - events.dead, bus)
    samples.add("eventflow_unroutable_events_total", events.dead, bus)
    samples.add("eventflow_target_balance_difference", events.difference, bus, ROUTE)
    for target, balance in balances.items():
        samples.add("eventflow_target_registered_total", balance.registered, bus, target)
        samples.add("eventflow_target_delivered_total", balance.delivered, bus, target)
        samples.add("eventflow_target_dead_total", balance.dead, bus, target)
        samples.add("eventflow_target_balance_difference", balance.difference, bus, target)


def _add_bus(samples: Samples, ledgers: Ledgers, bus: str) -> None:
    backlog = ledgers.watch(bus).backlog(())
    samples.add("eventflow_unrouted_events", backlog.unrouted, bus)
    samples.add("eventflow_unrouted_age_seconds", backlog.unrouted_for, bus)
    samples.add("eventflow_unrecorded_dead_letters", backlog.unrecorded, bus)
    samples.add("eventflow_unrecorded_age_seconds", backlog.unrecorded_for, bus)
    journal = ledgers.of(bus).journal_state()
    samples.add("eventflow_journal_entries", journal.waiting, bus)
    samples.add("eventflow_journal_age_seconds", journal.oldest_age, bus)
    samples.add("eventflow_journal_dropped_total", journal.dropped, bus)


def _add_queues(samples: Samples, ledgers: Ledgers) -> None:
    processes = ledgers.processes()
    roster, (now, _) = processes.roster(), processes.clock()
    for queue, number in Counter(queue for one in roster.alive for queue in one.queues).items():
        samples.add("eventflow_queue_consumers", number, queue)
    for queue, canary in ledgers.canaries().read().items():
        since = canary.waiting_since
        samples.add("eventflow_canary_age_seconds", max(0.0, now - since) if since else 0, queue)
        stuck = max(0.0, now - canary.stuck) if canary.stuck else 0
        samples.add("eventflow_queue_stuck_seconds", stuck, queue)


def read_store(context: WorkerContext) -> Reader:
    """Return who counts the dead letters in the store, at most once a minute.

    Args:
        context: The process's parts.
    """
    opened: list[sql.DeadLetterStore] = []
    counted = (float("-inf"), 0)

    def read(samples: Samples) -> None:
        nonlocal counted
        if time.monotonic() - counted[0] >= _COUNTS_EVERY:
            if not opened:
                opened.append(sql.DeadLetterStore(sql.open_engine(context.settings.store_url)))
            number = opened[0].count(sql.DeadLetterFilter(state=sql.State.DEAD)).total
            counted = (time.monotonic(), number)
        samples.add("eventflow_stored_dead_letters", counted[1])

    return read
