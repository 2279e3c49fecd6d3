"""Ports for servers of other processes: one that nobody knows, or one that is held meanwhile."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from eventflow.cli.ports import any_port, free_port
from eventflow.errors import StartError


@contextmanager
def _listening(port: int = 0) -> Iterator[int]:
    """Listen on a port, as Flower does."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_taken_as_asked() -> None:
    """A port that nobody uses is the one that is used, and its server can listen on it."""
    asked = any_port()

    with free_port(asked) as port:
        assert port == asked
        with _listening(port):
            pass


def test_the_next_free_port_is_used() -> None:
    """When somebody listens on the port asked for, one of the next is used."""
    with _listening() as taken, free_port(taken) as port:
        assert taken < port <= taken + 49


def test_a_port_is_given_once_before_its_server_listens() -> None:
    """Two that start at once have each a port of their own, though nobody listens on either yet."""
    asked = any_port()

    with free_port(asked) as first, free_port(asked) as second:
        assert first == asked
        assert first < second <= first + 49
    with free_port(asked) as again:
        assert again == asked, "it is not held for longer than its server is wanted"


def test_ports_end_at_the_last() -> None:
    """The search ends at port 65535, with a message that names the setting."""
    wanted = pytest.raises(StartError, match="from 65535 to 65535 are taken: set EVENTFLOW_FLOWER")
    with _listening(65535), wanted, free_port(65535):
        pass


def test_any_port_is_hardly_ever_the_same() -> None:
    """Those who start one after the other do not reach each other's server."""
    ports = [any_port() for _ in range(20)]

    assert len(set(ports)) > 1
    with _listening(ports[-1]) as port:
        assert port == ports[-1]
