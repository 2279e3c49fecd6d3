"""Servers of the tests that speak TLS: Redis, RabbitMQ and PostgreSQL."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.integration.postgres import PostgresServer
from tests.ports import free_port
from tests.security.authority import Authority, Pair
from tests.servers import RabbitServer, RedisServer, rabbitmq

__all__ = ["TlsPostgres", "TlsRabbit", "TlsRedis", "running_rabbitmq", "running_redis"]


class TlsRedis:
    """The system's redis-server, with a port for TLS beside the plain one.

    Args:
        place: Its own folder.
        pair: Its certificate and key.
        authority: Whose clients it accepts; None asks them for no certificate.
        options: Further options.
    """

    def __init__(
        self, place: Path, pair: Pair, authority: Authority | None = None, *options: str
    ) -> None:
        self.tls_port = free_port()
        trusted = pair.certificate if authority is None else authority.file
        values = {
            "tls-port": self.tls_port,
            "tls-cert-file": pair.certificate,
            "tls-key-file": pair.key,
            "tls-ca-cert-file": trusted,
            "tls-auth-clients": "no" if authority is None else "yes",
        }
        tls = [part for name, value in values.items() for part in (f"--{name}", str(value))]
        self.server = RedisServer(place, (*tls, *options))

    def url(self, host: str = "localhost", query: str = "") -> str:
        """Its address with TLS."""
        return f"rediss://{host}:{self.tls_port}/0{query}"

    @property
    def plain_url(self) -> str:
        """Its address without TLS."""
        return self.server.url


@contextlib.contextmanager
def running_redis(
    pair: Pair, authority: Authority | None = None, *options: str
) -> Iterator[TlsRedis]:
    """Have a Redis with TLS for a `with` block."""
    place = Path(tempfile.mkdtemp(prefix="ef-tls-"))
    server = TlsRedis(place, pair, authority, *options)
    try:
        server.server.start()
        yield server
    finally:
        server.server.stop()
        shutil.rmtree(place, ignore_errors=True)


class TlsPostgres:
    """A PostgreSQL that listens on a port, and takes nobody there without TLS.

    Args:
        server: The server, which listens on its socket alone so far.
        pair: Its certificate and key.
        is_plain: Whether it speaks no TLS after all.
    """

    def __init__(self, server: PostgresServer, pair: Pair, *, is_plain: bool = False) -> None:
        self.port = free_port()
        self._server = server
        data = server._data
        for source, name in ((pair.certificate, "server.crt"), (pair.key, "server.key")):
            shutil.copy(source, data / name)
            owner = data.stat()
            os.chown(data / name, owner.st_uid, owner.st_gid)
            (data / name).chmod(0o600)
        with (data / "postgresql.conf").open("a") as lines:
            lines.write(f"\nssl = {'off' if is_plain else 'on'}\nport = {self.port}\n")
        kind = "host" if is_plain else "hostssl"
        (data / "pg_hba.conf").write_text(
            f"local all all trust\n{kind} all all 127.0.0.1/32 trust\n"
        )
        server.stop()
        server.start(listen="127.0.0.1")

    def url(self, host: str = "localhost", query: str = "") -> str:
        """Its address on its port."""
        return f"postgresql://tester:of-the-tests@{host}:{self.port}/postgres{query}"


class TlsRabbit:
    """A RabbitMQ with a port for TLS beside the plain one.

    Args:
        pair: Its certificate and key.
        authority: The CA that signed it.
    """

    def __init__(self, pair: Pair, authority: Authority) -> None:
        self.tls_port = free_port()
        self.node = RabbitServer(
            f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
            f"ssl_options.cacertfile = {authority.file}\n"
            f"ssl_options.certfile = {pair.certificate}\n"
            f"ssl_options.keyfile = {pair.key}\n"
        )

    def url(self, host: str = "127.0.0.1", query: str = "") -> str:
        """Its address with TLS."""
        return f"amqps://{rabbitmq.USER}:{rabbitmq.PASSWORD}@{host}:{self.tls_port}/{query}"


@contextlib.contextmanager
def running_rabbitmq(pair: Pair, authority: Authority) -> Iterator[TlsRabbit]:
    """Have a RabbitMQ with TLS for a `with` block."""
    server = TlsRabbit(pair, authority)
    try:
        server.node.start()
        yield server
    finally:
        server.node.remove()
