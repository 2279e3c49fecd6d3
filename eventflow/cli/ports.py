"""Ports of the loopback address: one that nobody knows, or one at a known place, held meanwhile."""

import errno
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from eventflow.errors import StartError

__all__ = ["any_port", "free_port"]

_PORTS = 50
_LOOPBACK = "127.0.0.1"
_TAKEN = frozenset({errno.EADDRINUSE, errno.EACCES})


def any_port() -> int:
    """Return a port that nobody listens on, hardly ever the same one again.

    For a server whose address only its own processes are to know.
    """
    with closing(socket.socket()) as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def free_port(first: int) -> Iterator[int]:
    """Find the first port from *first* on that nobody listens on, for a server of another process.

    That server needs a while until it listens, and may be started again. So as long as the block
    runs, no other caller on this machine gets the port: the UDP port of its number, which no server
    here uses, is held. The system gives it back however this process ends.

    Args:
        first: 1 to 65535.

    Yields:
        A port among the 50 from *first* on.

    Raises:
        StartError: When all of them are taken.
    """
    last = min(first + _PORTS, 65536) - 1
    for port in range(first, last + 1):
        with closing(socket.socket(type=socket.SOCK_DGRAM)) as claim:
            if _binds(claim, port) and _is_free(port):
                yield port
                return
    message = f"all ports from {first} to {last} are taken: set EVENTFLOW_FLOWER_PORT to a free one"
    raise StartError(message)


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        # As Flower binds: a port in its last minute after use is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _binds(probe, port)


def _binds(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((_LOOPBACK, port))
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True
