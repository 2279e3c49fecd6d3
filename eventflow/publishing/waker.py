"""Telling the routers of events that the ledger has; nobody waits for a broker that is away."""

import logging
import os
import time
from collections.abc import Sequence

from eventflow.errors import TransportError
from eventflow.transport import Message, MessageSender

__all__ = ["Waker"]

_log = logging.getLogger("eventflow.publish")
_LEAST_PAUSE = 1.0  # seconds between two tries at a broker that is away
_LONGEST_TRY = 60.0  # seconds; one that hangs for longer is not waited for


class Waker:
    """Sends messages to routers.

    What is not sent is not lost: the ledger has the events, and the mover sends their message once
    the broker is back. So a broker that did not take a message is tried again now and then, by those
    who publish and do not wait for it.

    Args:
        sender: The way to the broker.
        pause: Seconds that a try may last, and so at least lie between two.
    """

    def __init__(self, sender: MessageSender, *, pause: float) -> None:
        self._sender = sender
        self._pause = max(_LEAST_PAUSE, pause)
        # Plain values, no lock: a fork while another thread held it would hold it for ever.
        self._next_try: float | None = None  # None: the broker is there, as far as is known
        self._skipped = 0
        self._trying: tuple[int, float] = (0, 0.0)  # the process that does, and since when

    @property
    def is_away(self) -> bool:
        """Whether the broker did not take the last message, or takes too long over one."""
        return self._next_try is not None

    def give_up(self, count: int) -> None:
        """Note that the broker takes too long over a message for so many events."""
        self._note(count, "the broker has not taken it in time")

    def wake(self, messages: Sequence[Message], count: int) -> None:
        """Send messages, unless the broker is away and was tried only just now.

        Args:
            messages: To routers.
            count: How many events they name.
        """
        if not messages:
            return
        now = time.monotonic()
        if self._next_try is not None:
            if now < self._next_try or self._is_trying(now):
                self._skipped += count
                return
            self._next_try = now + self._pause
            self._trying = (os.getpid(), now)
        try:
            self._sender.post(messages)
        except TransportError as error:
            self._note(count, str(error))
            return
        finally:
            self._trying = (0, 0.0)
        if self._next_try is not None:
            _log.info("the broker is back", extra={"action": "broker_back"})
        self._next_try = None

    def _is_trying(self, now: float) -> bool:
        """Whether a try of this process hangs: one at a time, or they would use up all carriers."""
        process, since = self._trying
        return process == os.getpid() and now - since < _LONGEST_TRY

    def _note(self, count: int, reason: str) -> None:
        total, self._skipped = count + self._skipped, 0
        self._next_try = time.monotonic() + self._pause
        _log.warning(
            "%d events are accepted and wait for the broker: %s",
            total,
            reason,
            extra={"action": "send_failed", "events": total},
        )
