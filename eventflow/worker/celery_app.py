"""The Celery app that carries the work, and each of its settings with the reason for it."""

from typing import Any

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

from eventflow.settings import Settings

__all__ = ["configure_app", "make_app"]

_REDIS_TRANSPORT = "eventflow.transport.redis_transport:Transport"
_CONSUMER = "eventflow.worker.consumer:Consumer"
_CONTROL = "eventflow.worker.control:Control"


def make_app(settings: Settings) -> Celery:
    """Return a Celery app of eventflow's own, on the settings' broker."""
    app = Celery("eventflow", broker=settings.celery_broker_url)
    app.conf.update(
        # Said twice more, or CELERY_BROKER_URL in the environment would win over our settings, and
        # a worker read another broker than the publisher writes to.
        broker_read_url=settings.celery_broker_url,
        broker_write_url=settings.celery_broker_url,
        # The ledger holds the truth: a message that is lost with its worker is found by the mover,
        # and late acknowledgement would run long deliveries twice past the visibility timeout.
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        # No result backend: outcomes are in the ledger, and a backend would cost a call each.
        task_ignore_result=True,
        # One message in hand beyond those that run: a slow delivery keeps few others waiting.
        worker_prefetch_multiplier=1,
        # A misspelt queue is an error, not a queue that nobody reads.
        task_create_missing_queues=False,
        # Nothing is ever unpickled.
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        # Flower sees only what workers tell it.
        worker_send_task_events=settings.task_events,
        task_send_sent_event=False,
        broker_connection_retry_on_startup=True,
        # One list for each queue: its length is the queue's depth, and BRPOP reads fewer keys.
        broker_transport_options={
            **_timeouts(settings),
            **({} if settings.celery_broker_url.startswith("amqp") else {"priority_steps": [0]}),
        },
        worker_hijack_root_logger=True,
        worker_redirect_stdouts=False,
        timezone="UTC",
        enable_utc=True,
    )
    return app


def configure_app(app: Celery) -> None:
    """Set on any app, own or joined, what keeps a worker going: garbage, a broker that goes away.

    A joined app keeps every setting that its owner chose.
    """
    if app.conf.worker_consumer in (None, "celery.worker.consumer:Consumer"):
        app.conf.worker_consumer = _CONSUMER
    if app.control_cls in (None, "celery.app.control:Control"):
        app.control_cls = _CONTROL
    # By kombu's table of names: for redis+socket:// it takes its transport from there alone, whatever
    # `broker_transport` says, and Flower knows a broker by the scheme of its address.
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = _REDIS_TRANSPORT


def _timeouts(settings: Settings) -> dict[str, Any]:
    if settings.celery_broker_url.startswith("amqp"):
        return {"confirm_publish": True}
    return {
        # Without these a broker that is up but silent blocks for ever.
        "socket_timeout": max(settings.publish_deadline, 2.0),
        "socket_connect_timeout": settings.publish_deadline,
        "socket_keepalive": True,
        "health_check_interval": 5,
    }
