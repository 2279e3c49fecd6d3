"""Insisting: what is in hand is claimed and its outcome said, even if the ledger is away just now."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import redis

from eventflow.errors import LedgerError

__all__ = ["insist"]

_log = logging.getLogger("eventflow.delivery")
_FIRST_PAUSE = 0.05  # seconds
_LONGEST_PAUSE = 0.5
_AWAY = (redis.ConnectionError, redis.TimeoutError)
T = TypeVar("T")


def insist(call: Callable[[], T], *, unless: Callable[[], bool] = lambda: False) -> T:
    """Repeat *call* until the ledger can be reached.

    For claims and outcomes: who cannot claim has nothing better to do, a success that is forgotten
    would be handed over once more, and an event whose routing is forgotten would wait for its
    router's lease to end. The call must be safe to repeat.

    Args:
        call: Of the ledger.
        unless: Asked before each further try; where it is so, there is none.

    Returns:
        What it returns.

    Raises:
        LedgerError: When the ledger answers, and refuses; or is away, and there is no further try.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return call()
        except LedgerError as error:
            if not isinstance(error.__cause__, _AWAY) or unless():
                raise
            if pause == _FIRST_PAUSE:
                _log.warning(
                    "waiting for the ledger, with work in hand: %s",
                    error,
                    extra={"action": "ledger_awaited"},
                )
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
