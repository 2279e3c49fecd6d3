"""The ports at which the processes of `eventflow up` serve their metrics, one each."""

import os
from dataclasses import replace

from eventflow.cli.supervisor import Process

__all__ = ["MetricsPorts"]

_HIGHEST = 65535


class MetricsPorts:
    """Hands out ports one after another; a process that is started again keeps its own.

    Args:
        first: The first port; 0 for none at all.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._ports: dict[str, int] = {}

    def give(self, process: Process) -> Process:
        """Return the process with a port of its own in its environment; as it is where there is none.

        Args:
            process: The process.
        """
        port = self._ports.setdefault(process.name, self._first + len(self._ports))
        if not self._first or port > _HIGHEST:
            return process
        environment = os.environ if process.env is None else process.env
        return replace(process, env={**environment, "EVENTFLOW_METRICS_PORT": str(port)})

    def __str__(self) -> str:
        """Where they are, for a line of `eventflow up`; empty where there are none."""
        if not self._first:
            return ""
        return ", ".join(
            f"{name} :{port}" for name, port in self._ports.items() if port <= _HIGHEST
        )
