"""The proxy does to connections what its modes say; the tests of broken connections rest on it."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.proxy import Mode, Proxy, proxied

SILENCE = 0.3  # seconds without a byte that count as silence


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while piece := self.request.recv(1024):
            self.request.sendall(piece)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that is reset is what these tests are about."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy before a server that sends back what it gets."""
    with _Server(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with proxied(f"redis://127.0.0.1:{server.server_address[1]}/0") as [proxy]:
            yield proxy
        server.shutdown()


@pytest.fixture
def connect(proxy: Proxy) -> Iterator[Callable[[], socket.socket]]:
    """Open connections through the proxy, closed in the end."""
    opened = []

    def open_one() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=SILENCE)
        opened.append(connection)
        return connection

    yield open_one
    for connection in opened:
        connection.close()


Connect = Callable[[], socket.socket]


def answers(connection: socket.socket, text: bytes = b"ping") -> bool:
    """Tell whether what is sent comes back; False after some silence."""
    connection.sendall(text)
    try:
        return connection.recv(1024) == text
    except TimeoutError:
        return False


def test_it_passes_bytes_both_ways(proxy: Proxy, connect: Connect) -> None:
    """By itself it is not noticed."""
    connection = connect()
    assert answers(connection)
    assert answers(connection, b"again")
    assert proxy.connections == 1


def test_it_drops_with_a_reset(proxy: Proxy, connect: Connect) -> None:
    """Old and new connections are reset; after it passes again, new ones work."""
    old = connect()
    assert answers(old)
    proxy.set(Mode.DROPPING)
    with pytest.raises(ConnectionResetError):
        old.recv(1)
    with pytest.raises(ConnectionResetError):
        connect().recv(1)  # in either of the two
    proxy.set(Mode.PASSING)
    assert answers(connect())


def test_it_stalls_and_goes_on(proxy: Proxy, connect: Connect) -> None:
    """Nothing goes through, and nothing is lost: it arrives once it passes again."""
    old = connect()
    assert answers(old)
    proxy.set(Mode.STALLING)
    new = connect()
    assert not answers(old)
    assert not answers(new)
    proxy.set(Mode.PASSING)
    assert old.recv(1024) == b"ping"
    assert new.recv(1024) == b"ping"


def test_a_black_hole_keeps_what_was_connected(proxy: Proxy, connect: Connect) -> None:
    """What was connected stays silent even afterwards, and is not told; new connections work."""
    old = connect()
    assert answers(old)
    proxy.set(Mode.BLACK_HOLING)
    meanwhile = connect()
    assert not answers(old)
    assert not answers(meanwhile)
    proxy.set(Mode.PASSING)
    assert not answers(old)
    assert not answers(meanwhile)
    assert answers(connect())


def test_it_is_slow(proxy: Proxy, connect: Connect) -> None:
    """Each piece takes at least the delay each way."""
    connection = connect()
    assert answers(connection)
    proxy.set(Mode.SLOW)
    start = time.monotonic()
    assert answers(connection)
    assert time.monotonic() - start >= 0.1


def test_it_mutes(proxy: Proxy, connect: Connect) -> None:
    """What is sent arrives; one answer in some is a reset, and a new connection goes on."""
    proxy.set(Mode.MUTING)
    answered = 0
    for _ in range(3):
        connection = connect()
        with contextlib.suppress(ConnectionResetError):
            while answers(connection):
                answered += 1
    assert answered == 3 * 22


def test_its_address_is_the_servers_own(proxy: Proxy) -> None:
    """User, password and database stay; the place is the proxy's."""
    with proxied("amqp://me:p%40ss@host:5673/v%2Fh", "unix:///tmp/some.sock?db=0") as [amqp, unix]:
        assert amqp.url == f"amqp://me:p%40ss@127.0.0.1:{amqp.port}/v%2Fh"
        assert unix.url == f"redis://127.0.0.1:{unix.port}/0"
