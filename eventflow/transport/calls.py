"""Calling in the step that has something to call for, where broker and ledger are one server.

Then one round trip does both: the ledger's script puts the message on the broker's list itself, for
a router when it accepts events, and for workers when it registers deliveries.
"""

from collections.abc import Mapping, Sequence

import kombu
from celery import Celery

from eventflow.addresses import as_kombu
from eventflow.delivery import WrittenCall
from eventflow.encoding import decode_event
from eventflow.settings import Settings
from eventflow.transport.messages import Message, route_message
from eventflow.transport.wire import Wire

__all__ = ["MOST_NAMED", "Calls"]

MOST_NAMED = 20
"""Events that a message to a router names, for people who look for one; it has all routed that wait."""


class Calls:
    """Writes messages that call routers and workers. Safe in threads and after a fork.

    Args:
        celery: The app, whose broker it is.
        settings: They say where the ledger is.
        wire: Writes the app's messages.
    """

    def __init__(self, celery: Celery, settings: Settings, wire: Wire) -> None:
        self._celery = celery
        self._settings = settings
        self._wire = wire
        self._is_one_server: bool | None = None  # asked at first, since an app is configured late

    def to_routers(self, bus: str, events: Sequence[tuple[str, bytes, str]]) -> bytes | None:
        """Return the entry for the list `eventflow.route`; None where it is sent otherwise.

        It is what `eventflow.delivery.accepting.WriteCall` says.
        """
        if not self.are_written():
            return None
        named = [(event_id, _type_of(body, lane)) for event_id, body, lane in events[:MOST_NAMED]]
        return self._wire.write(route_message(bus, named))

    def to_workers(self, messages: Mapping[str, Message]) -> dict[str, WrittenCall]:
        """Return the entries for targets' lists; none where they are sent in Celery's own way.

        Args:
            messages: By target; only where `are_written`.
        """
        written = {}
        for target, message in messages.items():
            entry = self._wire.write(message)
            if entry is None:
                return {}
            written[target] = WrittenCall(message.queue, entry)
        return written

    def are_written(self) -> bool:
        """Whether calls are put on a list by the ledger: broker and ledger are one server."""
        if self._is_one_server is None:
            self._is_one_server = _is_one_server(self._celery, self._settings)
        return self._is_one_server


def _is_one_server(celery: Celery, settings: Settings) -> bool:
    """Whether broker and ledger are the same database of the same server, for the same user."""
    broker = celery.connection_for_write()
    place = as_kombu(settings.ledger_url)
    if broker.alt[1:] or place.startswith("rediss") != bool(broker.ssl):
        return False
    # kombu warns of `rediss://` without checks; nothing is connected by this.
    ledger = kombu.Connection(place, ssl=broker.ssl)
    return bool(
        broker.as_uri(include_password=True) == ledger.as_uri(include_password=True)
        and broker.virtual_host == ledger.virtual_host
    )


def _type_of(body: bytes, lane: str) -> str:
    """Return an event's type, for its message to show; a lane is its source and its type."""
    if lane.count("|") == 1:
        return lane.partition("|")[2]
    return decode_event(body).type
