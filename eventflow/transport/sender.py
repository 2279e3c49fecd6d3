"""Sending messages: through Celery's own producer, all of a list in one round trip where it can."""

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from eventflow.errors import TransportError
from eventflow.settings import mask_url
from eventflow.tls import tls_advice
from eventflow.transport.messages import Message
from eventflow.transport.queues import make_queue

__all__ = ["Message", "Sender"]


class Sender:
    """Sends to the broker of one Celery app. Safe in threads and after a fork, as its pool is."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._queues: dict[str, Any] = {}

    def send(self, messages: Sequence[Message]) -> None:
        """Send all *messages*.

        Raises:
            TransportError: When the broker cannot be reached; some may have gone. What they name
                is in the ledger all the same, and is sent again by the mover.
        """
        if not messages:
            return
        try:
            with self._celery.producer_or_acquire() as producer:
                if len(messages) == 1:
                    self._send_one(messages[0], producer)
                    return
                with producer.batch():
                    for message in messages:
                        self._send_one(message, producer)
        except self._errors() as error:
            raise self._failure(error) from error

    def depth(self, queue: str) -> int:
        """Return how many messages are on *queue*.

        Raises:
            TransportError: When the broker cannot be reached.
        """
        try:
            with self._celery.connection_for_read() as connection:
                channel = connection.default_channel
                declared = self._queue(queue)(channel).queue_declare(passive=False)
                return int(declared.message_count)
        except self._errors() as error:
            raise self._failure(error) from error

    def _send_one(self, message: Message, producer: Any) -> None:
        self._celery.send_task(
            message.task,
            args=message.args,
            task_id=message.task_id,
            queue=self._queue(message.queue),
            producer=producer,
            shadow=message.shadow,
            argsrepr=message.shown,
            kwargsrepr="{}",
            retries=message.retries,
            ignore_result=True,
            # Said here, since a joined app may have another default.
            serializer="json",
            retry=False,
            # A message is no child of the task that happens to send it: no tree, no shared root.
            root_id=message.task_id,
            add_to_parent=False,
        )

    def _queue(self, name: str) -> Any:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = make_queue(name)
        return queue

    def _errors(self) -> tuple[type[Exception], ...]:
        connection = self._celery.connection_for_write()
        transport = (*connection.connection_errors, *connection.channel_errors)
        return (KombuError, OperationalError, OSError, *transport)

    def _failure(self, error: Exception) -> TransportError:
        place = mask_url(str(self._celery.conf.broker_url))
        message = (
            f"the broker at {place} cannot be used: {error}. Is it running? `eventflow up` starts "
            "one here; EVENTFLOW_BROKER_URL names another"
        )
        message += tls_advice(str(self._celery.conf.broker_url), error)
        return TransportError(message)
