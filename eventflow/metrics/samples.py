"""What is read when Prometheus asks, as prometheus_client wants it: numbers by name and labels."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from eventflow.metrics.catalogue import CATALOGUE, Kind
from eventflow.metrics.labels import BoundedLabels

__all__ = ["InfoCollector", "Samples"]


class Samples:
    """Gathers the numbers of one scrape. Of those that meet in `other`, the greatest stays.

    Args:
        labels: Bounds the values of labels; kept from scrape to scrape.
    """

    def __init__(self, labels: BoundedLabels) -> None:
        self._labels = labels
        self._values: dict[str, dict[tuple[str, ...], float]] = {}

    def add(self, name: str, value: float, *labels: str) -> None:
        """Add one number.

        Args:
            name: The metric's, from the catalogue.
            value: The number.
            labels: The values of its labels, in the catalogue's order.
        """
        names = CATALOGUE[name].labels
        bounded = tuple(self._labels.bound(*pair) for pair in zip(names, labels, strict=True))
        values = self._values.setdefault(name, {})
        values[bounded] = max(value, values.get(bounded, value))

    def families(self) -> Iterable[Metric]:
        """Return all of them, by metric."""
        for name, values in self._values.items():
            metric = CATALOGUE[name]
            kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
            family = kind(name, metric.help, labels=metric.labels)
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family


class InfoCollector(Collector):
    """Tells eventflow's version."""

    def collect(self) -> Iterable[Metric]:
        """Return the one number."""
        samples = Samples(BoundedLabels())
        try:
            number = version("eventflow")
        except PackageNotFoundError:  # a checkout that was never installed
            number = "unknown"
        samples.add("eventflow_info", 1, number)
        return list(samples.families())
