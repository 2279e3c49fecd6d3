"""The consumer: what cannot be read or run becomes a dead letter, and the worker goes on.

Plain Celery 5.7 deletes such messages (or dies of them). Only queues of eventflow's are treated so;
what arrives on another queue of a shared app is Celery's own affair. Leans on Celery's
`Consumer.create_task_handler`; an integration test that pushes garbage fails when that changes.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from vine import promise

from eventflow.errors import LedgerError, TransportError
from eventflow.events import DEFAULT_BUS
from eventflow.records import Reason
from eventflow.transport import record_message
from eventflow.transport.messages import DELIVER, RECORD, ROUTE
from eventflow.transport.redis_transport import UNDECODABLE
from eventflow.worker.context import WorkerContext
from eventflow.worker.letters import letter_of_message

__all__ = ["Consumer", "find_fault"]

_log = logging.getLogger("eventflow.consumer")
_ARGUMENTS = {ROUTE: 2, RECORD: 2, DELIVER: 3}


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
    if name in _ARGUMENTS and (kwargs or not _are_ours(args, _ARGUMENTS[name], name)):
        return Reason.UNDECODABLE, f"the message's arguments are not those of {name}"
    return None


def _are_ours(args: list[Any] | tuple[Any, ...], count: int, name: str) -> bool:
    if len(args) != count or not all(isinstance(text, str) and text for text in args[:-1]):
        return False
    ids = args[-1]
    if not isinstance(ids, list) or not ids:
        return False
    return all(isinstance(item, str) and item and (name != DELIVER or ":" in item) for item in ids)


class Consumer(CeleryConsumer):  # type: ignore[misc]  # celery has no types
    """Celery's consumer, with a look at each message before it is taken."""

    def create_task_handler(self, promise: Any = promise) -> Callable[[Any], Any]:
        """Return the function that Celery calls for each message."""
        receive = super().create_task_handler(promise)
        context: WorkerContext | None = getattr(self.app, "eventflow_context", None)

        def on_task_received(message: Any) -> Any:
            if context is None or _queue_of(message) not in context.own_queues:
                return receive(message)
            fault = find_fault(message, self.app.tasks)
            return receive(message) if fault is None else self._bury(context, message, *fault)

        return on_task_received

    def _bury(self, context: WorkerContext, message: Any, reason: Reason, error: str) -> None:
        queue = _queue_of(message)
        letter = letter_of_message(
            queue=queue,
            tag=str(message.delivery_tag),
            body=_bytes_of(message.body),
            headers=message.headers,
            content_type=str(message.content_type),
            reason=reason,
            error=error,
        )
        try:
            context.ledgers.of(DEFAULT_BUS).bury([letter])
        except LedgerError as fault:
            _log.error("%s", fault, extra={"action": "bury_failed", "queue": queue})
            message.requeue()
            return
        _log.error(
            "a message on %s is a dead letter (%s): %s",
            queue,
            reason.value,
            error,
            extra={"action": "message_dead", "queue": queue, "reason": reason.value},
        )
        message.ack()
        try:
            context.sender.send([record_message(DEFAULT_BUS, [letter.id])])
        except TransportError as fault:
            _log.warning("%s", fault, extra={"action": "send_failed", "messages": 1})


def _queue_of(message: Any) -> str:
    return str((message.delivery_info or {}).get("routing_key", ""))


def _bytes_of(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else repr(body).encode()
