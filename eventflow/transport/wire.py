"""Writing a message as it lies on a Redis list, without Celery's and kombu's work for each one.

Celery itself is asked once for each task and queue: a message with marks in the places of what
differs is sent through its own producer into a tray, and its text becomes the form that all further
ones are filled into. So the text is what the installed versions of Celery and kombu write. Where a
mark is not where it should be, or two such messages differ in more than their marks, a new version
writes otherwise than is known here: a warning says so, and everything is sent in Celery's own way.
"""

import base64
import itertools
import json
import logging
import os
import re
import uuid
from binascii import b2a_base64
from collections.abc import Callable
from typing import Any

import celery as celery_package
import kombu
from celery import Celery, signals
from celery.app.amqp import AMQP
from kombu.transport import memory, virtual
from kombu.transport import redis as kombu_redis

from eventflow.errors import TransportError
from eventflow.transport.messages import Message

__all__ = ["FormError", "Wire"]

_log = logging.getLogger("eventflow.transport")

_MARKS = ("id", "args", "shadow", "shown")
_RETRIES = 918273645  # an integer stands where the number of attempts does
_write_json = json.JSONEncoder().encode  # as `json.dumps`, which looks at its options each time
_SLOT = re.compile(r'"<<(\w+)>>"')
_TIMES = {"id": 3, "shadow": 1, "shown": 2, "retries": 1, "tag": 1, "body": 1}
_OPTIONS = frozenset(
    {"global_keyprefix", "body_encoding"}
)  # of kombu, which change what is written
_SETTINGS = (  # of Celery, likewise
    "task_compression",
    "task_default_priority",
    "task_inherit_parent_priority",
    "task_routes",
    "task_send_sent_event",
)

SendOne = Callable[[Message, Any], None]
"""Sends a message through a kombu producer, in Celery's own way."""


class FormError(TransportError):
    """Celery or kombu writes a message otherwise than is known here."""


class Wire:
    """Writes the messages of one Celery app. Safe in threads and after a fork.

    Args:
        celery: The app.
        send_one: How a message is sent in Celery's own way.
    """

    def __init__(self, celery: Celery, send_one: SendOne) -> None:
        self._celery = celery
        self._send_one = send_one
        # By process, since a message says which process it comes from.
        self._forms: dict[tuple[int, str, str], _Form] = {}
        self._is_plain: bool | None = None

    def write(self, message: Message) -> bytes | None:
        """Return the entry of the list that the message's queue is.

        Returns:
            The entry; None where the message is to be sent in Celery's own way: the broker is no
            Redis, the app has settings or signals of its own for what it sends, or its version of
            Celery is not known here.
        """
        if self._is_plain is None:
            self._is_plain = _is_plain(self._celery)
        if not self._is_plain or _is_watched():
            return None
        place = (os.getpid(), message.task, message.queue)
        form = self._forms.get(place)
        if form is None:
            try:
                form = self._forms[place] = self.form(message.task, message.queue)
            except FormError as error:
                self._is_plain = False
                _log.warning(
                    "Celery %s with kombu %s writes messages otherwise than eventflow knows (%s): "
                    "they are sent in Celery's own way, which takes more time; see whether there "
                    "is a newer eventflow",
                    celery_package.__version__,
                    kombu.__version__,
                    error,
                    extra={"action": "message_form_unknown"},
                )
                return None
        return form.fill(message)

    def form(self, task: str, queue: str) -> "_Form":
        """Ask Celery for the form of messages of a task on a queue.

        Raises:
            FormError: When it is none that is known here.
        """
        first, second = (_Form(self._sample(task, queue)) for _ in range(2))
        if (first.text, first.body) != (second.text, second.body):
            message = "two messages of the same content differ"
            raise FormError(message)
        return first

    def _sample(self, task: str, queue: str) -> dict[str, Any]:
        tray: list[dict[str, Any]] = []
        with kombu.Connection(transport=_tray_transport(tray)) as connection:
            producer = self._celery.amqp.Producer(connection, auto_declare=False)
            identity, args, shadow, shown = (f"<<{name}>>" for name in _MARKS)
            message = Message(task, queue, (args,), identity, shadow, shown, _RETRIES)
            try:
                self._send_one(message, producer)
                [sample] = tray
            except Exception as error:  # whatever a new version does, messages go out
                fault = f"{type(error).__name__}: {error}"
                raise FormError(fault) from error
        return sample


