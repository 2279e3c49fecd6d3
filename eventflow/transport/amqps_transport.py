"""kombu's transport for `amqps://`, made to check each broker against its own name.

kombu 5.7 writes the first broker's host name into the options of TLS, which all brokers of an
address share: after a failover it would look for that name in another server's certificate.
"""

from typing import Any

from kombu.transport import pyamqp

__all__ = ["Transport"]


class Transport(pyamqp.SSLTransport):
    """kombu's transport, with options of TLS that are each connection's own."""

    def establish_connection(self) -> Any:
        """Connect, and check the name of the host that this connection goes to."""
        client: Any = self.client
        asked = client.ssl
        if isinstance(asked, dict) and asked.get("server_hostname", "") is None:
            client.ssl = dict(asked)
        try:
            return super().establish_connection()  # type: ignore[no-untyped-call]
        finally:
            client.ssl = asked
