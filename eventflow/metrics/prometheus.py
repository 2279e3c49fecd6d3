"""The meter that counts for Prometheus, with prometheus_client's counters and histograms."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram

from eventflow.metrics.catalogue import COUNTED, Kind
from eventflow.metrics.labels import MOST_LABEL_VALUES, BoundedLabels
from eventflow.metrics.meter import Meter

__all__ = ["PrometheusMeter"]


class PrometheusMeter(Meter):
    """Counts for Prometheus.

    Args:
        registry: Where the instruments are registered.
        most: Different values of a label.
    """

    __slots__ = ("_counters", "_histograms", "_labels", "_of_counters", "_of_histograms")

    def __init__(self, registry: CollectorRegistry, *, most: int = MOST_LABEL_VALUES) -> None:
        self._labels = BoundedLabels(most)
        self._of_counters: dict[tuple[str, ...], Counter] = {}
        self._of_histograms: dict[tuple[str, ...], Histogram] = {}
        self._counters = {
            name: Counter(name, metric.help, metric.labels, registry=registry)
            for name, metric in COUNTED.items()
            if metric.kind is Kind.COUNTER
        }
        self._histograms = {
            name: Histogram(
                name, metric.help, metric.labels, registry=registry, buckets=metric.buckets
            )
            for name, metric in COUNTED.items()
            if metric.kind is Kind.HISTOGRAM
        }

    def published(self, bus: str, outcomes: Mapping[str, int]) -> None:
        """Count events that were published."""
        for outcome, number in outcomes.items():
            if number:
                self._count("eventflow_events_published_total", bus, outcome, number=number)

    def routed(self, bus: str, matched: Iterable[tuple[str, Iterable[str]]], *, dead: bool) -> None:
        """Count an event that was routed."""
        rules: set[str] = set()
        for target, names in matched:
            rules.update(names)
            self._count("eventflow_deliveries_registered_total", bus, target)
        for rule in rules:
            self._count("eventflow_rule_matches_total", bus, rule)
        outcome = "dead" if dead else "matched" if rules else "unmatched"
        self._count("eventflow_events_routed_total", bus, outcome)

    def attempted(self, bus: str, target: str, outcome: str, seconds: float) -> None:
        """Count an attempt."""
        self._count("eventflow_attempts_total", bus, target, outcome)
        if seconds > 0:
            self._observe("eventflow_attempt_duration_seconds", bus, target, seconds=seconds)

    def delivered(self, bus: str, target: str, seconds: float) -> None:
        """Count a success, and the seconds since its event was accepted."""
        self._count("eventflow_deliveries_total", bus, target, "delivered")
        # By two clocks it could be less than nothing.
        self._observe("eventflow_delivery_latency_seconds", bus, target, seconds=max(0.0, seconds))

    def died(self, bus: str, target: str, reason: str) -> None:
        """Count a dead letter."""
        self._count("eventflow_dead_letters_total", bus, target, reason)
        self._count("eventflow_deliveries_total", bus, target, "dead")

    def parked(self, bus: str, target: str, reason: str, number: int) -> None:
        """Count deliveries that were held back, by what held them."""
        self._count("eventflow_deliveries_parked_total", bus, target, reason, number=number)

    def recorded(self, bus: str, letters: int) -> None:
        """Count dead letters that were written to the store."""
        self._count("eventflow_dead_letters_recorded_total", bus, number=letters)

    def _count(self, *name_and_labels: str, number: int = 1) -> None:
        child = self._of_counters.get(name_and_labels)
        if child is None:
            name, *values = name_and_labels
            bounded = self._bound(name, values)
            child = self._counters[name].labels(*bounded)
            if bounded == values:  # what is `other` is looked up each time, and kept nowhere
                self._of_counters[name_and_labels] = child
        child.inc(number)

    def _observe(self, *name_and_labels: str, seconds: float) -> None:
        child = self._of_histograms.get(name_and_labels)
        if child is None:
            name, *values = name_and_labels
            bounded = self._bound(name, values)
            child = self._histograms[name].labels(*bounded)
            if bounded == values:
                self._of_histograms[name_and_labels] = child
        child.observe(seconds)

    def _bound(self, name: str, values: list[str]) -> list[str]:
        labels = COUNTED[name].labels
        return [self._labels.bound(*pair) for pair in zip(labels, values, strict=True)]
