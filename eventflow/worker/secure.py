"""What keeps any app, own or joined, safe on its way to the broker, and silent about passwords.

kombu 5.7 connects to `rediss://` without checks unless told otherwise, Celery tells whoever asks a
worker (Flower, `celery inspect`) how it connects, passwords in an address's query among it, and all
workers on a Redis share their notes of what each has in hand.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery
from celery.signals import celeryd_init
from celery.worker.control import Panel
from kombu.transport import TRANSPORT_ALIASES

from eventflow.addresses import mask_values
from eventflow.settings import Settings
from eventflow.tls import broker_tls
from eventflow.transport.unacked import NO_QUEUES, unacked_keys

__all__ = ["secure_app"]

_AMQPS_TRANSPORT = "eventflow.transport.amqps_transport:Transport"
_log = logging.getLogger("eventflow.worker")
_PICKLES = {"pickle", "application/x-python-serialize"}
_TELLING = ("conf", "dump_conf", "stats")


def secure_app(app: Celery, settings: Settings, *, is_joined: bool) -> None:
    """Have *app*'s connections to its broker checked, and its workers' answers masked.

    A joined app keeps what its owner said of TLS; where that is nothing, the checks are on.

    Args:
        app: The Celery app.
        settings: Name the files of certificates.
        is_joined: Whether the app is a user's own: then its workers' notes stay where they are.
    """
    url = str(app.conf.broker_url or "")
    if not app.conf.broker_use_ssl and "ssl_" not in url:
        app.conf.broker_use_ssl = broker_tls(settings, url) if url else None
    if _PICKLES & set(app.conf.accept_content or ()):
        _log.warning(
            "this Celery app accepts pickle: whoever can write to its broker can run any code in its "
            "workers. eventflow's messages are JSON; set accept_content to ['json'] if yours are",
            extra={"action": "pickle_accepted"},
        )
    TRANSPORT_ALIASES["amqps"] = _AMQPS_TRANSPORT
    for name in _TELLING:
        command = Panel.data.get(name)
        if command is not None and not hasattr(command, "__wrapped__"):
            Panel.data[name] = _masked(command)
    if not is_joined and not str(app.conf.broker_url).startswith("amqp"):
        app.eventflow_notes = _NotesApart(app)  # kept here, since signals hold receivers weakly
        celeryd_init.connect(app.eventflow_notes.on_init, weak=True)


class _NotesApart:
    """Gives the workers of each set of queues notes of their own."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._options = dict(app.conf.broker_transport_options or {})
        self._use((NO_QUEUES,))

    def on_init(self, instance: Any = None, options: Any = None, **_: Any) -> None:
        """Set kombu's options for the queues that this worker was told to read."""
        if instance is None or instance.app is not self._app:
            return
        asked = (options or {}).get("queues") or ""
        queues = asked.split(",") if isinstance(asked, str) else asked
        self._use([name for name in queues if name] or ["all"])

    def _use(self, queues: Sequence[str]) -> None:
        self._app.conf.broker_transport_options = {**unacked_keys(queues), **self._options}


def _masked(command: Callable[..., Any]) -> Callable[..., Any]:
    def answer(*arguments: Any, **options: Any) -> Any:
        return mask_values(command(*arguments, **options))

    answer.__wrapped__ = command  # type: ignore[attr-defined]
    answer.__doc__ = command.__doc__
    return answer
