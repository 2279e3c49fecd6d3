"""A worker's logs and traces: dressed, set up and flushed at the moments that Celery tells of."""

import logging
from typing import Any

from celery import Celery
from celery.signals import (
    after_setup_logger,
    after_setup_task_logger,
    celeryd_after_setup,
    celeryd_init,
    worker_process_shutdown,
    worker_shutdown,
)

from eventflow.errors import StartError
from eventflow.telemetry import Tracing, dress_logger
from eventflow.worker.stopping import refuse_start

__all__ = ["hook_telemetry"]


def hook_telemetry(app: Celery, tracing: Tracing, *, log_format: str, is_joined: bool) -> None:
    """Have *app*'s workers log with ids, and send their spans.

    Args:
        app: The Celery app.
        tracing: Makes the spans.
        log_format: `text` or `json`.
        is_joined: Whether the app is a user's own.
    """
    watched = _Watched(app, tracing, log_format=log_format, is_joined=is_joined)
    # Kept by the app, since Celery's signals hold their receivers weakly.
    app.eventflow_watched = watched
    celeryd_init.connect(watched.on_init, weak=True)
    after_setup_logger.connect(watched.on_logger, weak=True)
    after_setup_task_logger.connect(watched.on_logger, weak=True)
    celeryd_after_setup.connect(watched.on_set_up, weak=True)
    worker_process_shutdown.connect(watched.on_end, weak=True)
    worker_shutdown.connect(watched.on_end, weak=True)


class _Watched:
    """One app's workers."""

    def __init__(self, app: Celery, tracing: Tracing, *, log_format: str, is_joined: bool) -> None:
        self._app = app
        self._tracing = tracing
        self._log_format = log_format
        self._is_joined = is_joined

    def on_init(self, sender: Any = None, instance: Any = None, **_: Any) -> None:
        """Say by which name the worker's spans go, before its pool's processes are forked."""
        if instance is None or instance.app is not self._app:
            return
        try:
            self._tracing.export_as(str(sender).partition("@")[0], is_own=not self._is_joined)
        except StartError as error:
            refuse_start(error)

    def on_logger(self, logger: logging.Logger | None = None, **_: Any) -> None:
        """Dress the handlers that Celery has just made."""
        if logger is not None:
            dress_logger(logger, self._log_format)

    def on_set_up(self, instance: Any = None, **_: Any) -> None:
        """Give the ids to the handlers of an app that sets up its logs itself; its lines stay."""
        if instance is not None and instance.app is self._app:
            dress_logger(logging.getLogger(), "")

    def on_end(self, **_: Any) -> None:
        """Send what spans are left: Python's own exit handlers do not run in a pool's process."""
        self._tracing.flush()
