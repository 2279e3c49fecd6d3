"""Celery's remote control, made to give up on an answer that nobody waits for any more.

kombu 5.7 sends a worker's answer (to a ping, say, of `eventflow up` or Flower) with retries without
end: when the broker goes away in that moment, the worker's main loop hangs in it, deaf to SIGTERM.
Leans on kombu's `Mailbox._publish_reply`; the test that kills everything fails when that changes.
"""

from typing import Any

from celery.app.control import Control as CeleryControl
from kombu.pidbox import Mailbox as KombuMailbox

__all__ = ["Control", "Mailbox"]

_ONE_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}


class Mailbox(KombuMailbox):
    """A mailbox whose answers are tried twice."""

    def _publish_reply(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("retry_policy", _ONE_RETRY)
        super()._publish_reply(*arguments, **options)  # type: ignore[no-untyped-call]


class Control(CeleryControl):  # type: ignore[misc]  # celery has no types
    """Celery's control with that mailbox."""

    Mailbox = Mailbox
