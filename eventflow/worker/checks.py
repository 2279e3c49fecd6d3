"""Celery settings under which eventflow cannot keep its promise; a worker does not start on them.

They come from a joined app, mostly, whose owner chose them for tasks of another kind. What can be
said otherwise for eventflow's tasks alone is said there (tasks.py), and is no conflict.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.serialization import registry
from kombu.transport.redis import Channel as RedisChannel
from kombu.utils.imports import symbol_by_name

from eventflow.errors import StartError
from eventflow.rules import Target
from eventflow.settings import Settings
from eventflow.units import format_duration
from eventflow.worker.consumer import Consumer
from eventflow.worker.deliver import lease_seconds

__all__ = ["Conflict", "check_settings", "find_conflicts"]

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A setting that cannot be.

    Attributes:
        setting: Its name, as Celery has it.
        message: Why it cannot be, and what to do.
    """

    setting: str
    message: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.message}"


def check_settings(app: Celery, targets: Mapping[str, Target], settings: Settings) -> None:
    """Refuse what `find_conflicts` finds, all of it at once.

    Raises:
        StartError: When there is a conflict.
    """
    found = find_conflicts(app, targets, settings)
    if found:
        message = "\n  ".join(
            ["the Celery app has settings on which eventflow cannot work:", *map(str, found)]
        )
        raise StartError(message)


def find_conflicts(
    app: Celery, targets: Mapping[str, Target], settings: Settings
) -> list[Conflict]:
    """Return each setting of a Celery app that eventflow cannot work on.

    Args:
        app: The app, own or joined.
        targets: The targets that a worker of it may serve, by name.
        settings: eventflow's own settings.
    """
    return [
        *_find_for_any(app.conf),
        *_find_in_broker(app, targets, settings),
        *_find_in_consumer(app),
    ]


def _find_for_any(conf: Any) -> Iterator[Conflict]:
    if conf.task_always_eager:
        yield Conflict(
            "task_always_eager",
            "is on, so that a task runs where it is sent, within the publisher, and no worker gets "
            "one; set it to False, at least outside of tests",
        )
    if not any(_is_json(name) for name in conf.accept_content or ()):
        yield Conflict(
            "accept_content",
            f"is {sorted(conf.accept_content or ())}, without 'json', in which eventflow's messages "
            "are written; add 'json'",
        )
    if conf.task_protocol != 2:  # noqa: PLR2004 - Celery's name for it is a number
        yield Conflict(
            "task_protocol",
            f"is {conf.task_protocol}, and eventflow's messages are of protocol 2; leave it unset",
        )
    if conf.worker_prefetch_multiplier == 0:
        yield Conflict(
            "worker_prefetch_multiplier",
            "is 0, which is without limit: one worker would take all that is queued, and the others "
            "none; set it to 1",
        )


def _find_in_broker(
    app: Celery, targets: Mapping[str, Target], settings: Settings
) -> Iterator[Conflict]:
    kind = str(app.connection_for_read().transport.driver_type)
    if kind not in {"redis", "amqp"}:
        yield Conflict(
            "broker_url",
            f"names a broker of kind '{kind}'; eventflow works on Redis, Valkey and RabbitMQ",
        )
    if kind != "redis" or not targets:
        return
    options = app.conf.broker_transport_options or {}
    timeout = options.get("visibility_timeout", RedisChannel.visibility_timeout)
    longest = max(targets.values(), key=lambda target: target.timeout)
    lease = lease_seconds(longest, settings.lease_margin)
    if timeout <= lease:
        yield Conflict(
            "broker_transport_options['visibility_timeout']",
            f"is {format_duration(timeout)}, and a delivery to '{longest.name}' is leased for "
            f"{format_duration(lease)} (its timeout and a margin): Redis would have it handed out "
            "again and again while it runs. Set it above that, in every app on this broker, since "
            "the shortest counts",
        )


def _find_in_consumer(app: Celery) -> Iterator[Conflict]:
    consumer = symbol_by_name(app.conf.worker_consumer)
    if not issubclass(consumer, Consumer):
        yield Conflict(
            "worker_consumer",
            f"is {consumer.__module__}.{consumer.__qualname__}, which would let unreadable messages "
            "vanish; derive that class from eventflow.worker.consumer.Consumer, or leave it unset",
        )


def _is_json(name: str) -> bool:
    return name == _JSON or registry.name_to_type.get(name) == _JSON
