"""What a worker's main process does when one of its pool's processes ends in a delivery.

A segmentation fault, memory that ran out, `os._exit`: the pool's process is gone and can record
nothing. Its parent knows at once, and says so to the ledger, so that the delivery need not wait for
the end of its lease. Leans on Celery's `Task.Request` and on `Request.on_failure`, whose second half
(the message goes back to its queue) stays Celery's; the test of poison fails when that changes.
"""

import logging
import random
from typing import Any

from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request as CeleryRequest

from eventflow.delivery import next_delay
from eventflow.errors import EventflowError
from eventflow.worker.identity import process_name

__all__ = ["Request"]

_log = logging.getLogger("eventflow.deliver")


class Request(CeleryRequest):  # type: ignore[misc]  # celery has no types
    """Celery's request of a delivery, which notices that its process has ended."""

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> Any:
        """Have the ledger take back what the ended process had, then do as Celery does."""
        error = exc_info.exception
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, WorkerLostError | SystemExit):
            self._take_back(error)
        return super().on_failure(
            exc_info, send_failed_event=send_failed_event, return_ok=return_ok
        )

    def _take_back(self, error: BaseException) -> None:
        context = self._app.eventflow_context
        bus, name, ids = self._args
        owner = process_name(self.hostname, self.worker_pid)
        how = f"exit code {error.code}" if isinstance(error, SystemExit) else str(error)
        text = f"the worker's process ended: {how.partition(' Job:')[0]}"
        try:
            ledger = context.ledgers.of(bus)
            target = context.book.get(bus, name)
            attempts = max((attempts for _, attempts in ledger.describe(ids)), default=1)
            delay = next_delay(target.retry, max(1, attempts), random.random)
            lost = ledger.lost(name, owner=owner, delay=delay, error=text)
        except EventflowError as fault:
            # The lease ends by itself, and counts then.
            _log.error("%s", fault, extra={"action": "take_back_failed", "target": name})
            return
        for identity in lost:
            _log.error(
                "delivery %s has ended its worker's process (%s); due again in %.1f s",
                identity,
                how,
                delay,
                extra={"action": "delivery_lost", "delivery_id": identity, "target": name},
            )
