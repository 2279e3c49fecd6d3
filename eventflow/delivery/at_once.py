"""Asking the ledger in the caller's own thread, where nothing can take longer than the caller waits.

On a connection that is open already there is no name to be looked up and nothing to be set up: what is
sent and what is read each have a time limit, and nothing is tried again. All else, and all that goes
wrong but for the silence itself, is left to a thread that can be left behind.
"""

import inspect
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis

__all__ = ["AtOnce"]

_MOST = 64  # connections that are kept
_FRESH = 20.0  # seconds; a connection that lay idle for longer may be cut off, and nobody knows

# Older versions of redis-py read with one time limit for all: then nothing is asked so.
_CAN_WAIT = "timeout" in inspect.signature(redis.Connection.read_response).parameters and hasattr(
    redis.Connection, "should_reconnect"
)


class AtOnce:
    """Connections of one process that are open. Safe in threads.

    Args:
        client: Whose connections they are; its socket's timeout is the longest that sending takes.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._pool: Any = client.connection_pool
        self._idle: deque[tuple[Any, float]] = deque(maxlen=_MOST)

    def keep_one(self) -> None:
        """Keep a connection for the next question; it may have to be opened, which may take long."""
        if _CAN_WAIT and not self._idle:
            with suppress(redis.RedisError, OSError):
                self._idle.append((self._pool.get_connection(), time.monotonic()))

    def ask(self, command: Sequence[Any], seconds: float) -> Any:
        """Send a command, and return its answer.

        Args:
            command: The command, with its arguments.
            seconds: How long it may take.

        Returns:
            The answer; None where it is to be asked otherwise, once more: no connection is open, it
            was lost, or the server says that something is wrong.

        Raises:
            redis.TimeoutError: When there is no answer in time: it may be done, or not.
        """
        until = time.monotonic() + seconds
        connection = self._take()
        if connection is None:
            return None
        try:
            connection.send_packed_command(connection.pack_command(*command), check_health=False)
            answer = connection.read_response(timeout=max(0.001, until - time.monotonic()))
        except redis.TimeoutError:
            self._drop(connection)
            raise
        except redis.RedisError:
            self._drop(connection)
            return None
        except BaseException:  # a signal's, gevent's: an answer to this is still to come
            self._drop(connection)
            raise
        self._idle.append((connection, time.monotonic()))
        return answer

    def _take(self) -> Any:
        while True:
            try:
                connection, used = self._idle.pop()
            except IndexError:
                return None
            is_fresh = time.monotonic() - used < _FRESH
            if is_fresh and connection.is_connected and not connection.should_reconnect():
                return connection
            self._drop(connection)

    def _drop(self, connection: Any) -> None:
        connection.disconnect()
        self._pool.release(connection)
