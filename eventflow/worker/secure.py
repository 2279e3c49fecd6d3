"""What keeps any app, own or joined, safe on its way to the broker, and silent about passwords.

kombu 5.7 connects to `rediss://` without checks unless told otherwise, and Celery tells whoever asks
a worker (Flower, `celery inspect`) how it connects, passwords in an address's query among it.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.worker.control import Panel
from kombu.transport import TRANSPORT_ALIASES

from eventflow.addresses import mask_values
from eventflow.settings import Settings
from eventflow.tls import broker_tls

__all__ = ["secure_app"]

_AMQPS_TRANSPORT = "eventflow.transport.amqps_transport:Transport"
_TELLING = ("conf", "dump_conf", "stats")


def secure_app(app: Celery, settings: Settings) -> None:
    """Have *app*'s connections to its broker checked, and its workers' answers masked.

    A joined app keeps what its owner said of TLS; where that is nothing, the checks are on.

    Args:
        app: The Celery app.
        settings: Name the files of certificates.
    """
    url = str(app.conf.broker_url or "")
    if not app.conf.broker_use_ssl and "ssl_" not in url:
        app.conf.broker_use_ssl = broker_tls(settings, url) if url else None
    TRANSPORT_ALIASES["amqps"] = _AMQPS_TRANSPORT
    for name in _TELLING:
        command = Panel.data.get(name)
        if command is not None and not hasattr(command, "__wrapped__"):
            Panel.data[name] = _masked(command)


def _masked(command: Callable[..., Any]) -> Callable[..., Any]:
    def answer(*arguments: Any, **options: Any) -> Any:
        return mask_values(command(*arguments, **options))

    answer.__wrapped__ = command  # type: ignore[attr-defined]
    answer.__doc__ = command.__doc__
    return answer
