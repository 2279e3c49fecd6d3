"""kombu's account of what a worker has in hand, made to survive a server that is away.

Two faults of kombu 5.7 are mended here, both found by cutting connections under load.

It acknowledges on Redis in two steps: it strikes the message off the server's list of what is
unacknowledged, then off its own account. When the first fails (the server was silent for longer than
the socket's timeout, say), the second is never done, and Celery logs the failure and goes on. The
message's place in the prefetch window is then taken for ever; with a window of one, the worker is
alive, connected, and consumes nothing until someone restarts it. Here the place is freed all the same.

When a connection is lost, what is in hand is put back, and where that finds the connection closed
already, the worker ends with an AttributeError. Here it is let go.

In both cases the server keeps its entry until the visibility timeout, when the message comes back
once, and the ledger's claim passes over it. Leans on kombu's `QoS.ack`, `reject` and
`restore_unacked`; the tests of faults fail when they change.
"""

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
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Reject a message; *requeue* puts it back on its queue.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        try:
            super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def restore_unacked(self, client: Any = None) -> None:
        """Put back all that is in hand.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        try:
            if self.channel.connection.client is not None:  # None once it is closed
                super().restore_unacked(client)  # type: ignore[no-untyped-call]
        finally:
            self._delivered.clear()
