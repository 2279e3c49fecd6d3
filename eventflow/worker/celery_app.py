"""The Celery app that carries the work, and each of its settings with the reason for it."""

import socket
from typing import Any

import billiard.pool
from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

from eventflow.settings import Settings
from eventflow.tls import broker_tls

__all__ = ["configure_app", "make_app"]

_REDIS_TRANSPORT = "eventflow.transport.redis_quick:Transport"
_CONSUMER = "eventflow.worker.consumer:Consumer"
_CONTROL = "eventflow.worker.control:Control"

_HEARTBEAT = 10  # seconds
_LAST_RESULTS = 30  # looks, of billiard's 0.1 seconds each
_VISIBILITY_TIMEOUT = 2 * 60 * 60  # seconds: above the lease of the longest timeout that may be


def make_app(settings: Settings) -> Celery:
    """Return a Celery app of eventflow's own, on the settings' broker."""
    app = Celery("eventflow", broker=settings.celery_broker_url)
    is_rabbitmq = not settings.celery_broker_url.startswith("redis")
    app.conf.update(
        # Said twice more, or CELERY_BROKER_URL in the environment would win over our settings, and
        # a worker read another broker than the publisher writes to.
        broker_read_url=settings.celery_broker_url,
        broker_write_url=settings.celery_broker_url,
        # Said in full, since kombu's own default for rediss:// checks nothing.
        broker_use_ssl=broker_tls(settings),
        **_giving_back(),
        **_staying_connected(settings),
        broker_transport_options=_rabbitmq() if is_rabbitmq else _redis(settings),
        # No result backend: outcomes are in the ledger, and a backend would cost a call each.
        task_ignore_result=True,
        # A misspelt queue is an error, not a queue that nobody reads.
        task_create_missing_queues=False,
        # Nothing is ever unpickled.
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        # Flower sees only what workers tell it.
        worker_send_task_events=settings.task_events,
        task_send_sent_event=False,
        worker_hijack_root_logger=True,
        worker_redirect_stdouts=False,
        timezone="UTC",
        enable_utc=True,
    )
    return app


def _giving_back() -> dict[str, Any]:
    """What becomes of a message whose worker ends, fails or loses its connection."""
    return {
        # A message is acknowledged once its list is through, and is back on its queue the moment that
        # a pool's process dies, and on RabbitMQ the moment that a connection does: so the neighbours
        # of a delivery that killed its worker wait for nothing. A message that comes twice does no
        # harm, and one that comes again and again is ended: the ledger's claim passes over what is
        # leased or done, and counts attempts. eventflow's own tasks say the same for themselves
        # (tasks.py), since a joined app may have decided otherwise for its own.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # A failure is written in the ledger, which has it tried again; the message is through.
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        # As many messages in hand as can run (on RabbitMQ: for each queue), so that a slow delivery
        # keeps few others waiting, and little is given back by a worker that stops. With a list in
        # each message, more would buy nothing.
        "worker_prefetch_multiplier": 1,
        # What runs when the connection is lost goes on: its outcome goes to the ledger, not to the
        # broker, and its message, given to another worker meanwhile, is passed over there.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # SIGTERM is Celery's warm shutdown, never remapped to SIGQUIT: what runs is finished, which a
        # target's timeout bounds; what has not begun is given back. A soft shutdown would cut off
        # what runs, and so spend one of its attempts.
        "worker_soft_shutdown_timeout": 0.0,
    }


def _staying_connected(settings: Settings) -> dict[str, Any]:
    """How a worker holds on to its broker, and a publisher lets go."""
    return {
        # However long the broker is away, its workers are there when it comes back; Celery would
        # give up after a hundred tries.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # Nor do they end when it closes a channel: one message unacknowledged for too long, say.
        "broker_channel_error_retry": True,
        # RabbitMQ: a connection that is open and dead is noticed in two to three heartbeats.
        "broker_heartbeat": _HEARTBEAT,
        # Nothing that a publisher calls blocks for longer than it said.
        "broker_connection_timeout": settings.publish_deadline,
        "broker_pool_acquire_timeout": settings.publish_deadline,
    }


def _redis(settings: Settings) -> dict[str, Any]:
    return {
        # One list for each queue: its length is the queue's depth, and BRPOP reads fewer keys.
        "priority_steps": [0],
        # What a killed worker had in hand comes back after this. Nobody waits for it: the mover has
        # sent it again long before. Much shorter, and long lists would come back while they run.
        "visibility_timeout": _VISIBILITY_TIMEOUT,
        # Without these a broker that is up but silent blocks for ever.
        "socket_timeout": max(settings.publish_deadline, 2.0),
        "socket_connect_timeout": settings.publish_deadline,
        "socket_keepalive": True,
        # A worker that waits on a connection that is open and dead notices it after twice as long,
        # and a second: the best-known way for a Celery worker to be alive and consume nothing.
        "health_check_interval": _HEARTBEAT,
    }


def _rabbitmq() -> dict[str, Any]:
    # `confirm_publish` stays off: it would have Celery wait for each event that it tells Flower.
    # What eventflow sends goes over connections of its own, which confirm (transport/rabbitmq.py).
    options: dict[str, Any] = {
        # A broker that is up but silent does not block a worker that asks it something.
        "read_timeout": 2 * _HEARTBEAT,
        "write_timeout": 2 * _HEARTBEAT,
    }
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # How long what was sent may be unanswered by the other machine. py-amqp takes one second,
        # and so any hiccup of the network for a broken connection.
        options["socket_settings"] = {socket.TCP_USER_TIMEOUT: _HEARTBEAT * 1000}
    return options


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
    # A pool's process that ends waits until its parent has read all its results. A parent that ends too
    # has sometimes stopped reading, and the process waits for half a minute, in which a supervisor
    # loses patience. The outcomes are in the ledger before they are results: some seconds are enough.
    billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = _LAST_RESULTS
