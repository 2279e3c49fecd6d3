"""kombu's account of what a worker has in hand, made to survive a server that is away.

Faults of kombu 5.7 are mended here, all found by cutting connections under load.

It acknowledges on Redis in two steps: it strikes the message off the server's list of what is
unacknowledged, then off its own account. When the first fails (the server was silent for longer than
the socket's timeout, say), the second is never done, and Celery logs the failure and goes on. The
message's place in the prefetch window is then taken for ever; with a window of one, the worker is
alive, connected, and consumes nothing until someone restarts it. Here the place is freed all the same.

When a connection is lost, what is in hand is put back, and what is done later is acknowledged on a
channel that is closed; where either finds no connection any more, the worker ends with an
AttributeError. Here the message is let go.

In all these cases the server may keep its entry until the visibility timeout, when the message comes
back once, and the ledger's claim passes over it. Leans on kombu's `QoS.ack`, `reject` and
`restore_unacked`; unit tests and the tests of faults fail when they change.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

__all__ = ["QoS"]


class QoS(kombu_redis.QoS):
    """kombu's, which lets go of a message whether or not the server could be told."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        self._settle(super().ack, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Reject a message; *requeue* puts it back on its queue.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        self._settle(partial(super().reject, requeue=requeue), delivery_tag)

    def restore_unacked(self, client: Any = None) -> None:
        """Put back all that is in hand.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        try:
            if not self._is_closed:
                super().restore_unacked(client)  # type: ignore[no-untyped-call]
        finally:
            self._delivered.clear()

    def _settle(self, tell_server: Callable[[str], None], delivery_tag: str) -> None:
        try:
            if not self._is_closed:
                tell_server(delivery_tag)
        finally:
            # As kombu's own does at its end; to do it twice does no harm.
            virtual.QoS.ack(self, delivery_tag)

    @property
    def _is_closed(self) -> bool:
        """Whether the channel's connection is gone: kombu forgets each in turn."""
        transport = self.channel.connection
        return transport is None or transport.client is None
