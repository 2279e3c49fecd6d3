"""Every metric by its name: what it counts, its labels, and who serves it. The docs are made of it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "ATTEMPT_BUCKETS",
    "CATALOGUE",
    "COUNTED",
    "LATENCY_BUCKETS",
    "Kind",
    "Metric",
    "Server",
    "series_names",
]

ATTEMPT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds. A target's timeout is at most an hour, and mostly some seconds."""

LATENCY_BUCKETS = (
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
    *(300.0, 1800.0, 7200.0, 86400.0),
)
"""Seconds, to a day: an event that needed retries comes late."""


class Kind(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Server(StrEnum):
    """Whose endpoint has a metric."""

    PUBLISHER = "publisher"
    """`eventflow serve`, workers whose subscribers publish, and applications that ask for it."""
    ROUTER = "router"
    WORKER = "worker"
    RECORDER = "recorder"
    EVERY = "every process"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: As Prometheus knows it, with `_total` and its unit.
        kind: How it moves.
        help: What it counts, for `# HELP` and for the page.
        labels: Its labels' names.
        server: Whose endpoint has it.
        is_summed: Whether several routers each tell the same number (false: take the `max`), or
            each process its own (true: take the `sum`).
        buckets: A histogram's upper bounds, in seconds.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    server: Server
    is_summed: bool = True
    buckets: tuple[float, ...] = ()


def _counter(name: str, help_text: str, *labels: str, server: Server) -> Metric:
    return Metric(name, Kind.COUNTER, help_text, labels, server)


def _of_target(name: str, help_text: str) -> Metric:
    return _of_ledger(f"target_{name}", help_text, "bus", "target")


def _of_ledger(name: str, help_text: str, *labels: str) -> Metric:
    """A number that each router reads from the ledger."""
    kind = Kind.COUNTER if name.endswith("_total") else Kind.GAUGE
    return Metric(f"eventflow_{name}", kind, help_text, labels, Server.ROUTER, is_summed=False)


_COUNTED = (
    _counter(
        "eventflow_events_published_total",
        "Events that were published, by what became of them: accepted, duplicate, refused (the "
        "backlog is full) or failed (the ledger did not answer).",
        *("bus", "outcome"),
        server=Server.PUBLISHER,
    ),
    _counter(
        "eventflow_events_routed_total",
        "Events that were routed: matched, unmatched (no rule matched) or dead.",
        *("bus", "outcome"),
        server=Server.ROUTER,
    ),
    _counter(
        "eventflow_rule_matches_total",
        "Events that matched a rule.",
        *("bus", "rule"),
        server=Server.ROUTER,
    ),
    _counter(
        "eventflow_deliveries_registered_total",
        "Deliveries that routing registered.",
        *("bus", "target"),
        server=Server.ROUTER,
    ),
    _counter(
        "eventflow_deliveries_total",
        "Deliveries that came to an end: delivered or dead.",
        *("bus", "target", "outcome"),
        server=Server.WORKER,
    ),
    _counter(
        "eventflow_dead_letters_total",
        "Dead letters that were made, by reason; of events that no router could route, the target "
        "is eventflow.route.",
        *("bus", "target", "reason"),
        server=Server.WORKER,
    ),
    _counter(
        "eventflow_attempts_total",
        "Attempts, by how they went: done, retry, dead or release (given back untried).",
        *("bus", "target", "outcome"),
        server=Server.WORKER,
    ),
    _counter(
        "eventflow_deliveries_parked_total",
        "Deliveries that were held back at their claim, by what held them: breaker, in_flight, "
        "rate, turn or paused.",
        *("bus", "target", "reason"),
        server=Server.WORKER,
    ),
    Metric(
        "eventflow_attempt_duration_seconds",
        Kind.HISTOGRAM,
        "How long a subscriber had an attempt, whatever came of it.",
        ("bus", "target"),
        Server.WORKER,
        buckets=ATTEMPT_BUCKETS,
    ),
    Metric(
        "eventflow_delivery_latency_seconds",
        Kind.HISTOGRAM,
        "From the acceptance of an event to the success of its delivery, by the ledger's clock; of "
        "a redriven one, from its redrive.",
        ("bus", "target"),
        Server.WORKER,
        buckets=LATENCY_BUCKETS,
    ),
    _counter(
        "eventflow_dead_letters_recorded_total",
        "Dead letters that were written to the store.",
        "bus",
        server=Server.RECORDER,
    ),
)

_READ = (
    _of_target("queued_deliveries", "Deliveries that wait for a worker."),
    _of_target("running_deliveries", "Deliveries that are leased to a worker."),
    _of_target("waiting_deliveries", "Deliveries that wait for their next attempt: the schedule."),
    _of_target(
        "parked_deliveries", "Deliveries that are held back until their target may be called."
    ),
    _of_target("queued_age_seconds", "For how long the oldest queued delivery has been queued."),
    _of_target("parked_age_seconds", "Age of the oldest event that is held back."),
    _of_target(
        "waiting_age_seconds",
        "Age of the oldest event that waits for its next attempt; of more than 40, of the 20 that "
        "are due first and the 20 that are due last.",
    ),
    _of_target(
        "overdue_seconds", "For how long the first delivery that is due has not been moved."
    ),
    _of_target(
        "unreturned_seconds",
        "Since when the lease of a running delivery is over: its worker is gone.",
    ),
    _of_target("breaker_state", "Its circuit breaker: 0 closed, 1 half open, 2 open."),
    _of_target("paused_seconds", "For how long it has been paused; 0 when it is not."),
    _of_target(
        "balance_difference",
        "Deliveries that were registered and are nowhere: neither delivered nor dead nor anywhere "
        "in the ledger. 0 in a sound ledger. Of events, the target is eventflow.route.",
    ),
    _of_target("registered_total", "Deliveries that were ever registered, by the ledger."),
    _of_target("delivered_total", "Deliveries that were ever delivered, by the ledger."),
    _of_target("dead_total", "Dead letters that were ever made, by the ledger."),
    _of_target("unserved_seconds", "For how long it has got deliveries without one success."),
    _of_ledger("accepted_events_total", "Events that were ever accepted, by the ledger.", "bus"),
    _of_ledger("unroutable_events_total", "Events that no router could route.", "bus"),
    _of_ledger("unrouted_events", "Events that wait for a router.", "bus"),
    _of_ledger("unrouted_age_seconds", "For how long the first of these has waited.", "bus"),
    _of_ledger("unrecorded_dead_letters", "Dead letters that wait for the recorder.", "bus"),
    _of_ledger("unrecorded_age_seconds", "For how long the first of these has waited.", "bus"),
    _of_ledger("journal_entries", "Entries of the journal that wait for the recorder.", "bus"),
    _of_ledger("journal_age_seconds", "For how long the first of these has waited.", "bus"),
    _of_ledger(
        "journal_dropped_total",
        "Entries of the journal that were never written, since as many waited as may.",
        "bus",
    ),
    _of_ledger("queue_consumers", "Processes that read a queue.", "queue"),
    _of_ledger(
        "canary_age_seconds",
        "For how long a queue's canary has been on its way and nothing else was taken from the "
        "queue; 0 when all is well.",
        "queue",
    ),
    _of_ledger(
        "queue_stuck_seconds",
        "Since when the workers of a queue are believed to consume nothing; 0 when all is well.",
        "queue",
    ),
    Metric(
        "eventflow_stored_dead_letters",
        Kind.GAUGE,
        "Dead letters in the store that are neither redriven nor purged.",
        (),
        Server.RECORDER,
        is_summed=False,
    ),
)

_OF_PROCESS = (
    Metric(
        "eventflow_scrape_failures_total",
        Kind.COUNTER,
        "Scrapes that could not read the ledger or the store; what is read there was left out.",
        (),
        Server.EVERY,
    ),
    Metric(
        "eventflow_info",
        Kind.GAUGE,
        "Always 1; eventflow's version is a label.",
        ("version",),
        Server.EVERY,
    ),
)

COUNTED = {metric.name: metric for metric in _COUNTED}
"""What is counted where it happens; the rest is read when Prometheus asks."""

CATALOGUE = {metric.name: metric for metric in (*_COUNTED, *_READ, *_OF_PROCESS)}
"""Every metric, by name."""


def series_names() -> frozenset[str]:
    """Return the name of every series: a histogram has three."""
    names = set()
    for metric in CATALOGUE.values():
        if metric.kind is Kind.HISTOGRAM:
            names |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
        else:
            names.add(metric.name)
    return frozenset(names)
