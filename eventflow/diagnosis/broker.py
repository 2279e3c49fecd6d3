"""Judging the broker: whether it answers, and whether its queues are as they should be."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError

from eventflow.delivery import ServerFacts, read_server
from eventflow.diagnosis.finding import Finding
from eventflow.errors import TransportError
from eventflow.transport import make_queue

__all__ = [
    "OLDEST_RABBITMQ",
    "BrokerFacts",
    "judge_broker",
    "judge_visibility",
    "read_broker",
    "read_broker_server",
]

OLDEST_RABBITMQ = (3, 10)
"""The first whose quorum queues keep to a delivery limit and take requeued messages in order."""

_ANSWER_WITHIN = 3.0
_WHERE = "broker"


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """What a broker says of itself.

    Attributes:
        rabbitmq: RabbitMQ's version; empty for another broker.
        unfit: Queues that somebody declared with other arguments, and RabbitMQ's words for it.
    """

    rabbitmq: str = ""
    unfit: dict[str, str] = field(default_factory=dict)


def read_broker(app: Celery, queues: Sequence[str]) -> BrokerFacts:
    """Ask the broker of *app*.

    Args:
        app: The Celery app.
        queues: The queues that should be there.

    Raises:
        TransportError: When it does not answer.
    """
    with app.connection_for_read(connect_timeout=_ANSWER_WITHIN) as connection:
        errors = (KombuError, OSError, *connection.connection_errors)
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_ANSWER_WITHIN)
            if connection.transport.driver_type != "amqp":
                return BrokerFacts()
            properties = connection.connection.server_properties
            unfit = {
                name: fault
                for name in queues
                if (fault := _find_fault(connection, name)) is not None
            }
            return BrokerFacts(str(properties.get("version", "")), unfit)
        except errors as error:
            message = f"{connection.as_uri()} does not answer: {error}"
            raise TransportError(message) from error


def read_broker_server(app: Celery) -> ServerFacts:
    """Ask the Redis that is the broker of *app*.

    Args:
        app: The Celery app.

    Raises:
        LedgerError: When it does not answer, or this user may not ask.
    """
    with app.connection_for_read(connect_timeout=_ANSWER_WITHIN) as connection:
        return read_server(connection.default_channel.client)


def _find_fault(connection: Any, name: str) -> str | None:
    """Return why a queue that is there cannot be declared as ours; one that is not, is not made."""
    for is_passive in (True, False):
        channel = connection.channel()
        try:
            make_queue(name)(channel).queue_declare(passive=is_passive)
        except connection.channel_errors as error:
            # RabbitMQ has closed the channel.
            return None if is_passive else " ".join(str(error).split())
        finally:
            with suppress(*connection.channel_errors, *connection.connection_errors):
                channel.close()
    return None


def judge_broker(facts: BrokerFacts) -> Iterator[Finding]:
    """Judge the broker.

    Args:
        facts: What it says of itself.

    Yields:
        What is wrong.
    """
    numbers = tuple(int(part) for part in re.findall(r"\d+", facts.rabbitmq)[:2])
    if numbers and numbers < OLDEST_RABBITMQ:
        oldest = ".".join(str(number) for number in OLDEST_RABBITMQ)
        message = f"RabbitMQ {facts.rabbitmq} is too old"
        yield Finding("rabbitmq-old", _WHERE, message, f"run {oldest} or later")
    for name, fault in sorted(facts.unfit.items()):
        message = f"it was declared with other arguments than eventflow's: {fault}"
        advice = (
            "let it run empty, stop its workers and delete it (`rabbitmqctl delete_queue "
            f"{name}`): the next worker makes it anew"
        )
        yield Finding("queue-arguments", f"queue {name}", message, advice)


def judge_visibility(seconds: float | None, lease: float, target: str) -> Iterator[Finding]:
    """Judge a Redis broker's visibility timeout.

    Args:
        seconds: The timeout; None where the broker has none.
        lease: The longest lease of a delivery.
        target: Whose it is.

    Yields:
        What is wrong.
    """
    if seconds is None or seconds > lease:
        return
    message = (
        f"visibility_timeout is {seconds:.0f} s, and a delivery of the target '{target}' may take "
        f"{lease:.0f} s: its message is handed out again while it runs"
    )
    advice = "raise visibility_timeout in broker_transport_options, or lower the target's timeout"
    yield Finding("visibility-timeout", _WHERE, message, advice)
