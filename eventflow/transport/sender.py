"""Sending messages: all of a list in one go, so that what is said to be sent is on its queue."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Protocol, TypeVar

from amqp.exceptions import AccessRefused, PreconditionFailed
from celery import Celery
from kombu.exceptions import KombuError, OperationalError
from kombu.pools import ProducerPool

from eventflow.errors import QueueError, TransportError
from eventflow.settings import mask_url
from eventflow.tls import tls_advice
from eventflow.transport.messages import Message
from eventflow.transport.queues import make_queue
from eventflow.transport.rabbitmq import Line, Lines
from eventflow.transport.wire import Wire

__all__ = ["Message", "MessageSender", "Sender"]

_SILENCE = 2.0  # seconds
_MOST_PRODUCERS = 10  # of one process, where the app does not say
T = TypeVar("T")


class MessageSender(Protocol):
    """What the workers and the publisher ask of a broker; `Sender` says what each does."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send all *messages*."""

    def post(self, messages: Sequence[Message]) -> None:
        """Send *messages* that may be lost, without waiting for the broker where it takes long."""

    def depth(self, queue: str) -> int:
        """Return how many messages wait on *queue*."""

    def declare(self, queues: Iterable[str]) -> None:
        """Have queues exist."""


class Sender:
    """Sends to the broker of one Celery app. Safe in threads and after a fork.

    Args:
        celery: The app.
        silence: Seconds that the broker may be silent before it counts as away.

    Attributes:
        wire: Writes its messages as they lie on a Redis list.
    """

    def __init__(self, celery: Celery, *, silence: float = _SILENCE) -> None:
        self._celery = celery
        self._silence = silence
        self._queues: dict[str, Any] = {}
        # By process: Celery's own pool is the parent's after an os.fork(), with the locks that its
        # threads held.
        self._producers: dict[int, ProducerPool] = {}
        self._lines = Lines(celery, silence=silence)
        self.wire = Wire(celery, self._send_one)

    @cached_property
    def is_rabbitmq(self) -> bool:
        """Whether the broker is RabbitMQ."""
        return bool(self._celery.connection_for_write().transport.driver_type == "amqp")

    def send(self, messages: Sequence[Message]) -> None:
        """Send all *messages*.

        On RabbitMQ each is confirmed by the broker, and one whose queue does not exist has it made.

        Raises:
            TransportError: When the broker cannot be reached; some may have gone. What they name
                is in the ledger all the same, and is sent again by the mover.
        """
        if not messages:
            return
        if self.is_rabbitmq:
            self._on_line(partial(self._send_confirmed, messages))
            return
        written = self._write(messages)
        try:
            with self._pool().acquire(block=True, timeout=self._silence) as producer:
                if written:
                    _push(written, producer.channel)
                    return
                if len(messages) == 1:
                    self._send_one(messages[0], producer)
                    return
                with producer.batch():
                    for message in messages:
                        self._send_one(message, producer)
        except self._errors() as error:
            raise self._failure(error) from error

    def post(self, messages: Sequence[Message]) -> None:
        """Send *messages*, as `send` does, without waiting for the broker to confirm them.

        On RabbitMQ their confirmation is awaited when the next ones are posted on the same line, so
        that a broker that went silent is noticed then; what came back, since its queue is gone, goes
        once more with those. What nobody posts again after is the mover's.

        Raises:
            TransportError: As `send`; also where the broker would not keep what was posted before.
        """
        if messages and self.is_rabbitmq:
            self._on_line(partial(self._post, messages))
        else:
            self.send(messages)

    def depth(self, queue: str) -> int:
        """Return how many messages wait on *queue*; 0 where there is none of that name.

        Raises:
            TransportError: When the broker cannot be reached.
        """
        if self.is_rabbitmq:
            return self._on_line(lambda line: line.depth(queue))
        try:
            with self._celery.connection_or_acquire() as connection:
                declared = self._queue(queue)(connection.default_channel).queue_declare()
                return int(declared.message_count)
        except self._errors() as error:
            raise self._failure(error) from error

    def declare(self, queues: Iterable[str]) -> None:
        """Have queues exist, where a broker needs that; on Redis they are there when used.

        Raises:
            QueueError: When the broker refuses one; it is named, with what to do.
            TransportError: When the broker cannot be reached.
        """
        if self.is_rabbitmq:
            for queue in queues:
                self._on_line(partial(self._declare, queue))

    def _write(self, messages: Sequence[Message]) -> dict[str, list[bytes]]:
        """Return the entries for each queue's list; none where Celery is to send them all."""
        entries: dict[str, list[bytes]] = {}
        for message in messages:
            entry = self.wire.write(message)
            if entry is None:
                return {}
            entries.setdefault(message.queue, []).append(entry)
        return entries

    def _pool(self) -> ProducerPool:
        pool = self._producers.get(os.getpid())
        if pool is None:
            limit = self._celery.conf.broker_pool_limit or _MOST_PRODUCERS
            connections = self._celery.connection_for_write().Pool(limit=limit)
            pool = self._producers.setdefault(os.getpid(), ProducerPool(connections, limit=limit))
        return pool

    def _on_line(self, use: Callable[[Line], T]) -> T:
        try:
            return self._lines.use(use)
        except self._errors() as error:
            raise self._failure(error) from error

    def _post(self, messages: Sequence[Message], line: Line) -> None:
        missing = line.settle()
        messages = [*(one for one in line.posted if one.queue in missing), *messages]
        line.posted = ()
        if _queues_of(messages) <= line.known:
            self._publish(messages, line)
            line.posted = messages
        else:
            self._send_confirmed(messages, line)

    def _send_confirmed(self, messages: Sequence[Message], line: Line) -> None:
        unanswered, line.posted = [*line.posted, *messages], ()
        self._publish(messages, line)
        if missing := line.settle():
            for queue in sorted(missing):
                self._declare(queue, line)
            self._publish([one for one in unanswered if one.queue in missing], line)
            missing = line.settle()
        if missing:
            names = ", ".join(repr(name) for name in sorted(missing))
            message = (
                f"the broker at {self._place()} has no queue {names}, although it was just "
                "declared: does something delete queues there, such as an expiry policy?"
            )
            raise TransportError(message)
        line.known |= _queues_of(messages)

    def _publish(self, messages: Sequence[Message], line: Line) -> None:
        line.publish(messages, partial(self._send_one, mandatory=True))

    def _declare(self, queue: str, line: Line) -> None:
        try:
            line.declare(self._queue(queue))
        except AccessRefused as error:
            message = (
                f"the broker at {self._place()} has no queue '{queue}' that this user could "
                f"declare: {error}. Start a worker for it whose user may, or give this one the "
                f"permission to configure it: rabbitmqctl set_permissions"
            )
            raise QueueError(message) from error
        except PreconditionFailed as error:
            message = (
                f"the broker at {self._place()} has another queue '{queue}' than eventflow needs: "
                f"{error}. Stop its workers and delete it (rabbitmqctl delete_queue {queue}); the "
                "next worker makes it anew, and what was on it is sent again"
            )
            raise QueueError(message) from error

    def _send_one(self, message: Message, producer: Any, **options: bool) -> None:
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
            # A queue is declared by those who read it, and by `send` when it turns out to be missing;
            # asking each time would cost a round trip, and a permission that a publisher needs not.
            declare=[],
            # A message is no child of the task that happens to send it: no tree, no shared root.
            root_id=message.task_id,
            add_to_parent=False,
            **options,
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

    def _place(self) -> str:
        return mask_url(str(self._celery.conf.broker_url))

    def _failure(self, error: Exception) -> TransportError:
        message = (
            f"the broker at {self._place()} cannot be used: {error}. Is it running? `eventflow up` "
            "starts one here; EVENTFLOW_BROKER_URL names another"
        )
        message += tls_advice(str(self._celery.conf.broker_url), error)
        return TransportError(message)


def _queues_of(messages: Iterable[Message]) -> set[str]:
    return {message.queue for message in messages}


def _push(entries: Mapping[str, Sequence[bytes]], channel: Any) -> None:
    """Put entries on their lists in one round trip, as kombu does with each."""
    with channel.conn_or_acquire() as client:
        if len(entries) == 1:
            [(queue, own)] = entries.items()
            client.lpush(queue, *own)
            return
        with client.pipeline(transaction=False) as pipeline:
            for queue, own in entries.items():
                pipeline.lpush(queue, *own)
            pipeline.execute()
