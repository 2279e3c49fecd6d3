"""The consumer: what cannot be read or run becomes a dead letter, and the worker goes on.

Plain Celery 5.7 deletes such messages (or dies of them). Only queues of eventflow's are treated so;
what arrives on another queue of a shared app is Celery's own affair. Leans on the names of Celery's
`Consumer` that it overrides and on kombu's `Consumer._active_tags`; a unit test fails when one is
gone, and the test that pushes garbage when one means something else.
"""

import logging
import time
import uuid
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from amqp.exceptions import NotFound, RecoverableConnectionError
from celery.worker import state
from celery.worker.consumer import Consumer as CeleryConsumer
from celery.worker.consumer.delayed_delivery import DelayedDelivery as CeleryDelayedDelivery
from vine import promise

from eventflow.errors import LedgerError, TransportError
from eventflow.events import DEFAULT_BUS
from eventflow.records import DeadLetter, Reason
from eventflow.transport import record_message
from eventflow.transport.messages import CANARY
from eventflow.transport.queues import GIVE_UP_AFTER
from eventflow.transport.redis_transport import LIST, UNDECODABLE
from eventflow.transport.wakeups import ARGUMENTS, fits_task
from eventflow.worker.context import WorkerContext
from eventflow.worker.letters import letter_of_message
from eventflow.worker.wakeful import keep_wakeful

__all__ = ["Consumer", "DelayedDelivery", "find_fault"]

_log = logging.getLogger("eventflow.consumer")
_BURY_AGAIN = 2.0  # seconds
_LOOK_AFTER = 10.0  # seconds
_GATHER = 0.1  # seconds: how long what Flower is told of tasks may wait to be told together
_DELAYED_DELIVERY = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


def find_fault(message: Any, tasks: Any) -> tuple[Reason, str] | None:
    """Return why a message cannot be run, None when it can.

    Args:
        message: kombu's message.
        tasks: The app's tasks, by name.
    """
    if message.content_type == UNDECODABLE:
        return Reason.UNDECODABLE, "this is no Celery message"
    headers = message.headers if isinstance(message.headers, dict) else {}
    name = headers.get("task")
    if not isinstance(name, str) or not isinstance(headers.get("id"), str):
        return Reason.UNDECODABLE, "the message's headers name no task and id"
    if name not in tasks:
        return Reason.UNKNOWN_TASK, f"this worker has no task {name!r}"
    return _find_fault_of_body(message, name)


def _find_fault_of_body(message: Any, name: str) -> tuple[Reason, str] | None:
    try:
        args, kwargs, _embedded = message.decode()
    except Exception as error:  # noqa: BLE001 - anything may be in there, and nothing may escape
        return Reason.UNDECODABLE, f"the message's body cannot be read: {error}"
    if not isinstance(args, list | tuple) or not isinstance(kwargs, dict):
        return Reason.UNDECODABLE, "the message's body holds no arguments"
    if not fits_task(name, args, kwargs):
        return Reason.UNDECODABLE, f"the message's arguments are not those of {name}"
    return None


class DelayedDelivery(CeleryDelayedDelivery):  # type: ignore[misc]  # celery has no types
    """Celery's native delayed delivery, left to a joined app that has quorum queues of its own.

    Celery sets it up wherever it sees a quorum queue: 28 queues and as many exchanges, of which
    eventflow needs none, since what waits, waits in the ledger.
    """

    def include_if(self, c: Any) -> bool:
        """Return whether a queue that is not eventflow's asks for it."""
        context: WorkerContext | None = getattr(c.app, "eventflow_context", None)
        own = context.own_queues if context is not None else frozenset()
        is_asked_for = any(
            (queue.queue_arguments or {}).get("x-queue-type") == "quorum"
            for name, queue in c.app.amqp.queues.items()
            if name not in own
        )
        return is_asked_for and bool(super().include_if(c))


