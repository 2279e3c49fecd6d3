"""Asking the ledger in the caller's own thread, or event loop, where nothing can take longer than the caller waits.

On a connection that is open already there is no name to be looked up and nothing to be set up: what is
sent and what is read each have a time limit, and nothing is tried again. All else, and all that goes
wrong but for the silence itself, is left to a thread that can be left behind.

What is asked here is answered with whole numbers, which are read off the socket itself: redis-py's way
of reading, made for answers of any shape, takes longer than all the rest of the question.
"""

import asyncio
import logging
import socket
import time
import weakref
from collections import deque
from contextlib import suppress
from typing import Any

import redis

__all__ = ["AtOnce"]

_log = logging.getLogger("eventflow.delivery")
_MOST = 64  # connections that are kept
_FRESH = 20.0  # seconds; a connection that lay idle for longer may be cut off, and nobody knows
_LEAST = 0.001  # seconds; a limit of nothing would mean not to wait at all
_MOST_READ = 65536  # bytes
_NEEDED = ("is_connected", "should_reconnect", "disconnect", "_sock")  # the last is redis-py's own
_SPOKEN = ("settimeout", "sendall", "recv")  # with a socket


class AtOnce:
    """Connections of one process that are open. Safe in threads.

    Args:
        client: Whose connections they are.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._pool: Any = client.connection_pool
        self._idle: deque[tuple[Any, float]] = deque(maxlen=_MOST)
        self._is_known = True
        # Whoever forgets this need not close it; the interpreter complains of open sockets otherwise.
        weakref.finalize(self, _close, self._idle).atexit = False

    def keep_one(self) -> None:
        """Keep a connection for the next question; it may have to be opened, which may take long."""
        if not self._is_known or self._idle:
            return
        with suppress(redis.RedisError, OSError):
            connection = self._pool.get_connection()
            self._is_known = _is_known(connection)
            if self._is_known:
                self._idle.append((connection, time.monotonic()))
                return
            self._pool.release(connection)
            _log.warning(
                "redis-py %s keeps its sockets otherwise than eventflow knows: each publish() goes by "
                "another thread, which takes more time; install the version of constraints.txt, or a "
                "newer eventflow",
                redis.__version__,
                extra={"action": "redis_unknown"},
            )

    def ask(self, command: bytes, seconds: float) -> list[int] | None:
        """Send a command that is answered with a list of whole numbers, and return these.

        Args:
            command: As it is sent.
            seconds: How long it may take.

        Returns:
            The answer; None where it is to be asked otherwise, once more: no connection is open, it
            was lost, or the server says that something is wrong.

        Raises:
            redis.TimeoutError: When there is no answer in time: it may be done, or not.
        """
        started = time.monotonic()
        connection = self._take(started)
        if connection is None:
            return None
        try:
            answer = _ask(connection._sock, command, started + seconds)  # noqa: SLF001 - see _is_known
        except BaseException as error:  # noqa: BLE001 - raised again, unless it is known
            self._give_up(connection, error)
            return None
        self._idle.append((connection, started))
        return answer

    async def ask_in_loop(self, command: bytes, seconds: float) -> list[int] | None:
        """Send a command as `ask` does, from a coroutine: the event loop waits for the answer.

        Args, Returns and Raises are those of `ask`. Of TLS, too, it is to be asked otherwise.
        """
        started = time.monotonic()
        connection = self._take(started)
        if connection is None:
            return None
        line = connection._sock  # noqa: SLF001 - see _is_known
        if type(line) is not socket.socket:  # no loop waits for one of TLS
            self._idle.append((connection, started))
            return None
        try:
            async with asyncio.timeout(seconds):
                answer = await _ask_in_loop(line, command)
        except BaseException as error:  # noqa: BLE001 - raised again, unless it is known
            self._give_up(connection, error)
            return None
        self._idle.append((connection, started))
        return answer

    def _take(self, now: float) -> Any:
        while True:
            try:
                connection, used = self._idle.pop()
            except IndexError:
                return None
            if (
                now - used < _FRESH
                and connection.is_connected
                and not connection.should_reconnect()
            ):
                return connection
            self._drop(connection)

    def _give_up(self, connection: Any, error: BaseException) -> None:
        """Drop a connection on which an answer may still come; raise what says more than that it is lost.

        Raises:
            redis.TimeoutError: When the answer is late.
            BaseException: A signal's, a cancelled task's, gevent's.
        """
        self._drop(connection)
        if isinstance(error, TimeoutError):
            message = "no answer in time"
            raise redis.TimeoutError(message) from error
        if not isinstance(error, OSError | ValueError):
            raise error

    def _drop(self, connection: Any) -> None:
        connection.disconnect()
        self._pool.release(connection)


def _close(idle: deque[tuple[Any, float]]) -> None:
    for connection, _ in idle:
        connection.disconnect()


def _is_known(connection: Any) -> bool:
    """Whether this version of redis-py has its socket where it is looked for."""
    return all(hasattr(connection, name) for name in _NEEDED) and all(
        callable(getattr(connection._sock, name, None))  # noqa: SLF001 - whether it is there
        for name in _SPOKEN
    )


def _ask(line: Any, command: bytes, until: float) -> list[int]:
    """Send, and read until the answer is whole.

    Raises:
        TimeoutError: When it is not, in time.
        OSError: When the connection is lost.
        ValueError: When it is answered otherwise than with whole numbers: what is wrong.
    """
    line.settimeout(max(_LEAST, until - time.monotonic()))
    line.sendall(command)
    answer = b""
    while True:
        line.settimeout(max(_LEAST, until - time.monotonic()))
        received = line.recv(_MOST_READ)
        if not received:
            raise ConnectionResetError
        answer += received
        numbers = _read_numbers(answer)
        if numbers is not None:
            return numbers


async def _ask_in_loop(line: socket.socket, command: bytes) -> list[int]:
    """Send and read as `_ask`, for as long as it takes."""
    loop = asyncio.get_running_loop()
    line.setblocking(False)
    await loop.sock_sendall(line, command)
    answer = b""
    while True:
        received = await loop.sock_recv(line, _MOST_READ)
        if not received:
            raise ConnectionResetError
        answer += received
        numbers = _read_numbers(answer)
        if numbers is not None:
            return numbers


def _read_numbers(answer: bytes) -> list[int] | None:
    """Return the numbers of an answer, None where more of it is to come.

    Raises:
        ValueError: When it is no list of whole numbers.
    """
    if not answer.endswith(b"\r\n"):
        return None
    head, *numbers = answer.split(b"\r\n:")
    if head[:1] != b"*":
        raise ValueError
    # A length without a first number ends like a number: int() passes over the end of a line.
    return list(map(int, numbers)) if len(numbers) == int(head[1:]) else None
