"""A TCP proxy that breaks connections in the ways that networks do: after toxiproxy's idea.

It runs in a thread of its own. What it does to its connections is its mode, changed at any moment:

    passing      bytes go both ways
    dropping     established connections are reset, and so is each new one
    stalling     connections are accepted and stay open, and nothing goes through until it passes again
    black-holing as stalling; but what was connected meanwhile stays silent for ever, without an end
    slow         bytes go both ways, each piece some time later
    muting       what is asked arrives; of what comes back, every so often a piece is lost, and its
                 connection is reset: it is done, and whoever asked is not told
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

__all__ = ["Mode", "Proxy", "proxied"]

_MOST = 64 * 1024
_PATIENCE = 30.0  # seconds for the proxy's own thread to do what it is asked
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: close() sends RST
_UNIX = ("unix", "redis+socket")
_PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}


class Mode(StrEnum):
    """What happens to connections."""

    PASSING = "passing"
    DROPPING = "dropping"
    STALLING = "stalling"
    BLACK_HOLING = "black-holing"
    SLOW = "slow"
    MUTING = "muting"


@dataclass(eq=False)
class _Link:
    """One connection: the client's side and the server's."""

    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    is_silent: bool = False
    """Whether it was there during a black hole: then nothing goes through it any more."""


class Proxy:
    """Listens on a port of this machine and forwards to one server.

    Args:
        url: The server's address: as redis-py and kombu write it.
        delay: Seconds that each piece waits while the mode is slow.
        mutes: While the mode is muting, one in so many pieces that come back is lost.
    """

    def __init__(self, url: str, *, delay: float = 0.05, mutes: int = 23) -> None:
        self._url = url
        self._delay = delay
        self._mutes = mutes
        self._came_back = 0
        self._mode = Mode.PASSING
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._changed: asyncio.Event
        self._server: asyncio.Server
        self.port: int
        self._do(self._open())

    @property
    def url(self) -> str:
        """The address to use in place of the server's own."""
        parts = urlsplit(self._url)
        if parts.scheme in _UNIX:
            return f"redis://127.0.0.1:{self.port}/0"
        user, at, _place = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    @property
    def connections(self) -> int:
        """How many connections are open and not silent for ever."""
        return sum(not link.is_silent for link in list(self._links))

    def set(self, mode: Mode) -> None:
        """Change what happens to connections, those that are open among them."""
        self._do(self._set(mode))

    def close(self) -> None:
        """End all connections, and stop listening."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def _open(self) -> None:
        self._changed = asyncio.Event()
        self._server = await asyncio.start_server(self._on_client, "127.0.0.1", 0, limit=_MOST)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.DROPPING:
            for link in list(self._links):
                _reset(link)
        if mode is Mode.BLACK_HOLING:
            for link in self._links:
                link.is_silent = True
        self._changed.set()
        self._changed = asyncio.Event()

    async def _close(self) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        link = _Link([writer], is_silent=self._mode is Mode.BLACK_HOLING)
        self._links.add(link)
        try:
            if self._mode is Mode.DROPPING:
                return
            await self._join(link, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # one side has gone, or all is over: the other side follows
        finally:
            _reset(link)
            self._links.discard(link)
            self._tasks.discard(task)

    async def _join(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Forward both ways until one side ends."""
        if link.is_silent:
            await self._swallow(reader)
            return
        await self._may_pass(link)
        server_reader, server_writer = await self._connect()
        link.writers.append(server_writer)
        pumps = [
            asyncio.ensure_future(self._pump(link, reader, server_writer)),
            asyncio.ensure_future(self._pump(link, server_reader, writer, comes_back=True)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._url)
        if parts.scheme in _UNIX:
            return await asyncio.open_unix_connection(parts.path, limit=_MOST)
        port = parts.port or _PORTS[parts.scheme]
        return await asyncio.open_connection(parts.hostname, port, limit=_MOST)

    async def _pump(
        self,
        link: _Link,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        comes_back: bool = False,
    ) -> None:
        while piece := await reader.read(_MOST):
            await self._may_pass(link)
            if link.is_silent:
                continue  # it counts as sent, and arrives nowhere
            if comes_back and self._is_lost():
                return
            if self._mode is Mode.SLOW:
                await asyncio.sleep(self._delay)
            writer.write(piece)
            await writer.drain()
        while link.is_silent:  # not even the end gets through
            await self._changed.wait()

    def _is_lost(self) -> bool:
        """Whether a piece that comes back is one of those that are lost."""
        self._came_back += self._mode is Mode.MUTING
        return self._mode is Mode.MUTING and self._came_back % self._mutes == 0

    async def _may_pass(self, link: _Link) -> None:
        while self._mode is Mode.STALLING and not link.is_silent:
            await self._changed.wait()

    @staticmethod
    async def _swallow(reader: asyncio.StreamReader) -> None:
        while await reader.read(_MOST):
            pass


def _reset(link: _Link) -> None:
    """End both sides at once, as a firewall or a crashed machine does."""
    for writer in link.writers:
        connection = writer.get_extra_info("socket")
        if connection is not None and connection.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        writer.transport.abort()


@contextlib.contextmanager
def proxied(*urls: str) -> Iterator[list[Proxy]]:
    """Have a proxy before each server for a `with` block."""
    with contextlib.ExitStack() as stack:
        proxies = []
        for url in urls:
            proxy = Proxy(url)
            stack.callback(proxy.close)
            proxies.append(proxy)
        yield proxies