class Consumer(CeleryConsumer):  # type: ignore[misc]  # celery has no types
    """Celery's consumer, with a look at each message before it is taken."""

    class Blueprint(CeleryConsumer.Blueprint):  # type: ignore[misc]  # celery has no types
        """Celery's steps, with that one in place of its own."""

        default_steps = [  # noqa: RUF012 - Celery's name for it
            f"{__name__}:DelayedDelivery" if step == _DELAYED_DELIVERY else step
            for step in CeleryConsumer.Blueprint.default_steps
        ]

    _held = 0  # messages that wait to become dead letters
    _received = 0
    _received_before = -1
    _waiting_before: AbstractSet[str] = frozenset()
    _telling_at = 0.0  # when what has happened to tasks is to be told, by time.monotonic()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._tell_soon = promise(self._plan_telling)

    def register_with_event_loop(self, hub: Any) -> None:
        """Register with Celery's loop; on RabbitMQ keep it wakeful, and look after the queues."""
        super().register_with_event_loop(hub)
        if self.connection.transport.driver_type == "amqp":
            keep_wakeful(hub)
            hub.timer.call_repeatedly(_LOOK_AFTER, self._look_after_queues)

    def on_send_event_buffered(self) -> None:
        """Have what happened to tasks told together, instead of in a message each; from any thread."""
        if self.hub and time.monotonic() >= self._telling_at:
            self.hub.call_soon(self._tell_soon)

    def _plan_telling(self) -> None:
        now = time.monotonic()
        if now >= self._telling_at:
            self._telling_at = now + _GATHER
            self.timer.call_after(_GATHER, self._flush_events)

    def shutdown(self) -> None:
        """Tell what has not been told yet, and end."""
        self._flush_events()
        super().shutdown()

    def _look_after_queues(self) -> None:
        """Connect anew when messages wait on a queue that is read here, and none comes.

        A queue that is deleted and made again in the same moment is one cause: RabbitMQ 3.10 does
        not tell its readers, and sends them nothing from then on. They would wait for ever.
        """
        waiting = set()
        for name in tuple(self.task_consumer._active_tags):  # noqa: SLF001 - see above
            channel = self.connection.channel()
            try:
                declared = channel.queue_declare(name, passive=True)
                if declared.message_count or not declared.consumer_count:
                    waiting.add(name)
            except NotFound:
                waiting.add(name)
            finally:
                channel.close()
        is_free = not state.reserved_requests and not self._held
        is_idle = is_free and self._received == self._received_before
        stuck = waiting & self._waiting_before if is_idle else set()
        self._received_before, self._waiting_before = self._received, waiting
        if stuck:
            self._waiting_before = set()
            names = ", ".join(sorted(stuck))
            _log.warning(
                "messages wait on %s, and none comes; connecting anew",
                names,
                extra={"action": "queue_stuck", "queues": sorted(stuck)},
            )
            message = f"nothing comes from {names}"
            raise RecoverableConnectionError(message)

    def create_task_handler(self, promise: Any = promise) -> Callable[[Any], Any]:
        """Return the function that Celery calls for each message."""
        receive = super().create_task_handler(promise)

        def on_task_received(message: Any) -> Any:
            self._received += 1
            context = self._context_of(message)
            if context is None:
                return receive(message)
            fault = find_fault(message, self.app.tasks)
            if fault is not None:
                return self._bury(context, message, *fault)
            if _times_given_back(message) >= GIVE_UP_AFTER:
                return self._give_up(context, message)
            return self._receive(receive, context, message)

        return on_task_received

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Keep what kombu cannot decode: an unknown compression, say."""
        self._reject(super().on_decode_error, (message, exc), message, exc)

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """Keep what Celery takes for no task."""
        fault = "the message is no task"
        self._reject(super().on_unknown_message, (body, message), message, fault)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Keep a task whose headers Celery cannot use."""
        self._reject(super().on_invalid_task, (body, message, exc), message, exc)

    def _reject(
        self,
        reject: Callable[..., None],
        arguments: tuple[Any, ...],
        message: Any,
        fault: Exception | str,
    ) -> None:
        context = self._context_of(message)
        if context is None:
            reject(*arguments)
        else:
            self._bury(context, message, Reason.UNDECODABLE, f"the message cannot be run: {fault}")

    def _receive(self, receive: Callable[[Any], Any], context: WorkerContext, message: Any) -> Any:
        try:
            return receive(message)
        except (*self.connection_errors, *self.channel_errors, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - Celery reads headers of any shape in there
            fault = f"the message cannot be run: {type(error).__name__}: {error}"
            return self._bury(context, message, Reason.UNDECODABLE, fault)

    def _context_of(self, message: Any) -> WorkerContext | None:
        """Return the context for a message on a queue of eventflow's, None for any other."""
        context: WorkerContext | None = getattr(self.app, "eventflow_context", None)
        is_own = context is not None and self._queue_of(message) in context.own_queues
        return context if is_own else None

    def _queue_of(self, message: Any) -> str:
        """Return the queue that a message came from, whatever its sender said."""
        info = message.delivery_info or {}
        tag = info.get("consumer_tag")
        if tag is not None and self.task_consumer is not None:
            for name, known in self.task_consumer._active_tags.items():  # noqa: SLF001 - see above
                if known == tag:
                    return str(name)
        return str(info.get(LIST) or info.get("routing_key", ""))

    def _give_up(self, context: WorkerContext, message: Any) -> None:
        """End a message that came back again and again, before the broker drops it in silence."""
        times, name = _times_given_back(message), message.headers["task"]
        queue = self._queue_of(message)
        if name not in ARGUMENTS and name != CANARY:
            error = f"it was given back {times} times: it may have ended each worker that took it"
            self._bury(context, message, Reason.POISON, error)
            return
        # What it names is in the ledger: whatever is not done of it gets another message.
        _log.warning(
            "a message on %s was given back %d times and is dropped; what it names, the ledger has",
            queue,
            times,
            extra={"action": "message_dropped", "queue": queue, "task": name},
        )
        message.ack()

    def _bury(self, context: WorkerContext, message: Any, reason: Reason, error: str) -> None:
        queue = self._queue_of(message)
        letter = letter_of_message(
            queue=queue,
            tag=_identity_of(message),
            body=_bytes_of(message.body),
            headers=message.headers,
            content_type=str(message.content_type),
            reason=reason,
            error=error,
        )
        self._held += 1
        self._keep(context, message, letter, queue)

    def _keep(self, context: WorkerContext, message: Any, letter: DeadLetter, queue: str) -> None:
        """Write the dead letter, then let the message go; until then it stays in this worker's hand.

        Given back at once it would be here again at once, and RabbitMQ would soon drop it.
        """
        try:
            context.ledgers.of(DEFAULT_BUS).bury([letter])
        except LedgerError as fault:
            _log.error("%s", fault, extra={"action": "bury_failed", "queue": queue})
            self.timer.call_after(_BURY_AGAIN, self._keep, (context, message, letter, queue))
            return
        _log.error(
            "a message on %s is a dead letter (%s): %s",
            queue,
            letter.reason.value,
            letter.error,
            extra={"action": "message_dead", "queue": queue, "reason": letter.reason.value},
        )
        self._held -= 1
        # A connection that was lost meanwhile has it given back; it is the same dead letter then.
        message.ack_log_error(_log, self.connection_errors)
        try:
            context.sender.send([record_message(DEFAULT_BUS, [letter.id])])
        except TransportError as fault:
            _log.warning("%s", fault, extra={"action": "send_failed", "messages": 1})


def _times_given_back(message: Any) -> int:
    """Return RabbitMQ's count of how often a message came back; Redis has none."""
    count = message.headers.get("x-delivery-count")
    return count if isinstance(count, int) else 0


def _identity_of(message: Any) -> str:
    """Return what tells this message from others with the same bytes.

    On Redis it is the same when the message is read once more after a crash. RabbitMQ's tags count
    within a channel and say nothing of the message: there, two dead letters are better than none.
    """
    is_rabbitmq = "consumer_tag" in (message.delivery_info or {})
    return str(uuid.uuid4()) if is_rabbitmq else str(message.delivery_tag)


def _bytes_of(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else repr(body).encode()
