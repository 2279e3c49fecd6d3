"""Asking on a connection that is open: answers are read in pieces, and what is wrong is left to others."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import redis

from eventflow.delivery.at_once import AtOnce, _read_numbers

Ask = Callable[[float], list[int] | None]


class Connection:
    """What is used of redis-py's, on one end of a pair of sockets."""

    def __init__(self, line: socket.socket) -> None:
        self._sock: Any = line

    @property
    def is_connected(self) -> bool:
        """Whether it is open."""
        return self._sock is not None

    def should_reconnect(self) -> bool:
        """Whether it is to be closed."""
        return False

    def disconnect(self) -> None:
        """Close it."""
        self._sock.close()
        self._sock = None


class Pool:
    """Gives the connections that it is given."""

    def __init__(self) -> None:
        self.connections: list[Any] = []

    @property
    def connection_pool(self) -> "Pool":
        """Be the client, too."""
        return self

    def get_connection(self) -> Any:
        """Give one."""
        return self.connections.pop()

    def release(self, connection: Any) -> None:
        """Take one back."""
        self.connections.append(connection)


@pytest.fixture
def lines() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a line."""
    mine, theirs = socket.socketpair()
    with mine, theirs:
        yield mine, theirs


@pytest.fixture
def pool(lines: tuple[socket.socket, socket.socket]) -> Pool:
    """A pool with one connection."""
    pool = Pool()
    pool.connections.append(Connection(lines[0]))
    return pool


@pytest.fixture
def server(lines: tuple[socket.socket, socket.socket]) -> socket.socket:
    """The other end of its line."""
    return lines[1]


@pytest.fixture
def at_once(pool: Pool) -> AtOnce:
    """A connection that is kept."""
    client: Any = pool
    at_once = AtOnce(client)
    at_once.keep_one()
    return at_once


@pytest.fixture(params=["thread", "loop"])
def ask(request: pytest.FixtureRequest, at_once: AtOnce) -> Ask:
    """Ask in the thread, or in an event loop."""

    def in_loop(seconds: float) -> list[int] | None:
        return asyncio.run(at_once.ask_in_loop(b"PING\r\n", seconds))

    if request.param == "loop":
        return in_loop
    return lambda seconds: at_once.ask(b"PING\r\n", seconds)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"*3\r\n:0\r\n:1\r\n:12\r\n", [0, 1, 12]),
        (b"*1\r\n:-1\r\n", [-1]),
        (b"*0\r\n", []),
    ],
)
def test_numbers(ask: Ask, server: socket.socket, answer: bytes, expected: list[int]) -> None:
    """A list of whole numbers is returned, again and again on the same line."""
    for _ in range(2):
        server.sendall(answer)
        assert expected == ask(60)
        assert b"PING\r\n" == server.recv(100)


def test_pieces() -> None:
    """Wherever an answer is cut, the rest of it is waited for."""
    answer = b"*3\r\n:0\r\n:1\r\n:12\r\n"
    for end in range(len(answer)):
        assert _read_numbers(answer[:end]) is None
    assert [0, 1, 12] == _read_numbers(answer)


@pytest.mark.parametrize(
    "answer", [b"-NOSCRIPT No matching script\r\n", b"+OK\r\n", b">1\r\n+x\r\n"]
)
def test_anything_else(ask: Ask, at_once: AtOnce, server: socket.socket, answer: bytes) -> None:
    """What is wrong is found out by who asks again, and the line is not used further."""
    server.sendall(answer)
    assert ask(60) is None
    assert not at_once._idle
    assert ask(60) is None


def test_a_line_that_is_lost(ask: Ask, at_once: AtOnce, server: socket.socket) -> None:
    """A line that the other end has closed has it asked again."""
    server.close()
    assert ask(60) is None
    assert not at_once._idle


def test_silence(ask: Ask, at_once: AtOnce, server: socket.socket) -> None:
    """Who hears nothing in time says so; what may come on that line later nobody reads."""
    server.sendall(b"*2\r\n:0\r\n")  # half of it
    with pytest.raises(redis.TimeoutError):
        ask(0.05)
    assert not at_once._idle


def test_nobody_listens(ask: Ask, server: socket.socket, at_once: AtOnce) -> None:
    """What cannot even be sent in time is silence, too."""
    [(connection, _)] = at_once._idle
    connection._sock.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            connection._sock.send(b"x" * 65536)
    with pytest.raises(redis.TimeoutError):
        ask(0.05)
    assert not at_once._idle


def test_a_cancelled_task(at_once: AtOnce, server: socket.socket) -> None:
    """Nobody reads the answer to what a cancelled task has asked as one to another question."""

    async def cancel() -> None:
        task = asyncio.create_task(at_once.ask_in_loop(b"PING\r\n", 60))
        assert b"PING\r\n" == await asyncio.to_thread(server.recv, 100)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancel())
    assert not at_once._idle


def test_a_line_of_another_kind(at_once: AtOnce) -> None:
    """Where an event loop cannot wait for a socket, as for TLS, it is asked otherwise."""

    class Other(socket.socket):
        """As one of TLS."""

    [(connection, _)] = at_once._idle
    with connection._sock, Other() as connection._sock:
        assert asyncio.run(at_once.ask_in_loop(b"PING\r\n", 60)) is None
        assert len(at_once._idle) == 1


def test_a_redis_py_that_is_not_known(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    """Where the socket is not where it was, that is told once, and another way is taken."""
    [connection] = pool.connections
    connection._line = connection.__dict__.pop("_sock")
    client: Any = pool
    at_once = AtOnce(client)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            at_once.keep_one()
    assert ["redis_unknown"] == [record.action for record in caplog.records]  # type: ignore[attr-defined]
    assert at_once.ask(b"PING\r\n", 60) is None
    assert [connection] == pool.connections
