"""kombu's Redis transport, made to survive what is no message.

kombu 5.7 reads a list's entry outside any handler: bytes that are no JSON, or JSON with a mark of
kombu's own for a type that it does not know, end the worker, and JSON that is no message looks like a
lost connection; all are gone from the queue.
Here such an entry becomes a message of its own content type, which the consumer turns into a dead
letter. This leans on kombu's `Channel._get_client` and on its use of BRPOP; an integration test that
pushes garbage into a real queue fails when kombu changes either.
"""

import base64
import uuid
from typing import Any

from kombu.transport import redis as kombu_redis
from kombu.utils.json import dumps, loads

from eventflow.transport.redis_qos import QoS

__all__ = ["LIST", "UNDECODABLE", "Channel", "Transport", "clean_entry", "read_entry"]

UNDECODABLE = "application/x-eventflow-undecodable"

LIST = "eventflow_list"
"""In a message's `delivery_info`: the list that it was in, where its sender says another name."""

_PRIORITY = "\x06\x16"  # between a queue's name and a priority in a list's name, as kombu has it


def read_entry(entry: bytes | str, queue: str) -> dict[str, Any]:
    """Read one entry of a Redis list as kombu's message, whatever it is.

    Args:
        entry: The bytes that were in the list.
        queue: The list's name.

    Returns:
        The message; for what is none, one of content type `UNDECODABLE` that carries the bytes.
    """
    raw = entry if isinstance(entry, bytes) else entry.encode("utf-8", "surrogateescape")
    try:
        message = loads(raw)
    except Exception:  # noqa: BLE001 - kombu makes dates and the like of what is marked so
        return _wrap(raw, queue)
    if not isinstance(message, dict) or not isinstance(message.get("properties"), dict):
        return _wrap(raw, queue)
    properties = message["properties"]
    if not isinstance(properties.get("delivery_tag"), str) or not isinstance(
        properties.get("delivery_info"), dict
    ):
        return _wrap(raw, queue)
    if not _body_can_be_read(message):
        return _wrap(raw, queue)
    info = properties["delivery_info"]
    if not {"exchange", "routing_key"} <= info.keys():
        return _wrap(raw, queue)
    if info["routing_key"] != queue:
        info[LIST] = queue
    return message


def _body_can_be_read(message: dict[str, Any]) -> bool:
    body = message.get("body")
    if not isinstance(body, str | None) or not isinstance(message.get("headers"), dict | None):
        return False
    encoding = message["properties"].get("body_encoding")
    if not encoding or not body:
        return True
    if encoding != "base64":  # kombu knows no other
        return False
    try:
        base64.b64decode(body, validate=True)
    except ValueError:
        return False
    return True


def _wrap(raw: bytes, queue: str) -> dict[str, Any]:
    return {
        "body": base64.b64encode(raw).decode(),
        "content-type": UNDECODABLE,
        "content-encoding": "binary",
        "headers": {},
        "properties": {
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": queue},
        },
    }


def clean_entry(entry: bytes, queue: str) -> bytes:
    """Return *entry* as it is when it is a message, else as one that says it is none.

    Args:
        entry: The bytes that were in the list.
        queue: The list's name.
    """
    queue = queue.partition(_PRIORITY)[0]
    message = read_entry(entry, queue)
    if message.get("content-type") == UNDECODABLE or LIST in _info_of(message):
        text: str = dumps(message)
        return text.encode()
    return entry


def _info_of(message: dict[str, Any]) -> dict[str, Any]:
    info: dict[str, Any] = message["properties"]["delivery_info"]
    return info


class _CleaningClient:
    """Mixed into redis-py's client: what BRPOP answers is always a message."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        answer = super().parse_response(  # type: ignore[misc]  # redis-py's, beside it in the MRO
            connection, command_name, **options
        )
        if command_name == "BRPOP" and answer:
            key, entry = answer
            return key, clean_entry(entry, key.decode())
        return answer


class Channel(kombu_redis.Channel):
    """A channel whose queues may hold anything, and which loses no place in its window."""

    QoS = QoS

    def _get_client(self) -> type:
        client = super()._get_client()  # type: ignore[no-untyped-call]
        return type("CleaningClient", (_CleaningClient, client), {})


class Transport(kombu_redis.Transport):
    """kombu's Redis transport with that channel."""

    Channel = Channel
