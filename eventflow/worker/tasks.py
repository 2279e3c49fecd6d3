"""The Celery tasks, under their fixed names."""

import logging
from collections.abc import Callable
from typing import TypeVar

from celery import Celery

from eventflow.errors import EventflowError
from eventflow.transport.messages import ARCHIVE, CANARY, DELIVER, JOURNAL, RECORD, ROUTE
from eventflow.worker.archiving import archive_events
from eventflow.worker.canary import answer_canary, quiet_canaries
from eventflow.worker.context import WorkerContext
from eventflow.worker.deliver import deliver
from eventflow.worker.journal import record_journal
from eventflow.worker.record import record_letters
from eventflow.worker.route import route_events
from eventflow.worker.watchdog import watchdog

__all__ = ["register_tasks"]

_log = logging.getLogger("eventflow.worker")
T = TypeVar("T")
_MOST_RESULT = (
    4096  # characters of a result that Flower shows: fifty ids, and how many went which way
)
_NO_LIMIT = 30 * 24 * 60 * 60  # seconds: none would have Celery take the app's


def register_tasks(app: Celery, context: WorkerContext) -> None:
    """Give *app* eventflow's tasks."""
    quiet_canaries()
    # What a subscriber raises is told in our own words; Celery need not print it once more.
    # A joined app's own defaults do not count here; celery_app.py has the reasons for ours.
    options = {
        "ignore_result": True,
        "typing": False,
        # They are this app's and work with its parts; Celery would give them to every app made later.
        "shared": False,
        "throws": (Exception,),
        "serializer": "json",
        "resultrepr_maxsize": _MOST_RESULT,
        "acks_late": True,
        "reject_on_worker_lost": True,
        "retry_on_worker_lost": False,
        "acks_on_failure": True,
        "acks_on_timeout": True,
        # A target's timeout bounds each delivery of a list; an app's own limit would cut off the list.
        "time_limit": _NO_LIMIT,
        "soft_time_limit": _NO_LIMIT,
    }
    # Recording counts no attempts, so a letter that kills its recorder must not be back at once, and
    # again and again; the mover brings it after a while.
    recording = {**options, "reject_on_worker_lost": False}

    @app.task(name=ROUTE, **options)  # type: ignore[untyped-decorator]
    def route_task(bus: str, event_ids: list[str]) -> dict[str, int | str]:
        return _said(lambda: route_events(context, bus, event_ids))

    @app.task(name=DELIVER, Request="eventflow.worker.request:Request", **options)  # type: ignore[untyped-decorator]
    def deliver_task(bus: str, target: str, delivery_ids: list[str]) -> dict[str, int | str]:
        with watchdog.kept():
            return _said(lambda: deliver(context, bus, target, delivery_ids))

    @app.task(name=ARCHIVE, **recording)  # type: ignore[untyped-decorator]
    def archive_task(bus: str, delivery_ids: list[str]) -> dict[str, int]:
        return _said(lambda: archive_events(context, bus, delivery_ids))

    @app.task(name=RECORD, **recording)  # type: ignore[untyped-decorator]
    def record_task(bus: str, letter_ids: list[str]) -> int:
        return _said(lambda: record_letters(context, context.stores.dead_letters, bus, letter_ids))

    @app.task(name=JOURNAL, **recording)  # type: ignore[untyped-decorator]
    def journal_task(bus: str) -> int:
        return _said(lambda: record_journal(context, context.stores.journal, bus))

    # Flower has no use for them: it shows what happens to events.
    @app.task(name=CANARY, send_events=False, **recording)  # type: ignore[untyped-decorator]
    def canary_task(queue: str, sent_at: float) -> None:
        answer_canary(context, queue, sent_at)


def _said(run: Callable[[], T]) -> T:
    try:
        return run()
    except EventflowError as error:
        # The ledger, broker or store is away. Nothing is lost; it is tried again by the mover.
        _log.error("%s", error, extra={"action": "task_failed", "error_type": type(error).__name__})
        raise
