"""Metrics for Prometheus: what is counted, and how it is served. Loads nothing until it is on."""

from eventflow.metrics.meter import Meter, meter, use_meter

__all__ = ["Meter", "count_in", "meter", "use_meter"]


def count_in() -> None:
    """Count what this process publishes in prometheus_client's default registry.

    For an application that serves its own metrics; processes that eventflow starts need it not.
    Once for each process; a second call changes nothing.
    """
    from eventflow.metrics import serving  # noqa: PLC0415 - prometheus_client, for those who ask

    serving.count_in()
