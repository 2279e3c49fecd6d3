"""PromQL of the metrics: what each router tells alike is taken once, what each process counts, added."""

from eventflow.metrics.catalogue import CATALOGUE, Kind
from eventflow.rules import Target

__all__ = ["gauge", "quantile", "rate", "target_gauge", "target_growth", "target_rate"]


def gauge(name: str, *by: str, selector: str = "") -> str:
    """Return the query of a number that is read from the ledger.

    Args:
        name: The metric.
        by: Labels that it is told apart by.
        selector: Further labels, as PromQL writes them between braces.
    """
    metric = CATALOGUE[name]
    assert metric.kind is Kind.GAUGE, name
    return f"max{_by(*by)}({name}{_braces(selector)})"


def rate(name: str, *by: str, selector: str = "", window: str = "5m") -> str:
    """Return the query of how often a second something happens.

    Args:
        name: The counter.
        by: Labels that it is told apart by.
        selector: Further labels, as PromQL writes them between braces.
        window: How long is looked at.
    """
    return f"{_add(name)}{_by(*by)}(rate({name}{_braces(selector)}[{window}]))"


def quantile(share: float, name: str, *, selector: str = "", window: str = "5m") -> str:
    """Return the query of a histogram's quantile, in seconds.

    Args:
        share: From 0 to 1.
        name: The histogram.
        selector: Further labels, as PromQL writes them between braces.
        window: How long is looked at.
    """
    assert CATALOGUE[name].kind is Kind.HISTOGRAM, name
    buckets = f"rate({name}_bucket{_braces(selector)}[{window}])"
    return f"histogram_quantile({share:g}, sum by (le) ({buckets}))"


def target_gauge(name: str, target: Target) -> str:
    """Return the query of one target's number, of all buses the greatest."""
    return gauge(f"eventflow_target_{name}", selector=_of(target))


def target_growth(name: str, target: Target, window: str) -> str:
    """Return the query of by how much one target's counter in the ledger has grown."""
    metric = f"eventflow_target_{name}"
    assert CATALOGUE[metric].kind is Kind.COUNTER, metric
    return f"sum(max by (bus) (increase({metric}{{{_of(target)}}}[{window}])))"


def target_rate(name: str, target: Target, *by: str, window: str = "5m") -> str:
    """Return the query of how often a second something happens to one target."""
    return rate(name, *by, selector=_of(target), window=window)


def _of(target: Target) -> str:
    return f'target="{target.name}"'  # a name has nothing that PromQL would take for its own


def _add(name: str) -> str:
    metric = CATALOGUE[name]
    assert metric.kind is Kind.COUNTER, name
    return "sum" if metric.is_summed else "max"


def _by(*labels: str) -> str:
    return f" by ({', '.join(labels)}) " if labels else ""


def _braces(selector: str) -> str:
    return f"{{{selector}}}" if selector else ""
