"""Switching metrics on: for a process that eventflow starts, or within an application's own."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.registry import Collector

from eventflow.metrics.endpoint import Endpoint
from eventflow.metrics.files import CounterFiles
from eventflow.metrics.meter import meter, use_meter
from eventflow.metrics.prometheus import PrometheusMeter
from eventflow.metrics.samples import InfoCollector

__all__ = ["ServedMetrics", "count_in"]


def count_in(registry: CollectorRegistry = REGISTRY) -> None:
    """Count what this process publishes, for an application that serves its own metrics.

    Once for each process; a second call changes nothing. With `PROMETHEUS_MULTIPROC_DIR` in the
    environment, as prometheus_client asks of several processes, the counts are in its files.

    Args:
        registry: Where the counters go; prometheus_client's default unless said.
    """
    if not isinstance(meter(), PrometheusMeter):
        use_meter(PrometheusMeter(registry))


class ServedMetrics:
    """A process's metrics, from its first counter to its endpoint.

    To be made in the main process before a pool forks from it, so that all count in one folder.

    Args:
        address: The address to listen on.
        port: The port.
        parent: The folder that the counters' own is made in; None for the system's.

    Attributes:
        files: What this process and those that it forks have counted.
    """

    def __init__(self, *, address: str, port: int, parent: Path | None = None) -> None:
        self._address = address
        self._port = port
        self.files = CounterFiles(parent)
        # Its own registry is served to nobody: what all processes count is in the files.
        self._before = use_meter(PrometheusMeter(CollectorRegistry()))
        self._endpoint: Endpoint | None = None

    def serve(self, collectors: Iterable[Collector] = ()) -> bool:
        """Open the endpoint; False where its port cannot be had.

        Args:
            collectors: What is read when Prometheus asks, beside the counters.
        """
        self._endpoint = Endpoint(
            (self.files, InfoCollector(), *collectors),
            address=self._address,
            port=self._port,
            tidy=self.files.fold,
        )
        return self._endpoint.start()

    def close(self) -> None:
        """Close the endpoint, and count no more."""
        use_meter(self._before)
        if self._endpoint is not None:
            self._endpoint.stop()
        self.files.remove()
