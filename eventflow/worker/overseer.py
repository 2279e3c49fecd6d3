"""The overseer: a thread in each router, of which one at a time reconciles and sends canaries.

Which one it is, is kept in the ledger for some seconds at a time, so that another takes over when it
ends, or is frozen itself.
"""

import logging
import secrets
import threading
import time
from collections.abc import Iterator

from eventflow.errors import EventflowError
from eventflow.worker.canary import Canaries
from eventflow.worker.context import WorkerContext
from eventflow.worker.reconciler import Reconciler
from eventflow.worker.stopping import StopRequest

__all__ = ["Overseer"]

_log = logging.getLogger("eventflow.overseer")
_HELD_FOR = 6.0  # seconds: as long as another router waits before it takes over
_LOOKS_EVERY = 2.0  # seconds
_LOOKS = 4  # at canaries, in each interval
_PAUSE = 0.01  # seconds between two slices of a search: Redis has others to serve


class Overseer:
    """A thread that oversees until it is stopped.

    Args:
        context: The process's parts.
    """

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._identity = secrets.token_hex(8)
        self._reconciler = Reconciler(context)
        self._canaries = Canaries(context)
        self._steps = _nothing()
        self._next_balance = self._next_canaries = 0.0
        self._stopping = StopRequest()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="eventflow-overseer", daemon=True)
        self._thread.start()

    def stop_soon(self) -> None:
        """Stop it after its current round; safe in a signal's handler."""
        self._stopping.set()

    def round(self) -> float:
        """Do what is due, if it is this router that does it.

        Returns:
            Seconds until the next round.

        Raises:
            LedgerError, TransportError: When either cannot be reached.
        """
        settings, now = self._context.settings, time.monotonic()
        if not self._context.ledgers.oversee(self._identity, _HELD_FOR):
            self._steps = _nothing()
            return _LOOKS_EVERY
        if settings.canary_interval and now >= self._next_canaries:
            self._next_canaries = now + min(_LOOKS_EVERY, settings.canary_interval / _LOOKS)
            self._canaries.look()
        if next(self._steps, self) is None:
            return _PAUSE
        if now >= self._next_balance:
            self._next_balance = now + settings.reconcile_interval
            self._steps = self._reconciler.look()
            return 0.0
        nearest = self._next_balance
        if settings.canary_interval:
            nearest = min(nearest, self._next_canaries)
        return max(0.0, min(_LOOKS_EVERY, nearest - time.monotonic()))

    def _run(self) -> None:
        wait, is_failing = 0.0, False
        while not self._stopping.wait(wait):
            try:
                wait = self.round()
                is_failing = False
            except EventflowError as error:
                if not is_failing:
                    _log.warning("%s", error, extra={"action": "overseer_failed"})
                is_failing, wait, self._steps = True, 1.0, _nothing()
            except Exception:  # noqa: BLE001 - logged; what it watches must be watched all the same
                _log.exception(
                    "a round of the overseer failed", extra={"action": "overseer_failed"}
                )
                wait, self._steps = 1.0, _nothing()


def _nothing() -> Iterator[None]:
    """Return the steps of a look at nothing."""
    yield from ()