class _Form:
    """The text of a message, with places for what differs.

    Args:
        sample: A message with marks in these places, as kombu would write it; used up.
    """

    def __init__(self, sample: dict[str, Any]) -> None:
        try:
            headers, properties = sample["headers"], sample["properties"]
            body = base64.b64decode(sample["body"], validate=True).decode()
            is_known = (
                properties["body_encoding"] == "base64"
                and properties["priority"] == 0
                and isinstance(properties["delivery_tag"], str)
                and headers["retries"] == _RETRIES
                and "parent_id" in headers
                and body.count('["<<args>>"]') == 1
            )
        except (KeyError, TypeError, ValueError) as error:
            fault = f"{type(error).__name__}: {error}"
            raise FormError(fault) from error
        if not is_known:
            message = "a field is not what it was"
            raise FormError(message)
        sample["body"] = "<<body>>"
        headers["retries"] = "<<retries>>"
        # A message is no child of the task that happens to send it.
        headers["parent_id"] = None
        properties["delivery_tag"] = "<<tag>>"
        text = json.dumps(sample, ensure_ascii=False)
        found = _SLOT.findall(text)
        if {name: found.count(name) for name in found} != _TIMES:
            message = f"the places found are {found}"
            raise FormError(message)
        self.text = text
        # Every other piece is the name of what comes in its place.
        self._pieces = _SLOT.split(text)
        self._names = self._pieces[1::2]
        self.body = body.replace("%", "%%").replace('["<<args>>"]', "%s")
        # Forms are of one process each, and so no other has these tags.
        self._tag = f"{uuid.uuid4()}-"
        self._numbers = itertools.count()

    def fill(self, message: Message) -> bytes:
        """Return the text of this message."""
        body = self.body % _write_json(message.args)
        values: dict[str, str] = {
            "id": _write_json(message.task_id),
            "shadow": _write_json(message.shadow),
            "shown": _write_json(message.shown),
            "retries": str(message.retries),
            "tag": f'"{self._tag}{next(self._numbers)}"',
            "body": f'"{b2a_base64(body.encode(), newline=False).decode()}"',
        }
        pieces = self._pieces.copy()
        pieces[1::2] = [values[name] for name in self._names]
        return "".join(pieces).encode()


def _tray_transport(tray: list[dict[str, Any]]) -> type[memory.Transport]:
    """Return a transport that sends nothing, and puts what it would send into *tray*."""

    class Channel(memory.Channel):
        def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:  # noqa: ARG002 - kombu's
            tray.append(message)

    return type("Transport", (memory.Transport,), {"Channel": Channel})


def _is_plain(app: Celery) -> bool:
    """Whether the app's messages are written on a Redis list, and in no way of its own."""
    transport = app.connection_for_write().get_transport_cls()
    channel = getattr(transport, "Channel", None)
    if transport.driver_type != "redis" or "sentinel" in transport.__name__.lower():
        return False
    if not (isinstance(channel, type) and issubclass(channel, kombu_redis.Channel)):
        return False
    writes_alike = (
        channel._put is kombu_redis.Channel._put  # noqa: SLF001 - whether they are kombu's own
        and channel._inplace_augment_message is virtual.Channel._inplace_augment_message  # noqa: SLF001
        and channel.basic_publish is virtual.Channel.basic_publish
        and channel.prepare_message is virtual.Channel.prepare_message
    )
    options = app.conf.broker_transport_options or {}
    steps = options.get("priority_steps", [0])
    return (
        writes_alike
        and type(app).send_task is Celery.send_task
        and type(app.amqp) is AMQP
        and 0 in steps
        and not any(options.get(name) for name in _OPTIONS)
        and not any(app.conf[name] for name in _SETTINGS)
        and app.conf.task_protocol == 2  # noqa: PLR2004 - Celery's name of it
    )


def _is_watched() -> bool:
    """Whether somebody is to be told of each message, and may change it."""
    return bool(
        signals.before_task_publish.receivers
        or signals.after_task_publish.receivers
        or signals.task_sent.receivers
    )
