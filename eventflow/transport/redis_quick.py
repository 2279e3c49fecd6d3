"""The Redis transport that spends little on a message.

kombu 5.7 makes a redis-py client for each command, reads each message's JSON after `redis_transport`
has read it once, and has the server note what is in hand before a message may be seen, and strike
the note off afterwards: two round trips, more than all the rest. Here

- a channel keeps one client, for as long as it keeps its pool of connections;
- a message's JSON is read once;
- a call (wakeups.py) is noted in this process alone. It is given back like any other message when its
  task asks for that, a pool's process dies, the connection is lost or the worker stops. What a killed
  worker had in hand is not there to come back hours later, and need not: the ledger has it called for
  again within seconds. All other messages are noted on the server, as kombu does it.

Messages are taken one by one: a worker has as many in hand as can run, and each of them takes more
from the ledger than it names, so a queue rarely holds a second.

Where kombu is not the one that this was written for (kombu_check.py), it stays out of the way.
"""

import logging
from functools import cache
from queue import Empty
from typing import Any

from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from eventflow.transport import redis_transport
from eventflow.transport.kombu_check import find_changes
from eventflow.transport.redis_qos import QoS
from eventflow.transport.wakeups import is_call

__all__ = ["QuickChannel", "QuickQoS", "Transport"]

_log = logging.getLogger("eventflow.transport")


class QuickQoS(QoS):
    """An account of what is in hand that asks the server nothing of calls."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]
        # By tag. A task's thread may take one out while the loop's puts another in.
        self._calls: dict[str, Any] = {}

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message that came.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        if redis_transport.LIST in message.delivery_info or not is_call(message):
            super().append(message, delivery_tag)  # type: ignore[no-untyped-call]
            return
        self._calls[delivery_tag] = message
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        if self._calls.pop(delivery_tag, None) is None:
            super().ack(delivery_tag)
        else:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Reject a message; *requeue* puts it back on its queue.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        if delivery_tag in self._calls and not requeue:
            self.ack(delivery_tag)
            return
        try:
            super().reject(delivery_tag, requeue=requeue)
        finally:
            self._calls.pop(delivery_tag, None)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Put back one message.

        Args:
            tag: Its delivery tag.
            client: redis-py's client, where there is one at hand.
            leftmost: Whether it goes behind all others on its queue, and not before them.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        message = self._calls.pop(tag, None)
        if message is None:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
            return
        info = message.delivery_info
        with self.channel.conn_or_acquire(client) as connected:
            self.channel._do_restore_message(  # noqa: SLF001 - kombu_check.py
                message._raw,  # noqa: SLF001 - as kombu's own
                info["exchange"],
                info["routing_key"],
                connected,
                leftmost,
            )

    def restore_unacked(self, client: Any = None) -> None:
        """Put back all that is in hand.

        Raises:
            redis.ConnectionError, redis.TimeoutError: When the server could not be told.
        """
        try:
            super().restore_unacked(client)
        finally:
            self._calls.clear()


class QuickChannel(redis_transport.Channel):
    """A channel with one client, and that account."""

    QoS = QuickQoS
    _kept_client: Any = None
    _in_poll: Any = False  # kombu's: the connection that a BRPOP waits on

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Return the client of commands that wait for nothing, or a new one that may wait."""
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[no-untyped-call]
        client = self._kept_client
        # A fork and a lost connection each end a pool; threads may share a client.
        if client is None or client.connection_pool is not self.pool:
            client = self._kept_client = super()._create_client()  # type: ignore[no-untyped-call]
        return client

    def _get_client(self) -> Any:
        # What BRPOP answers is read by `_brpop_read`.
        return kombu_redis.Channel._get_client(self)  # noqa: SLF001

    def _brpop_read(self, **options: Any) -> bool:
        """Read what BRPOP answered, and hand it over; as kombu's, but that JSON is read once.

        Raises:
            Empty: When there was nothing.
            redis.ConnectionError: When the connection is lost.
        """
        client = self.client
        try:
            try:
                answer = client.parse_response(client.connection, "BRPOP", **options)
            except self.connection_errors:
                client.connection.disconnect()
                raise
            if not answer:
                raise Empty
            key, entry = answer
            queue = key.decode().rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            self.connection._deliver(redis_transport.read_entry(entry, queue), queue)  # noqa: SLF001
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()  # type: ignore[no-untyped-call]


class Transport(redis_transport.Transport):
    """The quick transport, where kombu is known."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]
        self.Channel = redis_transport.Channel if _is_changed() else QuickChannel


@cache
def _is_changed() -> bool:
    """Whether kombu is another, which is told once in a process."""
    changes = find_changes()
    if changes is not None:
        _log.warning(
            "%s than the one that eventflow's quick channel was written for: messages go kombu's own "
            "way, at about three times the cost each. Install the version of constraints.txt, or a newer "
            "eventflow",
            changes,
            extra={"action": "kombu_unknown"},
        )
    return changes is not None
