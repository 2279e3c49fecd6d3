"""The embedded Valkey, which can be killed."""

import os
import signal

from eventflow.embedded import EmbeddedServer
from eventflow.settings import Settings

__all__ = ["ValkeyServer"]


class ValkeyServer:
    """The embedded server of some settings.

    Args:
        settings: Their `data_dir` is used.
    """

    def __init__(self, settings: Settings) -> None:
        self._server = EmbeddedServer(settings)

    @property
    def url(self) -> str:
        """Its address, as redis-py writes it."""
        return f"unix://{self._server.socket_path}?db=0"

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        return self._server.pid

    def start(self) -> None:
        """Start it, with the data that it had, and wait until it answers."""
        self._server.start()

    def stop(self) -> None:
        """Stop it; its data stays."""
        self._server.stop()

    def kill(self) -> None:
        """End it with SIGKILL; what it had written stays: with `appendfsync always` all."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
        self._server.stop()
